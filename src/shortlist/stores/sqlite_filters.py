"""Filters in the SQL of SQLite."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from shortlist.search.filters import Bound, Predicate, content_of, holds
from shortlist.stores.filters import EQUALITY, Condition, check_known
from shortlist.stores.sqlite_layout import Layout
from shortlist.stores.sqlite_words import quoted

FUNCTION = "shortlist_holds"
"""The name of the SQL function for every condition but equality without days and months."""


def sql_of(where: Sequence[Condition], layout: Layout, alias: str, store: str) -> tuple[list[str], list[Any]]:
    """Return one test for each condition, and the values of all tests. `alias` names the table in the statement.

    Raises:
        InvalidInput: The table has no such column, and no column with metadata.
    """
    allowed: list[Any]
    parts, values = list[str](), list[Any]()
    columns = (*layout.columns, layout.key)
    if not layout.fields.metadata:
        check_known([condition for condition in where if condition.field != layout.key], layout.columns, store)
    for condition in where:
        own = condition.field in columns
        column = f"{alias}.{quoted(condition.field if own else layout.fields.metadata)}"
        compared = condition.operator not in EQUALITY or bool(condition.periods)
        if compared:
            part, allowed = f"{FUNCTION}({column}, ?, ?)", ["" if own else condition.field, _coded(condition)]
        elif own:
            flags = condition.flags if condition.field in layout.flags else []
            allowed = [*condition.texts, *condition.numbers, *map(int, flags)]
            part = f"coalesce({column} in ({marks(len(allowed))}), 0)"
        else:
            part, allowed = _in_json(column, condition)
        parts.append(f"not {part}" if condition.operator == "nin" and not compared else part)
        values += allowed
    return parts, values


def add_function(connection: Any) -> None:
    """Give the connection the function `FUNCTION`."""
    connection.create_function(FUNCTION, 3, _holds, deterministic=True)


def _holds(content: Any, field: str, coded: str) -> bool:
    """Return whether a coded condition holds for a column, or for a field in a column with a JSON object."""
    if field:
        try:
            fields = json.loads(content) if isinstance(content, str) else None
        except ValueError:
            fields = None
        content = content_of(fields, field) if isinstance(fields, dict) else None
    return holds(_decoded(coded), content)


def _coded(condition: Condition) -> str:
    limits = [limit and [limit.operator, limit.value] for limit in (condition.number, condition.moment)]
    periods = [[[limit.operator, limit.value] for limit in period] for period in condition.periods]
    return json.dumps([condition.field, list(condition.values), condition.operator, *limits, periods])


@lru_cache(maxsize=64)
def _decoded(coded: str) -> Predicate:
    field, values, operator, *limits, periods = json.loads(coded)
    number, moment = (limit and Bound(*limit) for limit in limits)
    days = tuple((Bound(*start), Bound(*end)) for start, end in periods)
    return Predicate(field, tuple(values), operator, number, moment, days)


def marks(count: int) -> str:
    """Return the placeholders of so many values."""
    return ", ".join("?" * count)


def _in_json(column: str, condition: Condition) -> tuple[str, list[Any]]:
    """Return a test of a field in a JSON object, whose value may be a list. A column that is not JSON has no fields."""

    def test(alias: str) -> str:
        flags = [str(flag).lower() for flag in condition.flags]
        return (
            f"({alias}.type = 'text' and {alias}.value in ({marks(len(condition.texts))}) or {alias}.type in "
            f"('integer', 'real') and {alias}.value in ({marks(len(condition.numbers))}) or {alias}.type in "
            f"({marks(len(flags))}))"
        )

    values = [*condition.texts, *condition.numbers, *(str(flag).lower() for flag in condition.flags)]
    in_list = f"f.type = 'array' and exists (select 1 from json_each(f.value) e where {test('e')})"
    json = f"case when json_valid({column}) then {column} end"
    sql = f"exists (select 1 from json_each({json}) f where f.key = ? and ({test('f')} or {in_list}))"
    return sql, [condition.field, *values, *values]
