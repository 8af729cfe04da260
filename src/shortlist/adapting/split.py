"""The two halves of the queries, and the folds of the first one. Each depends on the ids of the queries alone."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TypeVar

from shortlist.evaluation.query_sets.query_set import Judged

FOLDS = 3
"""The inner splits of the queries to learn from."""

Key = TypeVar("Key", str, int)


def by_hash(query_ids: Iterable[str]) -> list[str]:
    """Return the ids in the order of their SHA-256."""
    return sorted(query_ids, key=lambda query_id: hashlib.sha256(query_id.encode()).digest())


def halves(judged: Judged, most: int) -> tuple[Judged, Judged]:
    """Return the queries to learn from and the queries to report on, at most `most` of each.

    The order of the file does not change the halves.
    """
    order = by_hash(judged.queries)
    middle = len(order) // 2
    return part_of(judged, order[:middle][:most]), part_of(judged, order[middle:][:most])


def part_of(judged: Judged, query_ids: Sequence[str]) -> Judged:
    """Return the query set with these queries alone, in the order of the set."""
    kept = set(query_ids)
    queries = {key: text for key, text in judged.queries.items() if key in kept}
    snippets = {key: value for key, value in judged.snippets.items() if key in kept}
    others = {key: text for key, text in judged.rerank_queries.items() if key in kept}
    qrels = {key: judged.qrels[key] for key in queries}
    return replace(judged, queries=queries, qrels=qrels, snippets=snippets, rerank_queries=others)


def folds(queries: Sequence[Key], count: int) -> list[list[Key]]:
    """Return `count` parts of the queries of about the same size, fewer if there are fewer queries."""
    parts = [list(queries[number::count]) for number in range(count)]
    return [part for part in parts if part]
