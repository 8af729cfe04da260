"""Filters in the SQL of SQLite."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from shortlist.stores.filters import Condition, check_known
from shortlist.stores.sqlite_layout import Layout
from shortlist.stores.sqlite_words import quoted


def sql_of(where: Sequence[Condition], layout: Layout, alias: str, store: str) -> tuple[list[str], list[Any]]:
    """Return one test for each condition, and the values of all tests. `alias` names the table in the statement.

    Raises:
        InvalidInput: The table has no such column, and no column with metadata.
    """
    parts, values = list[str](), list[Any]()
    columns = (*layout.columns, layout.key)
    if not layout.fields.metadata:
        check_known([condition for condition in where if condition.field != layout.key], layout.columns, store)
    for condition in where:
        if condition.field in columns:
            flags = condition.flags if condition.field in layout.flags else []
            allowed = [*condition.texts, *condition.numbers, *map(int, flags)]
            parts.append(f"{alias}.{quoted(condition.field)} in ({marks(len(allowed))})")
            values += allowed
        else:
            part, own = _in_json(f"{alias}.{quoted(layout.fields.metadata)}", condition)
            parts.append(part)
            values += own
    return parts, values


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
