"""Judged pools: passages that look alike, the queries about them, and a grade of 0 to 3 for each pair."""

from __future__ import annotations

import glob
import gzip
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import config

Pool = dict[str, Any]
"""source, passages, queries, types, and a row of grades for each query."""


def paths() -> list[Path]:
    """Return every file of judged pools that the configuration names."""
    settings = config.load()
    patterns = settings["judged"]["files"]
    return [Path(path) for pattern in patterns for path in sorted(glob.glob(str(config.ROOT / pattern)))]


def rows(path: Path) -> Iterator[dict[str, Any]]:
    """Yield one row a query: source, type, query, passages, grades. A last line without its end is left out."""
    whole = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    yield from (json.loads(line) for line in whole.decode("utf-8").split("\n")[:-1])


def pools(files: Sequence[Path]) -> list[Pool]:
    """Return the pools of the files. Queries over the same passages are in one pool; damaged rows are left out."""
    pools_by_texts: dict[tuple[str, ...], Pool] = {}
    for path in files:
        for row in rows(path):
            if len(row["grades"]) != len(row["passages"]) or not row["query"].strip():
                continue
            key = (row["source"], *row["passages"])
            empty = {"source": row["source"], "passages": row["passages"], "queries": [], "types": [], "grades": []}
            pool = pools_by_texts.setdefault(key, empty)
            pool["queries"].append(row["query"])
            pool["types"].append(row["type"])
            pool["grades"].append(row["grades"])
    return list(pools_by_texts.values())


def held_pools(settings: dict[str, Any]) -> list[Pool]:
    """Return the pools of the sources that training never sees."""
    names = settings["judged"]["held"]
    return [pool for pool in pools(paths()[:1]) if pool["source"] in names]


def ndcg(scores: NDArray[Any], grades: NDArray[np.int64], depth: int) -> float:
    """Return nDCG with gains of 2^grade - 1. A pool without an answer has 0."""
    order = np.argsort(-scores, kind="stable")[:depth]
    discounts, gains = 1 / np.log2(np.arange(2, depth + 2)), 2.0**grades - 1
    ideal = np.sort(gains)[::-1][:depth]
    best = (ideal * discounts[: len(ideal)]).sum()
    return float((gains[order] * discounts[: len(order)]).sum() / best) if best else 0.0
