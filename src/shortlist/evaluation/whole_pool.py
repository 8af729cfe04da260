"""Searches that return the whole pool and the hits below it, so that measures can read them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from shortlist.config import SearchConfig
from shortlist.errors import InvalidInput
from shortlist.search.search import Search, scores_of
from shortlist.types import PoolSize, Ranking


def whole_pool_config(config: SearchConfig, *, depth: int, pool_size: PoolSize | None = None) -> SearchConfig:
    """Return the configuration without limits, for rankings that reach at least `depth` in any pool.

    If `pool_size` is None, the pool size of the configuration stays.
    """
    return config.override(
        {
            "pool_size": config.pool_size if pool_size is None else pool_size,
            "top_k": depth,
            "tail": True,
            "min_score": None,
            "min_probability": None,
        }
    )


def search_whole(search: Search, query: str, config: SearchConfig) -> Ranking:
    """Return an answer with the whole pool, and the hits below the pool down to the `top_k` of `config`."""
    pending = search.begin(query, config=config)
    pending = replace(pending, top_k=max(pending.top_k, pending.pool_size))
    return pending.finish(scores_of(pending))


@contextmanager
def name_query(query_id: str) -> Iterator[None]:
    """Add the query's id to the message of an InvalidInput that the enclosed code raises."""
    try:
        yield
    except InvalidInput as error:
        raise InvalidInput(f"query {query_id!r}: {error}", field=error.field) from error
