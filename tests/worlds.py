"""Small corpora with judged queries, whose scores follow from the texts alone."""

from __future__ import annotations

import random
import zlib
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from shortlist.evaluation.query_sets.query_set import Judged, QuerySet, resolve
from shortlist.types import Hit, Passage, Where

WORDS = ("red", "blue", "cat", "dog", "file", "server", "tax", "bread", "tree", "stone")


class PoolRetriever:
    """Gives each query its own list, with falling scores; a smaller k is a prefix."""

    def __init__(self, pools: Mapping[str, Sequence[Hit]]) -> None:
        self.pools = pools
        self.asked: list[tuple[str, int]] = []

    def retrieve(self, query: str, k: int, where: Where | None = None) -> list[Hit]:
        self.asked.append((query, k))
        return list(self.pools[query][:k])


class ShiftingRetriever(PoolRetriever):
    """A larger k puts another passage first, as deeper legs can when they are fused: no prefixes here."""

    def retrieve(self, query: str, k: int, where: Where | None = None) -> list[Hit]:
        self.asked.append((query, k))
        held = list(self.pools[query])
        turned = held[k % 3 :] + held[: k % 3]
        return hits([one.passage for one in turned[:k]], [one.signals for one in turned[:k]])


class NumberEncoder:
    """The vector of a query is the number at its end."""

    name, dimension = "number", 1

    def encode_queries(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return np.array([[float(text.split()[-1])] for text in texts], dtype=np.float32)

    def encode_passages(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return np.zeros((len(texts), 1), dtype=np.float32)


class TwoLists:
    """An index whose two lists are drawn anew for each query, from the query and a seed alone; counts readings."""

    def __init__(self, corpus: Sequence[Passage], seed: int = 0) -> None:
        self.corpus = list(corpus)
        self.seed = seed
        self.read = 0

    def _list(self, kind: str, query: str, k: int) -> list[tuple[Passage, float]]:
        self.read += 1
        draw = random.Random(f"{self.seed} {kind} {query}")
        found = draw.sample(self.corpus, draw.randint(0, len(self.corpus)))
        return [(one, (len(found) - place) / 50) for place, one in enumerate(found)][:k]

    def nearest(self, vector: NDArray[np.float32], k: int, where: Where | None = None) -> list[tuple[Passage, float]]:
        return self._list("dense", str(float(vector[0])), k)

    def matching(self, text: str, k: int, where: Where | None = None) -> list[tuple[Passage, float]]:
        return self._list("words", text, k)

    def similarities(self, vector: NDArray[np.float32], ids: Sequence[str]) -> list[float]:
        return [random.Random(f"{float(vector[0])} {one}").random() for one in ids]


class TextReranker:
    """A score that depends on query and text alone; some texts count as cut."""

    name = "text"
    pointwise = True

    def __init__(self) -> None:
        self.scored = 0

    def score(self, query: str, texts: Sequence[str]) -> list[float]:
        self.scored += len(texts)
        return [zlib.crc32(f"{query}|{text}".encode()) % 97 / 17 for text in texts]

    def score_and_report(self, query: str, texts: Sequence[str]) -> tuple[list[float], list[bool]]:
        return self.score(query, texts), [len(text) % 5 == 0 for text in texts]


class ListwiseReranker(TextReranker):
    """Its scores depend on the pool; `pointwise` is what it claims."""

    name = "listwise"

    def __init__(self, pointwise: bool = False) -> None:
        super().__init__()
        self.pointwise = pointwise

    def score(self, query: str, texts: Sequence[str]) -> list[float]:
        found = super().score(query, texts)
        return [one / (1 + max(found, default=0.0)) + 0.3 * len(texts) * (place % 2) for place, one in enumerate(found)]


class OracleReranker(TextReranker):
    """Knows the answers: `gain` 1 puts them first, -1 puts them last."""

    name = "oracle"

    def __init__(self, relevant: Mapping[str, set[str]], gain: float = 1.0) -> None:
        super().__init__()
        self.relevant, self.gain = relevant, gain

    def score(self, query: str, texts: Sequence[str]) -> list[float]:
        noise = super().score(query, texts)
        return [
            self.gain * 100 * (text in self.relevant.get(query, ())) + one
            for text, one in zip(texts, noise, strict=True)
        ]


def hits(passages: Sequence[Passage], signals: Sequence[Mapping[str, float]]) -> list[Hit]:
    return [
        Hit(passage, 1.0 / rank, rank, 1.0 / rank, rank, signals=said)
        for rank, (passage, said) in enumerate(zip(passages, signals, strict=True), start=1)
    ]


def world(
    queries: int = 12, passages: int = 30, seed: int = 0, *, first: int = 0
) -> tuple[PoolRetriever, Judged, dict[str, set[str]]]:
    """A retriever, the judged queries, and the relevant texts of each; `first` shifts where relevant ones may stand."""
    draw = random.Random(seed)
    corpus = [
        Passage(f"p{i}", " ".join(draw.choices(WORDS, k=draw.randint(2, 8))) + f" {i}", f"d{i}")
        for i in range(passages)
    ]
    pools, texts, qrels, answers = {}, {}, {}, {}
    for number in range(queries):
        query = f"{draw.choice(WORDS)} {number}"
        order = draw.sample(corpus, passages)
        said = [{"dense": round(draw.random(), 3)} | ({"bm25_share": 0.5} if i % 2 else {}) for i in range(passages)]
        pools[query] = hits(order, said)
        texts[f"q{number}"] = query
        relevant = draw.sample(order[first:], draw.randint(1, 3))
        qrels[f"q{number}"] = {one.id: draw.randint(1, 2) for one in relevant} | {order[0].id: draw.randint(0, 1)}
        answers[query] = {one.text for one in order if qrels[f"q{number}"].get(one.id, 0) > 0}
    judged = resolve(QuerySet("made up", texts, qrels), corpus)
    return PoolRetriever(pools), judged, answers
