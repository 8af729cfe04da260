"""The shard of Qdrant Edge in a folder: its settings, its compact vectors, and its errors."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from shortlist.atomic_io import write_whole
from shortlist.errors import IndexWriteFailed
from shortlist.indexes.points import WORDS

if TYPE_CHECKING:
    import qdrant_edge

DENSE, SPARSE = "dense", "bm25"
BATCH = 512
SHARD = "shard"
"""The folder of the engine's files."""
COMPACT_FILE = "compact.json"
"""The file with the number of passages that had compact vectors when the last segment was compacted."""
COMPACT_FROM = 100_000
"""Passages that are written before they are compacted. An exact search over so many takes 15 ms on two cores."""
OVERSAMPLING = 2.0
"""How many times the wanted passages each segment chooses by compact vectors, and compares by full ones."""
MANY_SEGMENTS = 100_000
"""More segments than there can be. Thus the engine never writes large segments again to have fewer."""


class Shard:
    """The points of an index, in one shard of Qdrant Edge.

    The engine appends points to one segment. Above `compact_from` new points, `flush` compacts this segment: the engine
    writes the points into a segment that does not grow, with a copy of the vectors in 4 bits for each number. The
    copies stay in memory. The full vectors, BM25's lists, the texts and the words of filters stay in files, which the
    system reads into memory as needed. A search compares the vector with every copy, and the best of each segment
    with their full vectors.

    Args:
        folder: The folder that contains the folder of the shard.
        dimension: The length of a vector.
        inner: The engine's object.
        compact_from: A segment is compacted if it has more new points.
    """

    def __init__(
        self, folder: Path, dimension: int, inner: qdrant_edge.EdgeShard, compact_from: int = COMPACT_FROM
    ) -> None:
        self.inner = inner
        self._folder, self._dimension, self._compact_from = folder, dimension, compact_from
        compacted = _compacted(folder)
        self.is_compact = compacted is not None
        self._new = max(0, self.count() - (compacted or 0))
        self._changed = False

    def count(self) -> int:
        """Return the number of points."""
        import qdrant_edge as engine

        return int(self.inner.count(engine.CountRequest(exact=True)))

    def upsert(self, points: Sequence[qdrant_edge.Point]) -> None:
        """Write the points."""
        import qdrant_edge as engine

        for start in range(0, len(points), BATCH):
            self._update(engine.UpdateOperation.upsert_points(list(points[start : start + BATCH])))
        self._new += len(points)

    def delete(self, points: Sequence[Any]) -> None:
        """Remove the points with these ids."""
        import qdrant_edge as engine

        for start in range(0, len(points), BATCH):
            self._update(engine.UpdateOperation.delete_points(list(points[start : start + BATCH])))

    def _update(self, operation: qdrant_edge.UpdateOperation) -> None:
        self._changed = True
        self.inner.update(operation)

    def flush(self) -> None:
        """Write every change to disk, and compact the new points if they are many."""
        self.inner.flush()
        self._changed = False
        if self._new > self._compact_from:
            self._compact()

    def _compact(self) -> None:
        import qdrant_edge as engine

        if not self.is_compact:
            self.inner.close()
            self.inner = engine.EdgeShard.load(str(self._folder / SHARD), compact_settings(self._dimension))
        self.inner.optimize()
        self.inner.flush()
        write_whole(self._folder / COMPACT_FILE, json.dumps({"passages": self.count()}), IndexWriteFailed)
        self.is_compact, self._new = True, 0

    def dense_params(self, *, exact: bool) -> qdrant_edge.SearchParams:
        """Return how vectors are searched."""
        import qdrant_edge as engine

        if exact or not self.is_compact:
            return engine.SearchParams(exact=True)
        rescored = engine.QuantizationSearchParams(rescore=True, oversampling=OVERSAMPLING)
        return engine.SearchParams(quantization=rescored)

    def lowest(self, vector: list[float]) -> list[float]:
        """Return the lowest score of all points, in a list; an empty list if there are no points.

        Raises:
            ValueError: A stored vector is NaN. The engine leaves its point out of every answer.
        """
        import qdrant_edge as engine

        count = self.count()
        nearest, exact = engine.Query.Nearest(vector, using=DENSE), engine.SearchParams(exact=True)
        request = engine.QueryRequest(limit=1, offset=max(0, count - 1), query=nearest, params=exact)
        points = self.inner.query(request)
        if count and not points:
            raise ValueError("a passage has no cosine")
        return [float(point.score) for point in points]

    def close(self) -> None:
        """Flush and release the files. The engine's errors are raised after the release."""
        try:
            if self._changed:
                self.inner.flush()
        finally:
            self.inner.close()


def create_shard(folder: Path, dimension: int, compact_from: int = COMPACT_FROM) -> Shard:
    """Return a new, empty shard in `folder`."""
    import qdrant_edge as engine

    (folder / SHARD).mkdir()
    config = engine.EdgeConfig(
        vectors={DENSE: engine.EdgeVectorParams(size=dimension, distance=engine.Distance.Dot)},
        sparse_vectors={SPARSE: engine.EdgeSparseVectorParams(modifier=engine.Modifier.Idf)},
        wal_enabled=False,
    )
    shard = engine.EdgeShard.create(str(folder / SHARD), config)
    shard.update(engine.UpdateOperation.create_field_index(WORDS, engine.PayloadSchemaType.Keyword))
    shard.flush()
    return Shard(folder, dimension, shard, compact_from)


def open_shard(folder: Path, dimension: int, compact_from: int = COMPACT_FROM) -> Shard:
    """Return the shard in `folder`, with the settings that it was written with."""
    import qdrant_edge as engine

    return Shard(folder, dimension, engine.EdgeShard.load(str(folder / SHARD)), compact_from)


def compact_settings(dimension: int) -> qdrant_edge.EdgeConfig:
    """Return the settings of a shard with compact vectors. An edge for each vector (`m`) would be a graph: 0 is none.

    A graph was slower to make (30 core-seconds for 100,000 passages, 4 without it), and found fewer of the true
    neighbours.
    Fewer bits did not make a search of 200,000 vectors faster: 4 bits took 9 to 13 core-ms, 2 bits 14, and 1 bit 11 to
    14. The engine needs most of this time for each passage, whatever the size of its copy.
    """
    import qdrant_edge as engine

    memory = engine.Memory
    compact = engine.TurboQuantQuantizationConfig(bits=engine.TurboQuantBitSize.Bits4, memory=memory.Pinned)
    no_graph = engine.HnswIndexConfig(m=0, ef_construct=100, full_scan_threshold=10)
    dense = engine.EdgeVectorParams(
        size=dimension,
        distance=engine.Distance.Dot,
        quantization_config=compact,
        hnsw_config=no_graph,
        memory=memory.Cold,
    )
    return engine.EdgeConfig(
        vectors={DENSE: dense},
        sparse_vectors={SPARSE: engine.EdgeSparseVectorParams(modifier=engine.Modifier.Idf, memory=memory.Cached)},
        hnsw_config=no_graph,
        quantization_config=compact,
        id_tracker_memory=memory.Cached,
        optimizers=engine.EdgeOptimizersConfig(
            indexing_threshold=1, default_segment_number=MANY_SEGMENTS, max_segment_size=2**40
        ),
        wal_enabled=False,
    )


def _compacted(folder: Path) -> int | None:
    """Return the content of `COMPACT_FILE`, or None if nothing was compacted."""
    file = folder / COMPACT_FILE
    return int(json.loads(file.read_text(encoding="utf-8"))["passages"]) if file.is_file() else None
