"""Reading a training source: one row a query."""

from __future__ import annotations

import gzip
import json
import random
from pathlib import Path
from typing import Any


def read_source(path: Path, keep: list[str] | None, limit: int, rng: random.Random) -> list[dict[str, Any]]:
    """Return one row a query, at most `limit`, with a positive drawn at random from the query's own."""
    by_query: dict[str, list[dict[str, Any]]] = {}
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            row = json.loads(line)
            if keep and not any(row.get("source", "").startswith(start) for start in keep):
                continue
            if len(row["positive"].split()) >= 3 and len(row["query"].split()) <= 60:
                by_query.setdefault(row["query"], []).append(row)
    queries = sorted(by_query)
    rng.shuffle(queries)
    groups = []
    for query in queries[:limit]:
        rows = by_query[query]
        chosen = rng.choice(rows)
        positives = {row["positive"] for row in rows}
        listed = [text for text in dict.fromkeys(chosen["negatives"]) if text not in positives]
        groups.append({"query": query, "positive": chosen["positive"], "also": sorted(positives), "listed": listed})
    return groups
