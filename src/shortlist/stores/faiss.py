"""FAISS: `faiss:TEXTS@INDEX`, the file of the texts and the file of the index.

The texts are in the order of the vectors. If the index has ids of its own (IndexIDMap), they are the ids of the texts,
or the places of the texts, from 0.

Source: https://github.com/facebookresearch/faiss/wiki and the package faiss-cpu 1.15.1 (read in November 2026).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from shortlist.errors import InvalidInput, StoreNotFound, StoreRefused
from shortlist.search.filters import content_of, holds
from shortlist.stores.address import StoreAddress
from shortlist.stores.faiss_texts import read_texts
from shortlist.stores.fields import find_fields, kinds_of
from shortlist.stores.filters import EVERY, Condition
from shortlist.stores.metrics import MetricName
from shortlist.stores.store import Facts, Row, Vector
from shortlist.stores.translating import translated

SAMPLE_ROWS = 20
BLOCK = 10_000
"""The vectors that are rebuilt at once to compare them with a query."""
LOSSY = ("PQ", "ScalarQuantizer", "LSH", "Quantizer", "RaBit")
"""Parts of the names of indexes that keep vectors in less than four bytes a number."""


def open_backend(address: StoreAddress, fields: Mapping[str, str], client: Any) -> FaissBackend:
    """Return the backend of an index and its texts. `client` is an index of faiss.

    Raises:
        InvalidInput: The texts cannot be read, or the texts and the vectors do not belong together.
        StoreNotFound: A file is missing.
        StoreRefused: The file is no index of FAISS, or the index cannot return its vectors.
    """
    import faiss

    if client is None:
        if not Path(address.where).is_file():
            raise StoreNotFound(f"{address.name}: there is no file {address.where!r}")
        try:
            client = faiss.read_index(address.where)
        except RuntimeError as error:
            raise StoreRefused(f"{address.name}: {address.where!r} is no index of FAISS") from error
    with translated(address.name):
        return FaissBackend(address, fields, client)


class FaissBackend:
    """An index of FAISS and its texts, in memory. Satisfies `stores.store.Backend`."""

    def __init__(self, address: StoreAddress, fields: Mapping[str, str], index: Any) -> None:
        import faiss

        self._name = address.name
        self._owner = index  # the memory of the other two belongs to this object
        self._index = faiss.downcast_index(index)
        self._records = read_texts(Path(address.collection), self._name)
        names = find_fields(self._name, fields, kinds_of(self._records[:SAMPLE_ROWS]))
        self._labels, self._inner = _unwrapped(self._index)
        self._texts = self._texts_of_vectors(names.id)
        self._ids = [str(self._records[text].get(names.id)) if names.id else str(text) for text in self._texts]
        self.facts = Facts(
            self._name,
            names,
            _metric(index, self._name),
            int(index.d),
            exact=isinstance(self._inner, faiss.IndexFlat),
            lossy=any(part in type(self._inner).__name__ for part in LOSSY),
            operators=EVERY,
        )

    def nearest(self, vector: Vector, k: int, where: Sequence[Condition]) -> list[Row]:
        """Return the `k` nearest rows. The score is an inner product, or a squared distance.

        With a filter, the vectors of all rows that pass it are compared.
        """
        with translated(self._name):
            if where:
                return self._among(vector, k, [place for place in range(len(self)) if self._passes(place, where)])
            scores, places = self._inner.search(np.ascontiguousarray(vector[None], dtype=np.float32), min(k, len(self)))
        return [
            self._row(int(place), float(score)) for score, place in zip(scores[0], places[0], strict=True) if place >= 0
        ]

    def matching(self, text: str, k: int, where: Sequence[Condition]) -> list[Row]:
        """Raise InvalidInput: FAISS cannot search by words."""
        raise InvalidInput(f"{self._name} cannot be searched by words")

    def vectors(self, ids: Sequence[str]) -> dict[str, Vector]:
        """Return the vectors of the rows with these ids."""
        keys = set(ids)
        places = {key: place for place, key in reversed(list(enumerate(self._ids))) if key in keys}
        with translated(self._name):
            return dict(zip(places, self._rebuilt(list(places.values())), strict=True))

    def samples(self, count: int) -> list[tuple[Row, Vector]]:
        """Return at most `count` rows with their vectors."""
        places = list(range(min(count, len(self))))
        with translated(self._name):
            return [(self._row(place, 0.0), row) for place, row in zip(places, self._rebuilt(places), strict=True)]

    def rows(self) -> Iterator[Row]:
        """Yield every row that has a vector."""
        return (self._row(place, 0.0) for place in range(len(self)))

    def close(self) -> None:
        """Do nothing: the index is in memory."""

    def __len__(self) -> int:
        return int(self._index.ntotal)

    def _row(self, place: int, score: float) -> Row:
        if not 0 <= place < len(self._texts):
            raise InvalidInput(f"{self._name}: the index has the id {place}, and the texts have no row for it")
        return Row(self._texts[place], self._records[self._texts[place]], score)

    def _among(self, vector: Vector, k: int, places: list[int]) -> list[Row]:
        """The `k` nearest of the rows at these places."""
        lower = self.facts.metric == "l2"
        scored: list[tuple[float, int]] = []
        for start in range(0, len(places), BLOCK):
            block = places[start : start + BLOCK]
            rows = self._rebuilt(block)
            scores = ((rows - vector) ** 2).sum(axis=1) if lower else rows @ vector
            scored += zip(scores.tolist(), block, strict=True)
        scored.sort(reverse=not lower)
        return [self._row(place, score) for score, place in scored[:k]]

    def _rebuilt(self, places: list[int]) -> Vector:
        if not places:
            return np.zeros((0, self._index.d), dtype=np.float32)
        rows: Vector = self._inner.reconstruct_batch(np.array(places, dtype=np.int64))
        return rows

    def _passes(self, place: int, where: Sequence[Condition]) -> bool:
        record = self._records[self._texts[place]]
        inner = record.get(self.facts.fields.metadata) if self.facts.fields.metadata else None
        fields = {**record, **inner} if isinstance(inner, Mapping) else record
        return all(holds(condition, content_of(fields, condition.field)) for condition in where)

    def _texts_of_vectors(self, id_field: str) -> list[int]:
        """The place of the text of each vector, in the order of the vectors."""
        count = len(self._records)
        if self._labels is None:
            if count != len(self):
                raise InvalidInput(f"{self._name}: the file has {count} texts, and the index {len(self)} vectors")
            return list(range(count))
        by_id = {str(record.get(id_field)): place for place, record in enumerate(self._records)} if id_field else {}
        if all(str(label) in by_id for label in self._labels):
            return [by_id[str(label)] for label in self._labels]
        outside = next((label for label in self._labels if not 0 <= label < count), None)
        if outside is not None:
            raise InvalidInput(f"{self._name}: the index has the id {outside}, and no text has this id or this place")
        return self._labels


def _unwrapped(index: Any) -> tuple[list[int] | None, Any]:
    """Return the ids of an index that has its own, or None, and the index whose ids are the places of the vectors."""
    import faiss

    labels: list[int] | None = None
    if isinstance(index, faiss.IndexIDMap | faiss.IndexIDMap2):
        labels = [int(label) for label in faiss.vector_to_array(index.id_map)]
        index = faiss.downcast_index(index.index)
    lists = faiss.try_extract_index_ivf(index)
    if lists is not None:
        lists.make_direct_map()  # in memory; without it, the index cannot return a vector
    return labels, index


def _metric(index: Any, store: str) -> MetricName:
    import faiss

    if index.metric_type == faiss.METRIC_INNER_PRODUCT:
        return "dot"
    if index.metric_type == faiss.METRIC_L2:
        return "l2"
    raise InvalidInput(f"{store}: only an index of inner products or L2 distances can be searched")
