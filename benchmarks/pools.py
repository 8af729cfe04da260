"""Stage one's answers on a test set. With a folder, they are kept there, so that later runs do not encode again."""

from __future__ import annotations

import gzip
import json
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import data
from shortlist.indexes.embedded import EmbeddedEngine
from shortlist.protocols import Encoder, Index, Reranker
from shortlist.retrievers import Dense, Hybrid, Lexical
from shortlist.search.pending import Pending
from shortlist.types import Hit, Passage

DEPTH = 100
STAGES = ("dense", "bm25", "hybrid")

Pools = dict[str, dict[str, list[Hit]]]
"""Retriever -> query id -> at most `DEPTH` hits, best first."""


def stage_one(test: data.TestSet, encoder: Encoder, keep: Path | None = None) -> Pools:
    """Return the answers of each retriever, without a passage whose id is the query's own (ArguAna's rule)."""
    file = keep / f"{test.name}-{len(test.queries)}.json.gz" if keep else None
    if file is not None and file.exists():
        return _read(file, test)
    pools = _search(test, encoder)
    if file is not None:
        file.parent.mkdir(parents=True, exist_ok=True)
        rows = {
            stage: {
                query: [(hit.passage.id, hit.retrieval_score, dict(hit.signals)) for hit in hits]
                for query, hits in by_query.items()
            }
            for stage, by_query in pools.items()
        }
        partial = file.with_suffix(".part")
        with gzip.open(partial, "wt", encoding="utf-8") as out:
            json.dump({"encoder": encoder.name, "pools": rows}, out)
        partial.rename(file)
    return pools


def fill(index: Index, encoder: Encoder, passages: list[Passage]) -> None:
    """Add every passage with its vector."""
    for start in range(0, len(passages), 512):
        part = passages[start : start + 512]
        index.add(part, encoder.encode_passages([passage.content for passage in part]))


def pending_of(query: str, pool: Sequence[Hit], reranker: Reranker, weights: Mapping[str, float]) -> Pending:
    """Return a search whose pool is retrieved already. `scores_of` scores it, and `finish` ranks it."""
    return Pending(query, pool, (), reranker, "ok", len(pool), max(1, len(pool)), weights)


def _search(test: data.TestSet, encoder: Encoder) -> Pools:
    with tempfile.TemporaryDirectory() as folder:
        index = EmbeddedEngine().create(Path(folder), dimension=encoder.dimension)
        try:
            fill(index, encoder, test.passages)
            retrievers = (Dense(index, encoder), Lexical(index), Hybrid(index, encoder))
            return {
                stage: {
                    query: [hit for hit in retriever.retrieve(text, DEPTH + 1) if hit.passage.id != query][:DEPTH]
                    for query, text in test.queries.items()
                }
                for stage, retriever in zip(STAGES, retrievers, strict=True)
            }
        finally:
            index.close()


def _read(file: Path, test: data.TestSet) -> Pools:
    passages = {passage.id: passage for passage in test.passages}
    with gzip.open(file, "rt", encoding="utf-8") as lines:
        rows = json.load(lines)["pools"]
    return {
        stage: {
            query: [
                Hit(passages[key], score, rank, score, rank, signals=signals)
                for rank, (key, score, signals) in enumerate(by_query[query], start=1)
            ]
            for query in test.queries
        }
        for stage, by_query in rows.items()
    }
