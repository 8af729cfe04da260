"""Filters as the SQL of LanceDB, whose values must have the type of the column."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from shortlist.stores.filters import Condition, check_known

NOTHING = "false"


def sql_of(where: Sequence[Condition], types: Mapping[str, Any], container: str, store: str) -> str:
    """Return the condition in SQL, "" without conditions. `types` are the columns, `container` a struct of more fields.

    Raises:
        InvalidInput: The table has no such column.
    """
    inner = {field.name: field.type for field in types[container]} if container else {}
    check_known(where, {*types, *inner}, store)
    parts = []
    for condition in where:
        own = condition.field in types
        name = f"`{condition.field}`" if own else f"`{container}`.`{condition.field}`"
        parts.append(_of_column(name, types[condition.field] if own else inner[condition.field], condition))
    return " and ".join(f"({part})" for part in parts)


def text_literal(text: str) -> str:
    """Return a text in SQL."""
    return "'" + text.replace("'", "''") + "'"


def _of_column(name: str, kind: Any, condition: Condition) -> str:
    import pyarrow.types as arrow

    if arrow.is_list(kind) or arrow.is_large_list(kind) or arrow.is_fixed_size_list(kind):
        values = _literals(kind.value_type, condition)
        return f"array_has_any({name}, [{', '.join(values)}])" if values else NOTHING
    values = _literals(kind, condition)
    return f"{name} in ({', '.join(values)})" if values else NOTHING


def _literals(kind: Any, condition: Condition) -> list[str]:
    """Return the values that have the type of the column."""
    import pyarrow.types as arrow

    if arrow.is_string(kind) or arrow.is_large_string(kind):
        return [text_literal(text) for text in condition.texts]
    if arrow.is_boolean(kind):
        return [str(flag).lower() for flag in condition.flags]
    if arrow.is_floating(kind):
        return [repr(float(number)) for number in condition.numbers]
    if arrow.is_integer(kind):
        return [str(int(number)) for number in condition.numbers if float(number).is_integer()]
    return []
