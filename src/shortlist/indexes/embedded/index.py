"""The passages of an index in Qdrant Edge, which runs in this process."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from shortlist.atomic_io import write_whole
from shortlist.errors import IndexWriteFailed, InvalidInput, NotAnIndex
from shortlist.indexes.embedded.forms import condition, sparse
from shortlist.indexes.embedded.scores import check_scores
from shortlist.indexes.embedded.shard import (
    COMPACT_FROM,
    DENSE,
    SPARSE,
    Shard,
    create_shard,
    open_shard,
)
from shortlist.indexes.embedded.translating import translated
from shortlist.indexes.points import FORM, LARGEST_INT, passage, payload, point_id
from shortlist.indexes.word_search import WordSearch
from shortlist.search.pool import Matches
from shortlist.text.terms import ENGLISH
from shortlist.text.terms.bm25 import SAMPLE, Bm25, SparseVector, mean_length
from shortlist.types import Note, Passage, Where

PAGE = 1000
LENGTH_FILE = "bm25.json"
"""The file with BM25's mean passage length, and the form of the payload."""


class EmbeddedIndex(WordSearch):
    """An index in Qdrant Edge. Satisfies `protocols.Index`. `EmbeddedEngine` makes it.

    Vector search is exact, until the index has compact vectors: see `Shard`. The terms of BM25 are those of
    `text.terms`. Several threads may search at the same time, while no other thread writes. Every method that reads
    raises NotAnIndex if the files are damaged, or after `close`. The first vector search also checks all vectors, if
    none are compact.

    The engine reserves files of 32 MB for vectors, for BM25 and for texts, and smaller ones for filters: about 112 MB
    for the smallest index. They are sparse: an index of 800 passages uses 2 MB on disk. `ls` and some copy programs
    show or copy the reserved length; `du` and `Contents.bytes_on_disk` show the use. The engine has no setting for the
    reserved length. It runs without its write-ahead log, which would reserve 64 MB more and write every change twice:
    the collection records changes as pending until `flush` returns, so the log is not needed.
    """

    def __init__(
        self,
        folder: Path,
        dimension: int,
        shard: Shard,
        average_length: float = 0.0,
        form: int = FORM,
        *,
        exact: bool = False,
    ) -> None:
        self._folder = folder
        self._form = form
        self._exact = exact
        self._dimension = dimension
        self._shard = shard
        self._average_length = average_length
        self._bm25 = Bm25(ENGLISH, average_length)
        self._open = True
        self._checked = shard.is_compact

    @property
    def exact(self) -> bool:
        """Whether `nearest` compares the full vector of every passage. It does not if the index is compact."""
        return self._exact or not self._shard.is_compact

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
        return self._average_length

    @average_length.setter
    def average_length(self, value: float) -> None:
        write_whole(
            self._folder / LENGTH_FILE, json.dumps({"average_length": value, "form": self._form}), IndexWriteFailed
        )
        self._average_length = value
        self._bm25 = Bm25(self.language, value)

    def add(self, passages: Sequence[Passage], vectors: NDArray[np.float32]) -> None:
        """Store the passages with their `(n, dimension)` vectors. A passage replaces an earlier one with its id.

        Raises:
            InvalidInput: The vectors have another shape, or contain NaN or infinity. Nothing is written then.
            IndexWriteFailed: The disk is full or failing.
        """
        import qdrant_edge as engine

        if vectors.shape != (len(passages), self._dimension):
            raise InvalidInput(f"vectors have the shape {vectors.shape}, not {(len(passages), self._dimension)}")
        if not np.isfinite(vectors).all():
            raise InvalidInput("a vector contains NaN or infinity")
        if not passages:
            return
        if not self._average_length:  # it never changes, so that scores stay the same
            self.average_length = mean_length(self._bm25, (item.content for item in passages[:SAMPLE]))
        points = [
            engine.Point(
                point_id(item.id),
                {DENSE: vector.tolist(), SPARSE: sparse(self._bm25.passage(item.content))},
                payload(item),
            )
            for item, vector in zip(passages, vectors, strict=True)
        ]
        with self._writing():
            self._shard.upsert(points)

    def delete(self, ids: Iterable[str]) -> None:
        """Remove the passages with these ids. Unknown ids are ignored.

        Raises:
            IndexWriteFailed: The disk is full or failing.
        """
        with self._writing():
            self._shard.delete([point_id(key) for key in ids])

    def flush(self) -> None:
        """Write every change to disk. After it, a kill loses nothing. From many new passages on, compact their vectors.

        Raises:
            IndexWriteFailed: The disk is full or failing.
        """
        with self._writing():
            self._shard.flush()

    def get(self, ids: Sequence[str]) -> list[Passage]:
        """Return the passages with these ids, in the order given, without the unknown ones."""
        with self._reading():
            records = self._shard.inner.retrieve([point_id(key) for key in ids], with_payload=True, with_vector=False)
            stored = {item.id: item for item in (passage(record.payload or {}) for record in records)}
        return [stored[key] for key in ids if key in stored]

    def passages(self) -> Iterator[Passage]:
        """Yield every passage, in no fixed order."""
        import qdrant_edge as engine

        offset: Any = None
        while True:
            with self._reading():
                request = engine.ScrollRequest(offset=offset, limit=PAGE, with_payload=True)
                records, offset = self._shard.inner.scroll(request)
                page = [passage(record.payload or {}) for record in records]
            yield from page
            if offset is None:
                return

    def nearest(self, vector: NDArray[np.float32], k: int, where: Where | None = None) -> list[tuple[Passage, float]]:
        """Return at most `k` passages by cosine to `vector`, highest first, and equal scores by id.

        If the index is compact, and not `exact`, the passages have the note "stage_one_approximate".

        Raises:
            InvalidInput: The vector has another length or is not finite, `k` is below 1, or `where` cannot be used.
        """
        if vector.shape != (self._dimension,) or not np.isfinite(vector).all():
            raise InvalidInput(f"the query vector must be {self._dimension} finite numbers, not {vector.shape}")
        hits = self._query(vector.tolist(), DENSE, k, where)
        with self._reading():
            check_scores(vector, (score for _, score in hits))
            if not self._checked:  # an answer has only the highest scores
                check_scores(vector, self._shard.lowest(vector.tolist()))
                self._checked = True
        return hits if self.exact else Matches(hits, [Note("stage_one_approximate")])

    def similarities(self, vector: NDArray[np.float32], ids: Sequence[str]) -> list[float]:
        """Return the cosine of each of these passages to `vector`, in the order given. No ids give an empty list.

        Raises:
            InvalidInput: The index has no passage with one of the ids.
        """
        rows = self.vectors(ids)
        with self._reading(), np.errstate(over="ignore", invalid="ignore"):
            scores: list[float] = (rows @ vector).tolist()
            check_scores(vector, scores)
        return scores

    def vectors(self, ids: Sequence[str]) -> NDArray[np.float32]:
        """Return the `(len(ids), dimension)` stored vectors, in the order given.

        Raises:
            InvalidInput: The index has no passage with one of the ids.
        """
        if not ids:
            return np.empty((0, self._dimension), dtype=np.float32)
        with self._reading():
            records = self._shard.inner.retrieve(
                [point_id(key) for key in ids], with_payload=False, with_vector=[DENSE]
            )
            stored = {str(record.id): cast("dict[str, list[float]]", record.vector)[DENSE] for record in records}
        unknown = [key for key in ids if point_id(key) not in stored]
        if unknown:
            raise InvalidInput(f"the index has no passage {unknown[0]!r}")
        return np.array([stored[point_id(key)] for key in ids], dtype=np.float32)

    def _matching(self, terms: SparseVector, k: int, where: Where | None) -> list[tuple[Passage, float]]:
        return self._query(sparse(terms), SPARSE, k, where) if terms.indices else []

    def _query(self, vector: Any, using: str, k: int, where: Where | None) -> list[tuple[Passage, float]]:
        import qdrant_edge as engine

        if k < 1:
            raise InvalidInput(f"k must be at least 1, not {k}")
        request = engine.QueryRequest(
            limit=min(k, LARGEST_INT),
            query=engine.Query.Nearest(vector, using=using),
            filter=condition(where, self._form),
            with_payload=True,
            params=self._shard.dense_params(exact=self._exact) if using == DENSE else None,
        )
        with self._reading():
            hits = [(passage(point.payload or {}), float(point.score)) for point in self._shard.inner.query(request)]
        return sorted(hits, key=lambda hit: (-hit[1], hit[0].id))  # the engine returns ties in any order

    def __len__(self) -> int:
        """The number of passages."""
        with self._reading():
            return self._shard.count()

    def _reading(self) -> AbstractContextManager[None]:
        state = (
            "its files are damaged: delete the index folder and add the files again" if self._open else "it is closed"
        )
        return translated(NotAnIndex, f"cannot read the index in {self._folder}: {state}")

    def _writing(self) -> AbstractContextManager[None]:
        return translated(IndexWriteFailed, f"cannot write to {self._folder}; earlier commits are intact")

    def close(self) -> None:
        """Flush and release the files. A second call does nothing.

        Raises:
            IndexWriteFailed: The disk is full or failing. The files are released.
        """
        if not self._open:
            return
        self._open = False
        with self._writing():
            self._shard.close()


class EmbeddedEngine:
    """Makes and opens `EmbeddedIndex` objects. Satisfies `collection.Engine`.

    `compact_from` is the number of new passages from which their vectors are compacted.
    """

    def __init__(self, compact_from: int = COMPACT_FROM) -> None:
        self._compact_from = compact_from

    def create(self, folder: Path, *, dimension: int, exact: bool = False) -> EmbeddedIndex:
        """Return a new, empty index in `folder`. With `exact`, a search compares the full vector of every passage.

        Raises:
            IndexWriteFailed: The folder cannot be written.
        """
        with translated(IndexWriteFailed, f"cannot make the index in {folder}"):
            shard = create_shard(folder, dimension, self._compact_from)
        return EmbeddedIndex(folder, dimension, shard, exact=exact)

    def open(self, folder: Path, *, dimension: int, exact: bool = False) -> EmbeddedIndex:
        """Return the index in `folder`. With `exact`, a search compares the full vector of every passage.

        Raises:
            NotAnIndex: The index is missing or damaged.
        """
        with translated(NotAnIndex, f"the index in {folder} is damaged: delete the index folder and rebuild it"):
            file = folder / LENGTH_FILE
            stored = (
                json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {"average_length": 0, "form": FORM}
            )
            shard = open_shard(folder, dimension, self._compact_from)
            form = int(stored.get("form", 1))  # an earlier version wrote no form
            return EmbeddedIndex(folder, dimension, shard, float(stored["average_length"]), form, exact=exact)
