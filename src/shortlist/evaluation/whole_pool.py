"""Searches that return the whole pool and the hits below it, so that measures can read them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TypeAlias

from shortlist.config import SearchConfig
from shortlist.errors import InvalidInput
from shortlist.search.pending import Pending
from shortlist.search.query_texts import QueryTexts
from shortlist.search.search import Search, scores_of
from shortlist.types import PoolSize, Ranking

Finish: TypeAlias = Callable[[Iterable[tuple[str, Pending]]], Iterator[tuple[str, Ranking]]]
"""Scores the pools of queries, and yields the answers with the ids of their queries, in any order."""


def whole_pool_config(config: SearchConfig, *, depth: int, pool_size: PoolSize | None = None) -> SearchConfig:
    """Return the configuration without limits, for rankings that reach at least `depth` in any pool.

    Nothing is folded or left out, because judgments may name any of several passages with the same text.

    If `pool_size` is None, the pool size of the configuration stays.
    """
    return config.override(
        {
            "pool_size": config.pool_size if pool_size is None else pool_size,
            "top_k": depth,
            "tail": True,
            "min_score": None,
            "min_probability": None,
            "duplicates": True,
            "per_document": None,
            "mmr": None,
        }
    )


def begin_whole(search: Search, query: str | QueryTexts, config: SearchConfig) -> Pending:
    """Return the retrieved pool. Its answer has the whole pool, and the hits below it down to the `top_k` of `config`.

    Nothing is scored.
    """
    pending = search.begin(query, config=config)
    return replace(pending, top_k=max(pending.top_k, pending.pool_size))


def search_whole(search: Search, query: str | QueryTexts, config: SearchConfig) -> Ranking:
    """Return an answer with the whole pool, and the hits below the pool down to the `top_k` of `config`."""
    pending = begin_whole(search, query, config)
    return pending.finish(scores_of(pending))


def finish_in_turn(pools: Iterable[tuple[str, Pending]]) -> Iterator[tuple[str, Ranking]]:
    """Score one pool after the other in this process, and yield the id of each query with its answer.

    Raises:
        InvalidInput: The reranker cannot process a query. The message names the query.
    """
    for query_id, pending in pools:
        with name_query(query_id):
            ranking = pending.finish(scores_of(pending))
        yield query_id, ranking


@contextmanager
def name_query(query_id: str) -> Iterator[None]:
    """Add the query's id to the message of an InvalidInput that the enclosed code raises."""
    try:
        yield
    except InvalidInput as error:
        raise InvalidInput(f"query {query_id!r}: {error}", field=error.field) from error
