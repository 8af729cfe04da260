"""A condition of a filter in the SQL of PostgreSQL. Values are parameters and never part of the SQL."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from shortlist.search.filters.conditions import SYMBOLS
from shortlist.stores.filters import EQUALITY, Condition, cannot
from shortlist.stores.postgres_layout import OBJECT_TYPES, TEXT_TYPES, quoted

INTEGERS = frozenset({"int2", "int4", "int8"})
NUMBERS = frozenset({"int2", "int4", "int8", "numeric", "float4", "float8"})
DATES = frozenset({"date", "timestamp", "timestamptz"})
NUMBER_TEXT = r"^\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?\s*$"
DATE_TEXT = (
    r"^\s*\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])"
    r"([Tt ]([01]\d|2[0-3]):[0-5]\d(:[0-5]\d([.,]\d{1,9})?)?( ?([Zz]|[+-]\d\d(:?\d\d)?))?)?\s*$"
)
ZONE = r":\d\d([.,]\d+)? ?([Zz]|[+-]\d\d(:?\d\d)?)\s*$"
"""The texts that are compared as numbers and dates, and the end of those that have a zone. The others are in UTC."""
ITEM = "(item.value #>> '{}')"
"""The text of a value of the metadata."""
LARGEST_INTEGER = 2**63 - 1
LARGEST_FLOAT = 1.7e308


def condition_sql(
    condition: Condition, columns: Mapping[str, str], metadata: str, name: str, store: str = ""
) -> tuple[str, dict[str, Any]]:
    """Return the SQL of a condition, and its parameters.

    Args:
        condition: A field, which is a column or a key of the metadata, and the values that it may have.
        columns: The types of the columns.
        metadata: The column of the metadata, or "".
        name: The name of the parameter.
        store: The name of the store, for messages.

    Raises:
        InvalidInput: The column has no values that the condition compares.
    """
    kind = columns.get(condition.field, "")
    if condition.operator in EQUALITY:
        sql, values = _equality(condition, kind, metadata, name)
        if condition.periods and kind not in OBJECT_TYPES:
            days, limits = _in_periods(condition, kind, metadata, name)
            sql, values = f"({sql} or {days})" if days else sql, {**values, **limits}
        return (f"not coalesce({sql}, false)" if condition.operator == "nin" else sql), values
    column = quoted(condition.field)
    if kind and kind not in OBJECT_TYPES:
        return _compared(column, kind, condition, name, store)
    if kind:
        raise cannot(store, condition, f"the column is of the type {kind}: name a field in it")
    sql, values = _compared(ITEM, "text", condition, name, store)
    return _of_items(condition, metadata, name, sql, "'number', 'string'" if condition.is_order else "'string'", values)


def _of_items(
    condition: Condition, metadata: str, name: str, test: str, types: str, values: Mapping[str, Any]
) -> tuple[str, dict[str, Any]]:
    """Return the test of a field of the metadata, of which one value of one of the types must pass `test`."""
    path = {f"{name}_key": condition.field, f"{name}_path": condition.field.split(".")}
    content = f"{quoted(metadata)}::jsonb"
    value = f"coalesce({content} -> %({name}_key)s, {content} #> %({name}_path)s::text[])"
    listed = f"case jsonb_typeof({value}) when 'array' then {value} else jsonb_build_array({value}) end"
    items = f"jsonb_array_elements({listed})"
    sql = f"exists (select 1 from {items} as item(value) where jsonb_typeof(item.value) in ({types}) and {test})"
    return sql, {**path, **values}


def _in_periods(condition: Condition, kind: str, metadata: str, name: str) -> tuple[str, dict[str, Any]]:
    """Return the test of the years, months and days of an equality, or "" if the column has no dates."""
    if kind and kind not in (*DATES, *TEXT_TYPES):
        return "", {}
    moment = _moment(quoted(condition.field) if kind else ITEM, kind or "text")
    tests, values = list[str](), dict[str, Any]()
    for number, period in enumerate(condition.periods):
        limits = []
        for limit in period:
            own = f"{name}_{limit.operator}{number}"
            limits.append(f"{moment} {SYMBOLS[limit.operator]} to_timestamp(%({own})s::float8)")
            values[own] = limit.value
        tests.append(f"({' and '.join(limits)})")
    test = f"({' or '.join(tests)})"
    return (test, values) if kind else _of_items(condition, metadata, name, test, "'string'", values)


def _moment(column: str, kind: str) -> str:
    """Return the moment of a column of dates or texts in SQL. A text that is no date has none."""
    in_utc = f"{column}::timestamp at time zone 'UTC'"
    if kind not in TEXT_TYPES:
        return column if kind == "timestamptz" else in_utc
    own = f"case when {column} ~ '{ZONE}' then {column}::timestamptz else {in_utc} end"
    return f"case when {column} ~ '{DATE_TEXT}' then {own} end"


def _equality(condition: Condition, kind: str, metadata: str, name: str) -> tuple[str, dict[str, Any]]:
    if kind and kind not in OBJECT_TYPES:
        return _of_column(quoted(condition.field), kind, condition, name)
    if kind:
        return _of_json(condition.field, condition.values, name)
    return _of_json(metadata, _objects(condition), name)


def _compared(column: str, kind: str, condition: Condition, name: str, store: str) -> tuple[str, dict[str, Any]]:
    """Return the test of a column for an order, for the start of a text, or without small and capital letters."""
    if condition.is_order:
        return _ordered(column, kind, condition, name, store)
    if kind not in TEXT_TYPES:
        raise cannot(store, condition, f"the column is of the type {kind}, and not text")
    texts = [text for text in condition.texts if "\0" not in text]
    if condition.operator == "prefix":
        return f"exists (select 1 from unnest(%({name})s::text[]) as t(s) where starts_with({column}, t.s))", {
            name: texts
        }
    values = {name: [text.lower() for text in texts]}
    if condition.operator == "ieq":
        return f"lower({column}) = any(%({name})s::text[])", values
    return f"exists (select 1 from unnest(%({name})s::text[]) as t(s) where starts_with(lower({column}), t.s))", values


def _ordered(column: str, kind: str, condition: Condition, name: str, store: str) -> tuple[str, dict[str, Any]]:
    """Return the test of an order. Of a text, a number or a date at its start is compared, if nothing else follows."""
    tests, values = list[str](), dict[str, Any]()
    number, moment = condition.number, condition.moment
    if number is not None and kind in (*NUMBERS, *TEXT_TYPES):
        own = column if kind in NUMBERS else f"case when {column} ~ '{NUMBER_TEXT}' then {column}::numeric end"
        tests.append(f"{own} {SYMBOLS[number.operator]} %({name})s::{'numeric' if kind in TEXT_TYPES else 'float8'}")
        values[name] = number.value
    if moment is not None and kind in (*DATES, *TEXT_TYPES):
        tests.append(f"{_moment(column, kind)} {SYMBOLS[moment.operator]} to_timestamp(%({name}_moment)s::float8)")
        values[f"{name}_moment"] = moment.value
    if not tests:
        raise cannot(store, condition, f"the column is of the type {kind}, which has no order with this value")
    return f"({' or '.join(tests)})", values


def _of_column(column: str, kind: str, condition: Condition, name: str) -> tuple[str, dict[str, Any]]:
    """Return the test of a column, whose type may be a list. The type of an index is kept, so that it is used."""
    item = kind.removeprefix("_")
    is_list = item != kind
    type_name, values = _typed(item, condition)
    comparable = item == type_name or item in TEXT_TYPES or item in INTEGERS
    if not comparable or (is_list and item != type_name):
        column = f"{column}::{type_name}{'[]' if is_list else ''}"
    allowed = f"%({name})s::{type_name}[]"
    return f"{column} && {allowed}" if is_list else f"{column} = any({allowed})", {name: values}


def _typed(kind: str, condition: Condition) -> tuple[str, list[Any]]:
    """Return the type in which a column is compared, and the values of the condition that it can hold."""
    if kind == "bool":
        return "bool", condition.flags
    if kind in INTEGERS:
        whole = [
            int(number) for number in condition.numbers if abs(number) <= LARGEST_INTEGER and number == int(number)
        ]
        return "int8", whole
    if kind == "float8":
        return "float8", [float(number) for number in condition.numbers if abs(number) < LARGEST_FLOAT]
    if kind in ("numeric", "float4"):
        return "numeric", [repr(number) for number in condition.numbers]
    return "text", [text for text in condition.texts if "\0" not in text]


def _of_json(column: str, objects: Sequence[Any], name: str) -> tuple[str, dict[str, Any]]:
    texts = (json.dumps(value, ensure_ascii=False) for value in objects)
    return f"{quoted(column)}::jsonb @> any(%({name})s::jsonb[])", {
        name: [text for text in texts if "\\u0000" not in text]
    }


def _objects(condition: Condition) -> list[Any]:
    """Return the objects of which the metadata must contain one. "author.name" is a key, or a key in an object."""
    objects = []
    for value in condition.values:
        for inner in (value, [value]):
            objects.append({condition.field: inner})
            if "." in condition.field:
                nested: Any = inner
                for part in reversed(condition.field.split(".")):
                    nested = {part: nested}
                objects.append(nested)
    return objects
