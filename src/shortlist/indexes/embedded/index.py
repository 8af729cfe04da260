"""An index folder on Qdrant Edge."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import NDArray

from shortlist.atomic_io import write_whole
from shortlist.errors import FolderError, IndexWriteFailed, InvalidInput, NotAnIndex, ShortlistError
from shortlist.indexes.embedded.points import LARGEST_INT, WORDS, condition, passage, payload, point_id
from shortlist.types import Passage, Where

if TYPE_CHECKING:
    import qdrant_edge

DENSE, SPARSE = "dense", "bm25"
BATCH = 512
SAMPLE = 256
TERM_SATURATION = 1.2
LENGTH_FILE = "bm25.json"
"""The file with BM25's mean passage length."""


class EmbeddedIndex:
    """An index on Qdrant Edge, in this process. Satisfies `protocols.Index`; `EmbeddedEngine` makes it.

    Dense search is exact. BM25 uses English stemming and stop words. Every method that reads raises NotAnIndex if the
    files are damaged, or after `close`.
    """

    def __init__(self, folder: Path, dimension: int, shard: qdrant_edge.EdgeShard, average_length: float = 0.0) -> None:
        self._folder = folder
        self._dimension = dimension
        self._shard = shard
        self._average_length = average_length
        self._bm25 = _bm25(average_length)
        self._open = True

    def add(self, passages: Sequence[Passage], vectors: NDArray[np.float32]) -> None:
        """Stores the passages with their `(n, dimension)` vectors; an id already there is replaced.

        Raises:
            InvalidInput: Wrong shape, or NaN or infinity in a vector; nothing is written then.
            IndexWriteFailed: The disk is full or failing.
        """
        import qdrant_edge as engine

        if vectors.shape != (len(passages), self._dimension):
            raise InvalidInput(f"vectors have shape {vectors.shape}, expected {(len(passages), self._dimension)}")
        if not np.isfinite(vectors).all():
            raise InvalidInput("a vector holds NaN or infinity")
        if not passages:
            return
        if not self._average_length:
            self._measure_length(passages)
        points = [
            engine.Point(
                point_id(one.id), {DENSE: vector.tolist(), SPARSE: self._bm25.embed_document(one.content)}, payload(one)
            )
            for one, vector in zip(passages, vectors, strict=True)
        ]
        for start in range(0, len(points), BATCH):
            self._update(engine.UpdateOperation.upsert_points(points[start : start + BATCH]))

    def _measure_length(self, passages: Sequence[Passage]) -> None:
        """BM25's mean length, counted on the first passages and fixed from then on: scores must not drift."""
        total = sum(sum(_counts(one.content).values) for one in passages[:SAMPLE])
        average = max(1.0, round(total / len(passages[:SAMPLE]), 1))
        write_whole(self._folder / LENGTH_FILE, json.dumps({"average_length": average}), IndexWriteFailed)
        self._average_length = average
        self._bm25 = _bm25(average)

    def delete(self, ids: Iterable[str]) -> None:
        """Removes the passages with these ids; unknown ids are passed over."""
        import qdrant_edge as engine

        points: list[Any] = [point_id(one) for one in ids]
        for start in range(0, len(points), BATCH):
            self._update(engine.UpdateOperation.delete_points(points[start : start + BATCH]))

    def _update(self, operation: qdrant_edge.UpdateOperation) -> None:
        with translated(IndexWriteFailed, f"can't write to {self._folder}; what was committed is intact"):
            self._shard.update(operation)

    def flush(self) -> None:
        """Brings every change to disk; after it, a kill loses nothing."""
        with translated(IndexWriteFailed, f"can't write to {self._folder}; what was committed is intact"):
            self._shard.flush()

    def get(self, ids: Sequence[str]) -> list[Passage]:
        """The passages with these ids in the order asked; unknown ids are left out."""
        with self._reading():
            records = self._shard.retrieve([point_id(one) for one in ids], with_payload=True, with_vector=False)
            found = {made.id: made for made in (passage(record.payload or {}) for record in records)}
        return [found[one] for one in ids if one in found]

    def ids(self) -> list[str]:
        """The ids of all passages, sorted."""
        return sorted(one.id for one in self.passages())

    def passages(self) -> Iterator[Passage]:
        """All passages, in no fixed order."""
        import qdrant_edge as engine

        offset: Any = None
        while True:
            with self._reading():
                records, offset = self._shard.scroll(engine.ScrollRequest(offset=offset, limit=1000, with_payload=True))
                found = [passage(record.payload or {}) for record in records]
            yield from found
            if offset is None:
                return

    def nearest(self, vector: NDArray[np.float32], k: int, where: Where | None = None) -> list[tuple[Passage, float]]:
        """At most `k` passages by cosine to `vector` (exact), highest first; ties in no fixed order."""
        if vector.shape != (self._dimension,) or not np.isfinite(vector).all():
            raise InvalidInput(f"the query vector must be {self._dimension} finite numbers, not {vector.shape}")
        return self._query(vector.tolist(), DENSE, k, where)

    def similarities(self, vector: NDArray[np.float32], ids: Sequence[str]) -> list[float]:
        """The cosine of each of these passages to `vector`, in the order given.

        Raises:
            InvalidInput: The index holds no passage with one of the ids.
        """
        if not ids:
            return []
        with self._reading():
            records = self._shard.retrieve([point_id(one) for one in ids], with_payload=False, with_vector=[DENSE])
            held = {str(record.id): cast("dict[str, list[float]]", record.vector)[DENSE] for record in records}
        unknown = [one for one in ids if point_id(one) not in held]
        if unknown:
            raise InvalidInput(f"the index holds no passage {unknown[0]!r}")
        rows = np.array([held[point_id(one)] for one in ids], dtype=np.float32)
        return [float(score) for score in rows @ vector]

    def matching(self, text: str, k: int, where: Where | None = None) -> list[tuple[Passage, float]]:
        """At most `k` passages by BM25 against `text`, highest first; passages sharing no term are left out.

        A word counts as often as it stands in `text`, as in Lucene's and bm25s' BM25.
        """
        asked = _counts(text)
        return self._query(asked, SPARSE, k, where) if asked.indices else []

    def _query(self, asked: Any, using: str, k: int, where: Where | None) -> list[tuple[Passage, float]]:
        import qdrant_edge as engine

        if k < 1:
            raise InvalidInput(f"k must be at least 1, not {k}")
        request = engine.QueryRequest(
            limit=min(k, LARGEST_INT),
            query=engine.Query.Nearest(asked, using=using),
            filter=condition(where),
            with_payload=True,
            params=engine.SearchParams(exact=True) if using == DENSE else None,
        )
        with self._reading():
            return [(passage(point.payload or {}), float(point.score)) for point in self._shard.query(request)]

    def __len__(self) -> int:
        import qdrant_edge as engine

        with self._reading():
            return int(self._shard.count(engine.CountRequest(exact=True)))

    def _reading(self) -> AbstractContextManager[None]:
        return translated(NotAnIndex, f"can't read the index in {self._folder}: it is damaged, or closed already")

    def close(self) -> None:
        """Flushes and lets the folder go; calling it twice is fine."""
        if self._open:
            self._open = False
            self._shard.close()


class EmbeddedEngine:
    """Makes and opens `EmbeddedIndex`es. Satisfies `collection.Engine`."""

    def create(self, folder: Path, *, dimension: int) -> EmbeddedIndex:
        """Return a new, empty index in `folder`.

        Raises:
            IndexWriteFailed: The folder cannot be written.
        """
        import qdrant_edge as engine

        with translated(IndexWriteFailed, f"cannot make the index in {folder}"):
            (folder / "shard").mkdir()
            config = engine.EdgeConfig(
                vectors={DENSE: engine.EdgeVectorParams(size=dimension, distance=engine.Distance.Dot)},
                sparse_vectors={SPARSE: engine.EdgeSparseVectorParams(modifier=engine.Modifier.Idf)},
            )
            shard = engine.EdgeShard.create(str(folder / "shard"), config)
            shard.update(engine.UpdateOperation.create_field_index(WORDS, engine.PayloadSchemaType.Keyword))
        return EmbeddedIndex(folder, dimension, shard)

    def open(self, folder: Path, *, dimension: int) -> EmbeddedIndex:
        """Return the index in `folder`.

        Raises:
            NotAnIndex: The index is damaged.
        """
        import qdrant_edge as engine

        with translated(NotAnIndex, f"the index in {folder} is damaged: make it again"):
            shard = engine.EdgeShard.load(str(folder / "shard"))
            file = folder / LENGTH_FILE
            length = json.loads(file.read_text(encoding="utf-8"))["average_length"] if file.is_file() else 0.0
            return EmbeddedIndex(folder, dimension, shard, float(length))


@contextmanager
def translated(kind: type[FolderError], what: str) -> Iterator[None]:
    """Turns the engine's errors into `kind`. Qdrant Edge 0.9.0 raises the bare Exception, so that is caught."""
    try:
        yield
    except ShortlistError:
        raise
    except Exception as error:
        raise kind(f"{what} ({error})") from error


def _counts(text: str) -> qdrant_edge.SparseVector:
    """How often each term stands in the text."""
    import qdrant_edge as engine

    counter = engine.Bm25(engine.Bm25Config(k=TERM_SATURATION, b=0.0, language="english"))
    found = counter.embed_document(text)
    # With b = 0 a term's weight is tf * (k + 1) / (tf + k), so tf can be read back from it.
    counts = [weight * TERM_SATURATION / (TERM_SATURATION + 1 - weight) for weight in found.values]
    return engine.SparseVector(indices=found.indices, values=[float(round(count)) for count in counts])


def _bm25(average_length: float) -> qdrant_edge.Bm25:
    import qdrant_edge as engine

    return engine.Bm25(
        engine.Bm25Config(k=TERM_SATURATION, b=0.75, avg_len=average_length or 100.0, language="english")
    )
