"""The passages of an index in a collection of a Qdrant server."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from shortlist.errors import InvalidInput
from shortlist.indexes.points import FORM, passage, payload, point_id
from shortlist.indexes.qdrant.batches import parts
from shortlist.indexes.qdrant.calls import QdrantCalls
from shortlist.indexes.qdrant.forms import condition
from shortlist.indexes.qdrant.options import QdrantOptions
from shortlist.indexes.qdrant.records import QdrantRecords
from shortlist.indexes.word_search import WordSearch
from shortlist.text.terms import ENGLISH
from shortlist.text.terms.bm25 import SAMPLE, Bm25, SparseVector, mean_length
from shortlist.types import Passage, Where

if TYPE_CHECKING:
    from qdrant_client import models

DENSE, SPARSE = "dense", "bm25"
FIELDS = "fields"
"""The payload key with the names of a passage's metadata."""
PAGE = 1000
SURE_K = 10_000
"""For more results than this, the number of passages is the limit: a server reserves memory for each result."""
EXACT_UP_TO = 100_000
"""Passages up to which vector search is exact if the options do not decide."""
SETTINGS, BM25 = "settings", "bm25"
"""The table and the key of BM25's mean passage length and language, and of the form of the payload."""
MOST_FIELDS = 10_000

Vector = NDArray[np.float32]
Scored = list[tuple[Passage, float]]


class QdrantIndex(WordSearch):
    """An index in a collection of Qdrant. Satisfies `protocols.Index`. `QdrantEngine` makes it.

    BM25 has the terms and the weights of the index of a folder. A collection with several shards computes the frequency
    of a term in each shard, not in the whole collection. `check` raises an error if this process may not write.
    Several threads may search at the same time. Every method raises as `QdrantCalls` does.
    """

    def __init__(
        self,
        calls: QdrantCalls,
        records: QdrantRecords,
        collection: str,
        dimension: int,
        options: QdrantOptions,
        check: Callable[[], None],
    ) -> None:
        self._calls, self._records, self._collection = calls, records, collection
        self._dimension, self._options, self._check = dimension, options, check
        self._average_length, self._form = 0.0, FORM
        self._bm25 = Bm25(ENGLISH)
        self._exact = options.exact if options.exact is not None else len(self) <= EXACT_UP_TO

    @property
    def exact(self) -> bool:
        """Whether `nearest` compares the vector with every passage."""
        return self._exact or self._calls.is_local

    @property
    def language(self) -> str:
        """The language of BM25's terms. Set it before the first passage is added."""
        return self._bm25.language

    @language.setter
    def language(self, language: str) -> None:
        self._bm25 = Bm25(language, self._average_length)

    @property
    def average_length(self) -> float:
        """BM25's mean passage length in terms; 0.0 before the first passage."""
        if not self._average_length:
            row = self._records.get(SETTINGS, BM25)
            if row is not None:
                form = int(row.get("form", 1))  # an earlier version wrote no form
                self._keep(row["language"], float(row["average_length"]), form)
        return self._average_length

    @average_length.setter
    def average_length(self, value: float) -> None:
        self._check()
        form = self._form
        self._records.put({SETTINGS: {BM25: {"average_length": value, "language": self.language, "form": form}}})
        self._keep(self.language, value, form)

    def _keep(self, language: str, average_length: float, form: int) -> None:
        self._average_length, self._form = average_length, form
        self._bm25 = Bm25(language, average_length)

    def add(self, passages: Sequence[Passage], vectors: Vector) -> None:
        """Store the passages with their `(n, dimension)` vectors. A passage replaces an earlier one with its id.

        Raises:
            InvalidInput: The vectors have another shape, or contain NaN or infinity. Nothing is written then.
            IndexWriteFailed: The server cannot write.
            IndexLocked: Another process took the lock.
        """
        if vectors.shape != (len(passages), self._dimension):
            raise InvalidInput(f"vectors have the shape {vectors.shape}, not {(len(passages), self._dimension)}")
        if not np.isfinite(vectors).all():
            raise InvalidInput("a vector contains NaN or infinity")
        if not passages:
            return
        if not self.average_length:
            self.average_length = mean_length(self._bm25, (item.content for item in passages[:SAMPLE]))
        for start, end in parts(passages, self._dimension):
            self._upsert(passages[start:end], vectors[start:end])

    def _upsert(self, passages: Sequence[Passage], vectors: Vector) -> None:
        from qdrant_client import models

        terms = [self._bm25.passage(item.content) for item in passages]
        batch = models.Batch.model_construct(  # the vectors are checked already, and checking them again is slow
            ids=[point_id(item.id) for item in passages],
            vectors={
                DENSE: vectors.tolist(),
                SPARSE: [models.SparseVector.model_construct(indices=t.indices, values=t.values) for t in terms],
            },
            payloads=[{**payload(item), FIELDS: sorted(item.metadata)} for item in passages],
        )
        self._check()
        self._calls.write(
            lambda: self._calls.client.upsert(self._collection, batch, wait=True, ordering=models.WriteOrdering.MEDIUM)
        )

    def delete(self, ids: Iterable[str]) -> None:
        """Remove the passages with these ids. Unknown ids are ignored.

        Raises:
            IndexWriteFailed: The server cannot write.
            IndexLocked: Another process took the lock.
        """
        from qdrant_client import models

        points: list[Any] = [point_id(key) for key in ids]
        for start in range(0, len(points), PAGE):
            selector = models.PointIdsList(points=points[start : start + PAGE])
            self._check()
            self._calls.write(
                lambda selector=selector: self._calls.client.delete(  # type: ignore[misc]
                    self._collection, selector, wait=True, ordering=models.WriteOrdering.MEDIUM
                )
            )

    def flush(self) -> None:
        """Do nothing: the server has written every change to its log when it confirms the change."""

    def get(self, ids: Sequence[str]) -> list[Passage]:
        """Return the passages with these ids, in the order given, without the unknown ones."""
        stored: dict[str, Passage] = {}
        for start in range(0, len(ids), PAGE):
            points: list[Any] = [point_id(key) for key in ids[start : start + PAGE]]
            for record in self._retrieve(points, payload=True):
                item = passage(record.payload or {})
                stored[item.id] = item
        return [stored[key] for key in ids if key in stored]

    def passages(self) -> Iterator[Passage]:
        """Yield every passage, in no fixed order."""
        offset: Any = None
        while True:
            records, offset = self._calls.read(
                lambda offset=offset: self._calls.client.scroll(  # type: ignore[misc]
                    self._collection, limit=PAGE, offset=offset, with_payload=True
                )
            )
            yield from [passage(record.payload or {}) for record in records]
            if offset is None:
                return

    def fields(self) -> set[str]:
        """Return the names of all metadata."""
        answer = self._calls.read(
            lambda: self._calls.client.facet(self._collection, key=FIELDS, limit=MOST_FIELDS, exact=True)
        )
        return {str(hit.value) for hit in answer.hits}

    def nearest(self, vector: Vector, k: int, where: Where | None = None) -> Scored:
        """Return at most `k` passages by cosine to `vector`, highest first, and equal scores by id.

        Raises:
            InvalidInput: The vector has another length or is not finite, `k` is below 1, or `where` cannot be used.
        """
        return self._run([self._dense(vector, k, where)])[0]

    def _matching(self, terms: SparseVector, k: int, where: Where | None) -> Scored:
        request = self._words(terms, k, where)
        return [] if request is None else self._run([request])[0]

    def both(self, vector: Vector, text: str, k: int, where: Where | None = None) -> tuple[Scored, Scored]:
        """Return what `nearest` and `matching` return, in one request. Raises as they do."""
        words = self._words(self._bm25.query(text), k, where)
        lists = self._run([self._dense(vector, k, where), *([] if words is None else [words])])
        return lists[0], lists[1] if words is not None else []

    def similarities(self, vector: Vector, ids: Sequence[str]) -> list[float]:
        """Return the cosine of each of these passages to `vector`, in the order given. No ids give an empty list.

        Raises:
            InvalidInput: The index has no passage with one of the ids.
        """
        return [float(score) for score in self.vectors(ids) @ vector]

    def vectors(self, ids: Sequence[str]) -> Vector:
        """Return the `(len(ids), dimension)` stored vectors, in the order given.

        Raises:
            InvalidInput: The index has no passage with one of the ids.
        """
        stored: dict[str, list[float]] = {}
        for start in range(0, len(ids), PAGE):
            points: list[Any] = [point_id(key) for key in ids[start : start + PAGE]]
            records = self._retrieve(points, payload=False)
            stored |= {str(record.id): record.vector[DENSE] for record in records}
        unknown = [key for key in ids if point_id(key) not in stored]
        if unknown:
            raise InvalidInput(f"the index has no passage {unknown[0]!r}")
        rows = np.array([stored[point_id(key)] for key in ids], dtype=np.float32)
        return rows.reshape(len(ids), self._dimension)

    def close(self) -> None:
        """Release the connection. A second call does nothing."""
        self._calls.close()

    def __len__(self) -> int:
        """The number of passages."""
        return int(self._calls.read(lambda: self._calls.client.count(self._collection, exact=True)).count)

    def _retrieve(self, points: list[Any], *, payload: bool) -> list[Any]:
        vectors: Any = False if payload else [DENSE]
        records: list[Any] = self._calls.read(
            lambda: self._calls.client.retrieve(self._collection, points, with_payload=payload, with_vectors=vectors)
        )
        return records

    def _dense(self, vector: Vector, k: int, where: Where | None) -> models.QueryRequest:
        from qdrant_client import models

        if vector.shape != (self._dimension,) or not np.isfinite(vector).all():
            raise InvalidInput(f"the query vector must be {self._dimension} finite numbers, not {vector.shape}")
        ef = None if self.exact else max(self._options.ef, k)
        params = None if self._calls.is_local else models.SearchParams(exact=self.exact, hnsw_ef=ef)
        return self._request(vector.tolist(), DENSE, k, where, params)

    def _words(self, terms: SparseVector, k: int, where: Where | None) -> models.QueryRequest | None:
        from qdrant_client import models

        if not self.average_length:  # another process may have added the first passages, and chosen their language
            return None
        query = models.SparseVector(indices=terms.indices, values=terms.values)
        request = self._request(query, SPARSE, k, where, None)
        return request if terms.indices else None

    def _request(self, query: Any, using: str, k: int, where: Where | None, params: Any) -> models.QueryRequest:
        from qdrant_client import models

        if k < 1:
            raise InvalidInput(f"k must be at least 1, not {k}")
        return models.QueryRequest(
            query=query,
            using=using,
            limit=k if k <= SURE_K else max(1, min(k, len(self))),
            filter=condition(where, self._form if self.average_length else FORM),
            with_payload=True,
            params=params,
        )

    def _run(self, requests: list[models.QueryRequest]) -> list[Scored]:
        answers = self._calls.read(lambda: self._calls.client.query_batch_points(self._collection, requests=requests))
        lists = [[(passage(point.payload or {}), float(point.score)) for point in a.points] for a in answers]
        return [sorted(hits, key=lambda hit: (-hit[1], hit[0].id)) for hits in lists]
