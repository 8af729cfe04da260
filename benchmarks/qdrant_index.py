"""Whether an index on Qdrant gives the answers of a folder: `python benchmarks/qdrant_index.py --save qdrant.json`.

Both engines store the same passages with the same vectors. Qdrant runs as its local client in memory. For each query,
the first ten hits of hybrid retrieval are compared, and nDCG@10. A server computes the frequency of a term in each
shard: the rows with more than one shard divide the passages over several collections, and merge their lists by score.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import numpy as np
from numpy.typing import NDArray
from qdrant_client import QdrantClient

import data
from shortlist.indexes.embedded import EmbeddedEngine
from shortlist.indexes.points import point_id
from shortlist.indexes.qdrant import QdrantEngine
from shortlist.indexes.qdrant.index import QdrantIndex
from shortlist.protocols import Searched
from shortlist.registry import load_encoder
from shortlist.retrievers import Hybrid
from shortlist.types import Passage, Where

SETS = ("scifact", "cookbook_docs")
SHARDS = (1, 2, 6)
HITS = 10

Vectors = NDArray[np.float32]
Scored = list[tuple[Passage, float]]


@dataclass(frozen=True)
class Known:
    """A bi-encoder whose vectors of the queries are known."""

    name: str
    vectors: dict[str, NDArray[np.float32]]

    def encode_queries(self, texts: list[str]) -> Vectors:
        """Return the vectors of the queries."""
        return np.stack([self.vectors[text] for text in texts])


class Sharded:
    """Passages that are divided over several collections. Satisfies `protocols.Searched`."""

    def __init__(self, shards: list[QdrantIndex]) -> None:
        self._shards = shards

    def nearest(self, vector: Vectors, k: int, where: Where | None = None) -> Scored:
        """Return the best of every shard, merged by score."""
        return self._merged([shard.nearest(vector, k, where) for shard in self._shards], k)

    def matching(self, text: str, k: int, where: Where | None = None) -> Scored:
        """Return the best of every shard, merged by score."""
        return self._merged([shard.matching(text, k, where) for shard in self._shards], k)

    def similarities(self, vector: Vectors, ids: list[str]) -> list[float]:
        """Return the cosine of each of these passages."""
        return [self._shards[shard_of(key, len(self._shards))].similarities(vector, [key])[0] for key in ids]

    def _merged(self, lists: list[Scored], k: int) -> Scored:
        return sorted((hit for part in lists for hit in part), key=lambda hit: (-hit[1], hit[0].id))[:k]


def shard_of(passage_id: str, shards: int) -> int:
    """Return the shard of a passage. It depends on the id of the point alone, as on a server."""
    return UUID(point_id(passage_id)).int % shards


def on_qdrant(passages: list[Passage], vectors: Vectors, average_length: float = 0.0) -> QdrantIndex:
    """Return an index of Qdrant's local client with these passages."""
    site = QdrantEngine(QdrantClient(":memory:")).connect("bench", "bench", "", {})
    site.prepare()
    index = site.create({}, dimension=vectors.shape[1])
    if average_length:
        index.average_length = average_length
    index.add(passages, vectors)
    return index


def answers(index: Searched, encoder: Known, test: data.TestSet) -> tuple[dict[str, list[tuple[str, float]]], float]:
    """Return the first hits of every query with their scores, and the milliseconds of one query."""
    hybrid = Hybrid(index, encoder)  # type: ignore[arg-type]
    began = time.perf_counter()
    hits = {key: [(hit.id, hit.score) for hit in hybrid.retrieve(text, HITS)] for key, text in test.queries.items()}
    return hits, (time.perf_counter() - began) / len(test.queries) * 1000


def compared(
    before: dict[str, list[tuple[str, float]]], now: dict[str, list[tuple[str, float]]], test: data.TestSet
) -> dict[str, Any]:
    """Return how many queries have the same hits, and the change of nDCG@10."""
    first, second = ({key: [hit for hit, _ in hits] for key, hits in each.items()} for each in (before, now))
    scores = [abs(dict(before[key])[hit] - score) for key in now for hit, score in now[key] if hit in dict(before[key])]
    own, other = (data.measure(test.qrels, each)["nDCG@10"] for each in (first, second))
    return {
        "same ten hits": round(sum(set(first[key]) == set(second[key]) for key in first) / len(first), 4),
        "same order": round(sum(first[key] == second[key] for key in first) / len(first), 4),
        "mean overlap": round(float(np.mean([len({*first[k]} & {*second[k]}) / len(first[k]) for k in first])), 4),
        "largest change of a fused score": float(f"{max(scores, default=0.0):.2g}"),
        "nDCG@10 of a folder": own,
        "nDCG@10": other,
        "change of nDCG@10": round(other - own, 4),
    }


def rows_of(name: str, most: int | None) -> dict[str, Any]:
    """Return the comparison for one set, at each number of shards."""
    test, model = data.load(name, most_queries=most), load_encoder()
    vectors = model.encode_passages([passage.content for passage in test.passages])
    texts = list(test.queries.values())
    encoder = Known(model.name, dict(zip(texts, model.encode_queries(texts), strict=True)))
    with tempfile.TemporaryDirectory() as folder:
        index = EmbeddedEngine().create(Path(folder), dimension=vectors.shape[1])
        index.add(test.passages, vectors)
        before, milliseconds = answers(index, encoder, test)
        length = index.average_length
        index.close()
    result: dict[str, Any] = {
        "passages": len(test.passages),
        "queries": len(texts),
        "ms, folder": round(milliseconds, 1),
    }
    for shards in SHARDS:
        places = [shard_of(passage.id, shards) for passage in test.passages]
        parts = [[n for n, place in enumerate(places) if place == shard] for shard in range(shards)]
        indexes = [
            on_qdrant([test.passages[n] for n in part], vectors[part], length if shards > 1 else 0.0) for part in parts
        ]
        now, milliseconds = answers(indexes[0] if shards == 1 else Sharded(indexes), encoder, test)
        result[f"{shards} shards"] = compared(before, now, test) | {"ms, local client": round(milliseconds, 1)}
        print(name, shards, result[f"{shards} shards"], flush=True)
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sets", nargs="*", default=list(SETS))
    parser.add_argument("--queries", type=int, default=None, metavar="N", help="a sample of the queries")
    parser.add_argument("--save", metavar="NAME", help="write benchmarks/results/NAME")
    options = parser.parse_args()
    commit = data.commit()
    sets = {name: rows_of(name, options.queries) for name in options.sets}
    if options.save:
        data.save(options.save, {"commit": commit, "sets": sets})


if __name__ == "__main__":
    main()
