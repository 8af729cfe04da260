"""An index that grows to 1,000,000 passages: `python benchmarks/large.py FOLDER --save large.json`.

The passages are synthetic: texts from a Zipf vocabulary, vectors around the centres of clusters (`synthetic.py`). They
are written straight into the index, without the bi-encoder, and flushed every 500, as `add` does. At each size, a
process of its own opens the index and searches. `recall` compares its first 50 with those of exact search. The process
encodes each query with the packaged bi-encoder, for its time, and searches with the synthetic vector.

`ms` are milliseconds of a query by the clock, and `core_ms` those of processor time of all threads. If other work has
the cores, only the second is of use. `anonymous` is memory of the process. `files` are pages of the index, which the
system can give back and read again.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import data
from shortlist.collection.place import size_of
from shortlist.indexes.embedded import EmbeddedEngine
from shortlist.registry import load_encoder
from shortlist.retrievers import Hybrid, Lexical
from synthetic import DIMENSION, WORDS, Query, Synthetic

SIZES = (10_000, 100_000, 300_000, 1_000_000)
BLOCK = 500
POINT = 10_000
"""Passages between two measurements of memory."""
QUERIES, WARM_UP, EXACT_QUERIES = 105, 5, 30
POOL, RECALLED = 100, 50
FITTED = ("add_s", "add_core_s", "dense_core_ms", "bm25_core_ms", "hybrid_core_ms", "exact_core_ms", "anonymous_MiB")


class Known:
    """A bi-encoder that encodes each query for its time, and returns the vector that is known."""

    name = "known"
    dimension = DIMENSION

    def __init__(self, queries: list[Query]) -> None:
        self._vectors = {query.text: query.vector for query in queries}
        self._encoder = load_encoder()

    def encode_queries(self, texts: list[str]) -> NDArray[np.float32]:
        """Return the vectors of the queries."""
        self._encoder.encode_queries(texts)
        return np.stack([self._vectors[text] for text in texts])

    encode_passages = encode_queries


def memory() -> dict[str, int]:
    """Return the MiB of this process: its own, and pages of files."""
    rows = Path("/proc/self/smaps_rollup").read_text().splitlines()
    kib = {name: int(value.split()[0]) for name, _, value in (row.partition(":") for row in rows) if "kB" in value}
    return {"anonymous_MiB": kib["Anonymous"] // 1024, "files_MiB": (kib["Rss"] - kib["Anonymous"]) // 1024}


def timed(name: str, queries: list[Query], ask: Callable[[Query], Any]) -> tuple[dict[str, float], list[Any]]:
    """Return milliseconds of the queries after the first ones, and all answers."""
    walls, cores, answers = [], [], []
    for query in queries:
        began, used = time.perf_counter(), time.process_time()
        answers.append(ask(query))
        walls.append((time.perf_counter() - began) * 1000)
        cores.append((time.process_time() - used) * 1000)
    walls, cores = walls[WARM_UP:], cores[WARM_UP:]
    return {
        f"{name}_ms": round(statistics.median(walls), 1),
        f"{name}_p95_ms": round(float(np.percentile(walls, 95)), 1),
        f"{name}_core_ms": round(statistics.median(cores), 1),
        f"{name}_p95_core_ms": round(float(np.percentile(cores, 95)), 1),
    }, answers


def search(folder: Path) -> dict[str, Any]:
    """Return what a process needs that opens the index and searches."""
    queries = Synthetic().queries(QUERIES)
    began = time.perf_counter()
    index = EmbeddedEngine().open(folder, dimension=DIMENSION)
    out: dict[str, Any] = {"open_s": round(time.perf_counter() - began, 2), "approximate": not index.exact}
    times, found = timed("dense", queries, lambda query: index.nearest(query.vector, POOL))
    out |= times
    times, _ = timed("bm25", queries, lambda query: Lexical(index).retrieve(query.text, POOL))
    out |= times | memory()
    hybrid = Hybrid(index, Known(queries))
    times, _ = timed("hybrid", queries, lambda query: hybrid.retrieve(query.text, POOL))
    out |= times | {"with_bi_encoder": memory()}
    index.close()
    index = EmbeddedEngine().open(folder, dimension=DIMENSION, exact=True)
    times, true = timed("exact", queries[:EXACT_QUERIES], lambda query: index.nearest(query.vector, POOL))
    index.close()
    out |= times
    for depth in (RECALLED, POOL):
        shares = [
            len({passage.id for passage, _ in mine[:depth]} & {passage.id for passage, _ in full[:depth]}) / depth
            for mine, full in zip(found, true, strict=False)
        ]
        out[f"recall@{depth}"] = round(statistics.mean(shares), 4)
    return out


class Growing:
    """An index that is written block by block, and what that needs."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._synthetic = Synthetic()
        self._count = 0
        self._wall = self._core = self._longest = 0.0
        self.points: list[dict[str, float]] = []
        folder.mkdir()
        EmbeddedEngine().create(folder, dimension=DIMENSION).close()

    def to(self, size: int) -> dict[str, Any]:
        """Add passages until the index has `size` of them, and return the time of all until now."""
        index = EmbeddedEngine().open(self._folder, dimension=DIMENSION)
        while self._count < size:
            passages, vectors = self._synthetic.block(self._count // BLOCK, BLOCK)
            began, used = time.perf_counter(), time.process_time()
            index.add(passages, vectors)
            index.flush()
            taken = time.perf_counter() - began
            self._wall, self._core = self._wall + taken, self._core + time.process_time() - used
            self._longest = max(self._longest, taken)
            self._count += BLOCK
            if self._count % POINT == 0:
                self.points.append({"passages": self._count, "s": round(self._wall, 1)} | memory())
                print(self.points[-1], round(self._core), flush=True)
        index.close()
        return {
            "passages": size,
            "add_s": round(self._wall, 1),
            "add_core_s": round(self._core, 1),
            "passages_per_s": round(size / self._wall),
            "passages_per_core_s": round(size / self._core),
            "longest_commit_s": round(self._longest, 1),
            "disk_MiB": size_of(self._folder) // 2**20,
        }


def exponents(rows: list[dict[str, Any]]) -> dict[str, float]:
    """Return the exponent of each measure: the slope of its logarithm over that of the passages."""
    sizes = np.log([row["passages"] for row in rows])
    return {
        name: round(float(np.polyfit(sizes, np.log([max(row[name], 1e-3) for row in rows]), 1)[0]), 2)
        for name in FITTED
        if all(name in row for row in rows)
    }


def measured(folder: Path, sizes: list[int], save: Callable[[Mapping[str, Any]], None]) -> None:
    growing = Growing(folder)
    rows: list[dict[str, Any]] = []
    for size in sizes:
        row = growing.to(size)
        command = [sys.executable, __file__, str(folder), "--search"]
        row |= json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)
        rows.append(row)
        print(row, flush=True)
        load = os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0
        save(
            {
                "vectors": DIMENSION,
                "words": WORDS,
                "cores": os.cpu_count(),
                "load_at_the_end": round(load, 1),
                "sizes": rows,
                "exponents": exponents(rows) if len(rows) > 1 else {},
                "memory_of_add": growing.points,
            }
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="a new folder, for up to 4 GB")
    parser.add_argument("--sizes", type=int, nargs="*", default=list(SIZES))
    parser.add_argument("--search", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--save", metavar="NAME", help="write benchmarks/results/NAME")
    options = parser.parse_args()
    if options.search:
        print(json.dumps(search(options.folder)))
        return
    measured(options.folder, options.sizes, lambda out: data.save(options.save, dict(out)) if options.save else None)


if __name__ == "__main__":
    main()
