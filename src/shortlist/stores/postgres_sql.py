"""The statements of a search in PostgreSQL.

Every line has the name of its list, the score of the words, the distance to the vector, and the columns of the row. The
names of these three start with "shortlist_", because a table may have any other name as a column.
"""

from __future__ import annotations

from collections.abc import Sequence

from shortlist.stores.postgres_layout import Layout, VectorColumn, quoted

SMALLEST_SCAN, LARGEST_SCAN = 40, 1000
"""The limits of `hnsw.ef_search`: pgvector's default, and its maximum. A query returns at most so many rows."""
SCANNED = 20_000
"""pgvector's default of `hnsw.max_scan_tuples`."""
QUERY = "to_tsquery(%(configuration)s::regconfig, %(words)s)"
COMMON = "shortlist_list, shortlist_score, shortlist_distance"


def shown(layout: Layout) -> str:
    """Return the columns of a row. The first one is the id."""
    return ", ".join(map(quoted, dict.fromkeys((layout.key, *layout.columns))))


def near_sql(layout: Layout, k: int, filters: Sequence[str]) -> str:
    """Return the statement for the nearest rows. Its settings hold for this statement alone.

    With an index, the order has no second column, because PostgreSQL would not use the index.
    """
    place = _vector(layout)
    column = quoted(place.name)
    settings = _settings(place, k)
    conditions = [f"{column} is not null", *filters, *(["shortlist_settings.s0 is not null"] if settings else [])]
    order = "shortlist_distance" if place.index else f"shortlist_distance, {quoted(layout.key)}"
    near = (
        f"select 'near' as shortlist_list, null::float8 as shortlist_score, {_distance(place, column)} as "
        f"shortlist_distance, {shown(layout)} from {layout.table} where {' and '.join(conditions)} order by {order} "
        "limit %(k)s"
    )
    if not settings:
        return near
    values = (f"set_config('{name}', '{value}', true) as s{place}" for place, (name, value) in enumerate(settings))
    return f"select nearest.* from (select {', '.join(values)}) shortlist_settings, lateral ({near}) nearest"


def words_sql(layout: Layout, filters: Sequence[str], distance: str = "null::float8") -> str:
    """Return the statement for the rows with the best words.

    `ts_rank`, divided by 1 + the logarithm of the length, is better for alternatives than `ts_rank_cd`, which rewards
    words that are close together: on scifact, nDCG@10 is 0.60 and not 0.37, and the query takes a third of the time.
    """
    conditions = " and ".join([f"{layout.words} @@ {QUERY}", *filters])
    rank = f"ts_rank({layout.words}, {QUERY}, 1)::float8"
    return (
        f"select 'words' as shortlist_list, {rank} as shortlist_score, {distance} as shortlist_distance, "
        f"{shown(layout)} from {layout.table} where {conditions} order by shortlist_score desc, {quoted(layout.key)} "
        "limit %(k)s"
    )


def both_sql(layout: Layout, k: int, filters: Sequence[str]) -> str:
    """Return one statement for both lists. It compares the rows of words with the vector, after their limit."""
    place = _vector(layout)
    near, words = near_sql(layout, k, filters), words_sql(layout, filters, quoted(place.name))
    distance = _distance(place, "shortlist_distance")
    return (
        f"with near as ({near}), words as materialized ({words}) select {COMMON}, {shown(layout)} from near union all "
        f"select shortlist_list, shortlist_score, {distance}, {shown(layout)} from words"
    )


def _vector(layout: Layout) -> VectorColumn:
    assert layout.vector is not None
    return layout.vector


def _distance(place: VectorColumn, column: str) -> str:
    return f"{column} {place.operator} %(vector)s::{place.type}"


def _settings(place: VectorColumn, k: int) -> list[tuple[str, str]]:
    """Return the settings with which an index returns `k` rows, also with a filter."""
    settings = []
    if place.index == "hnsw":
        settings.append(("hnsw.ef_search", str(min(max(k, SMALLEST_SCAN), LARGEST_SCAN))))
        if place.iterative:
            settings.append(("hnsw.max_scan_tuples", str(max(SCANNED, 4 * k))))
    if place.index and place.iterative:
        order = "strict_order" if place.index == "hnsw" else "relaxed_order"
        settings.append((f"{place.index}.iterative_scan", order))
    return settings
