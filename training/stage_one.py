"""What stage one says of the passages of pools, from an index of each source's own passages."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from judged import Pool
from shortlist.indexes.embedded import EmbeddedEngine
from shortlist.models.packaged import BI_ENCODER
from shortlist.registry import load_encoder
from shortlist.retrievers import Hybrid
from shortlist.types import Passage

SIGNALS = ("dense", "bm25_share")
"""The first columns of `signals`; the last column is the hybrid score."""


@contextlib.contextmanager
def hybrid(passages: Sequence[Passage]) -> Iterator[Hybrid]:
    """A hybrid retriever over the passages, in a temporary folder."""
    encoder = load_encoder(BI_ENCODER)
    with tempfile.TemporaryDirectory() as folder:
        index = EmbeddedEngine().create(Path(folder), dimension=encoder.dimension)
        with contextlib.closing(index):
            for start in range(0, len(passages), 512):
                part = passages[start : start + 512]
                index.add(part, encoder.encode_passages([passage.content for passage in part]))
            yield Hybrid(index, encoder)


def signals(pools: Sequence[Pool]) -> list[NDArray[np.float64]]:
    """Return `(passages, 3)` for each query of each pool, in their order: cosine, share of BM25, hybrid score."""
    tables: dict[int, list[NDArray[np.float64]]] = {}
    for source in dict.fromkeys(pool["source"] for pool in pools):
        own = [number for number, pool in enumerate(pools) if pool["source"] == source]
        texts = list(dict.fromkeys(text for number in own for text in pools[number]["passages"]))
        with hybrid([Passage(text, text) for text in texts]) as retriever:
            for number in own:
                tables[number] = [
                    _table(retriever, query, pools[number], len(texts)) for query in pools[number]["queries"]
                ]
    return [table for number in range(len(pools)) for table in tables[number]]


def _table(retriever: Hybrid, query: str, pool: Pool, count: int) -> NDArray[np.float64]:
    hits = {hit.passage.id: hit for hit in retriever.retrieve(query, count)}
    own = [hits[text] for text in pool["passages"]]
    return np.array([[*(hit.signals.get(name, 0.0) for name in SIGNALS), hit.retrieval_score] for hit in own])
