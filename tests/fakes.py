"""Stand-ins whose behaviour follows from the text alone, so that tests can assert order."""

from __future__ import annotations

from collections.abc import Sequence

from shortlist.types import Hit, Passage, Where


class WordReranker:
    """Scores a text by the share of query words in it. `broken` replaces the scores."""

    name = "words"
    pointwise = True

    def __init__(self, broken: list[float] | None = None) -> None:
        self.broken = broken
        self.calls: list[tuple[str, list[str]]] = []

    def score(self, query: str, texts: Sequence[str]) -> list[float]:
        self.calls.append((query, list(texts)))
        if self.broken is not None:
            return self.broken
        words = set(query.lower().split())
        return [len(words & set(text.lower().split())) / len(words) for text in texts]


class ListRetriever:
    """Returns its texts in a fixed order, with falling scores, for every query. `calls` holds each k."""

    def __init__(self, texts: Sequence[str], signals: Sequence[dict[str, float]] | None = None) -> None:
        self.texts = list(texts)
        self.signals = list(signals) if signals is not None else [{} for _ in texts]
        self.calls: list[int] = []

    def retrieve(self, query: str, k: int, where: Where | None = None) -> list[Hit]:
        self.calls.append(k)
        return [
            Hit(Passage(f"p{i}", text), 1.0 / i, i, 1.0 / i, i, signals=self.signals[i - 1])
            for i, text in enumerate(self.texts[:k], start=1)
        ]
