"""Judged pools: passages that look alike, the queries about them, and a grade of 0 to 3 for each pair."""

from __future__ import annotations

import glob
import gzip
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import config

Pool = dict[str, Any]


def paths() -> list[Path]:
    """Every file of judged pools that the configuration names."""
    settings = config.load()
    patterns = settings["judged"]["files"]
    return [Path(path) for pattern in patterns for path in sorted(glob.glob(str(config.ROOT / pattern)))]


def rows(path: Path) -> Iterator[dict[str, Any]]:
    """One row a query: group, source, type, query, passages, grades. A last line that is being written is left out."""
    whole = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    yield from (json.loads(line) for line in whole.decode("utf-8").split("\n")[:-1])


def pools(files: Sequence[Path]) -> list[Pool]:
    """Queries over the same passages together: source, passages, queries, types, and a row of grades a query."""
    out: dict[tuple[str, ...], Pool] = {}
    for path in files:
        for row in rows(path):
            if len(row["grades"]) != len(row["passages"]) or not row["query"].strip():
                continue
            name = (row["source"], *row["passages"])
            empty = {"source": row["source"], "passages": row["passages"], "queries": [], "types": [], "grades": []}
            pool = out.setdefault(name, empty)
            pool["queries"].append(row["query"])
            pool["types"].append(row["type"])
            pool["grades"].append(row["grades"])
    return list(out.values())
