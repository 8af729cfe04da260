"""A condition of a filter in the SQL of PostgreSQL. Values are parameters and never part of the SQL."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from shortlist.stores.filters import Condition
from shortlist.stores.postgres_layout import OBJECT_TYPES, TEXT_TYPES, quoted

INTEGERS = frozenset({"int2", "int4", "int8"})
LARGEST_INTEGER = 2**63 - 1
LARGEST_FLOAT = 1.7e308


def condition_sql(
    condition: Condition, columns: Mapping[str, str], metadata: str, name: str
) -> tuple[str, dict[str, Any]]:
    """Return the SQL of a condition, and its parameters.

    Args:
        condition: A field, which is a column or a key of the metadata, and the values that it may have.
        columns: The types of the columns.
        metadata: The column of the metadata, or "".
        name: The name of the parameter.
    """
    kind = columns.get(condition.field, "")
    if kind and kind not in OBJECT_TYPES:
        return _of_column(quoted(condition.field), kind, condition, name)
    if kind:
        return _of_json(condition.field, condition.values, name)
    return _of_json(metadata, _objects(condition), name)


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
