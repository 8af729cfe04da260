"""Stage one's answers on a test set, kept in a folder when one is given, so that later runs need not encode again."""

from __future__ import annotations

import gzip
import json
import tempfile
from pathlib import Path

import data
from shortlist.indexes.embedded import EmbeddedIndex
from shortlist.protocols import Encoder
from shortlist.retrievers.engine import Dense, Hybrid, Lexical
from shortlist.types import Hit, Passage

DEPTH = 100
STAGES = ("dense", "bm25", "hybrid")

Pools = dict[str, dict[str, list[Hit]]]
"""Retriever -> query id -> at most `DEPTH` hits, best first."""


def stage_one(test: data.TestSet, encoder: Encoder, keep: Path | None = None) -> Pools:
    """What each retriever finds; a passage whose id is the query's own is left out (ArguAna's rule)."""
    file = keep / f"{test.name}-{len(test.queries)}.json.gz" if keep else None
    if file is not None and file.exists():
        return _read(file, test)
    pools = _search(test, encoder)
    if file is not None:
        file.parent.mkdir(parents=True, exist_ok=True)
        rows = {
            stage: {
                query: [(hit.passage.id, hit.retrieval_score, dict(hit.signals)) for hit in hits]
                for query, hits in found.items()
            }
            for stage, found in pools.items()
        }
        partial = file.with_suffix(".part")
        with gzip.open(partial, "wt", encoding="utf-8") as out:
            json.dump({"encoder": encoder.name, "pools": rows}, out)
        partial.rename(file)
    return pools


def fill(index: EmbeddedIndex, encoder: Encoder, passages: list[Passage]) -> None:
    """Adds every passage with its vector."""
    for start in range(0, len(passages), 512):
        part = passages[start : start + 512]
        index.add(part, encoder.encode_passages([one.content for one in part]))


def _search(test: data.TestSet, encoder: Encoder) -> Pools:
    with tempfile.TemporaryDirectory() as folder:
        index = EmbeddedIndex.create(Path(folder) / "index", encoder_name=encoder.name, dimension=encoder.dimension)
        with index:
            fill(index, encoder, test.passages)
            retrievers = (Dense(index, encoder), Lexical(index), Hybrid(index, encoder))
            return {
                stage: {
                    query: [hit for hit in retriever.retrieve(text, DEPTH + 1) if hit.passage.id != query][:DEPTH]
                    for query, text in test.queries.items()
                }
                for stage, retriever in zip(STAGES, retrievers, strict=True)
            }


def _read(file: Path, test: data.TestSet) -> Pools:
    passages = {one.id: one for one in test.passages}
    with gzip.open(file, "rt", encoding="utf-8") as lines:
        rows = json.load(lines)["pools"]
    return {
        stage: {
            query: [
                Hit(passages[key], score, place, score, place, signals=signals)
                for place, (key, score, signals) in enumerate(found[query], start=1)
            ]
            for query in test.queries
        }
        for stage, found in rows.items()
    }
