"""A backend in memory that computes everything by brute force: the logic of stores without any package."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from shortlist.search.filters import holds
from shortlist.stores.fields import Fields
from shortlist.stores.filters import EVERY, Condition
from shortlist.stores.metrics import MetricName
from shortlist.stores.store import Facts, Row
from shortlist.types import Passage
from standin_store import words_of

Vectors = NDArray[np.float32]


class FakeBackend:
    """A list of passages with vectors as a `Backend`. `calls` holds the name of each call."""

    def __init__(
        self, passages: Sequence[Passage], vectors: Vectors | None, *, metric: MetricName = "cosine", words: bool = True
    ) -> None:
        fields = Fields("text", "id", "title", document_id="document_id", metadata="metadata")
        dimension = None if vectors is None else vectors.shape[1]
        self.facts = Facts(
            "fake:notes",
            fields,
            None if vectors is None else metric,
            dimension,
            words=words,
            exact=True,
            operators=EVERY,
        )
        self.passages, self.matrix = list(passages), vectors
        self.calls: list[str] = []
        self.closed = 0

    def nearest(self, vector: Vectors, k: int, where: Sequence[Condition]) -> list[Row]:
        self.calls.append("nearest")
        rows = [self._row(place, self._raw(vector, place)) for place in self._passing(where)]
        return sorted(rows, key=lambda row: row.score if self.facts.metric == "l2" else -row.score)[:k]

    def matching(self, text: str, k: int, where: Sequence[Condition]) -> list[Row]:
        self.calls.append("matching")
        words = set(words_of(text))
        scored = [
            (place, len(words.intersection(words_of(self.passages[place].content)))) for place in self._passing(where)
        ]
        rows = [self._row(place, float(count)) for place, count in scored if count]
        return sorted(rows, key=lambda row: (-row.score, row.id))[:k]

    def vectors(self, ids: Sequence[str]) -> dict[str, Vectors]:
        self.calls.append("vectors")
        places = {passage.id: place for place, passage in reversed(list(enumerate(self.passages)))}
        return {key: self.matrix[places[key]] for key in ids if key in places}

    def samples(self, count: int) -> list[tuple[Row, Vectors]]:
        self.calls.append("samples")
        return [(self._row(place, 0.0), self.matrix[place]) for place in range(min(count, len(self)))]

    def rows(self) -> Iterator[Row]:
        return (self._row(place, 0.0) for place in range(len(self)))

    def close(self) -> None:
        self.closed += 1

    def __len__(self) -> int:
        return len(self.passages)

    def _raw(self, vector: Vectors, place: int) -> float:
        own = self.matrix[place]
        product = float(vector @ own)
        if self.facts.metric == "dot":
            return product
        if self.facts.metric == "l2":
            return float(((vector - own) ** 2).sum())
        return product / float(np.linalg.norm(vector) * np.linalg.norm(own) or 1.0)

    def _passing(self, where: Sequence[Condition]) -> list[int]:
        return [place for place in range(len(self)) if all(self._passes(place, condition) for condition in where)]

    def _passes(self, place: int, condition: Condition) -> bool:
        passage = self.passages[place]
        own = {"id": passage.id, "title": passage.title, "document_id": passage.document_id, **passage.metadata}.get(
            condition.field
        )
        return holds(condition, own)

    def _row(self, place: int, score: float) -> Row:
        passage = self.passages[place]
        names = ("id", "text", "title", "document_id", "metadata")
        return Row(passage.id, {name: getattr(passage, name) for name in names}, score)
