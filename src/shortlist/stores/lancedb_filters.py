"""Filters as the SQL of LanceDB, whose values must have the type of the column."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from shortlist.search.filters.conditions import SYMBOLS, Bound
from shortlist.search.filters.moments import iso_of
from shortlist.stores.filters import TEXT, Condition, cannot, check_known

NOTHING = "false"


def sql_of(where: Sequence[Condition], types: Mapping[str, Any], container: str, store: str) -> str:
    """Return the condition in SQL, "" without conditions. `types` are the columns, `container` a struct of more fields.

    Raises:
        InvalidInput: The table has no such column, or the column has no values that the condition compares.
    """
    inner = {field.name: field.type for field in types[container]} if container else {}
    check_known(where, {*types, *inner}, store)
    parts = []
    for condition in where:
        own = condition.field in types
        name = f"`{condition.field}`" if own else f"`{container}`.`{condition.field}`"
        parts.append(_of_column(name, types[condition.field] if own else inner[condition.field], condition, store))
    return " and ".join(f"({part})" for part in parts)


def text_literal(text: str) -> str:
    """Return a text in SQL."""
    return "'" + text.replace("'", "''") + "'"


def _of_column(name: str, kind: Any, condition: Condition, store: str) -> str:
    import pyarrow.types as arrow

    is_list = arrow.is_list(kind) or arrow.is_large_list(kind) or arrow.is_fixed_size_list(kind)
    if condition.is_order:
        return _order(name, kind, condition, store)
    if condition.operator in TEXT:
        return _text(name, kind, condition, store)
    values = _literals(kind.value_type if is_list else kind, condition)
    listed = ", ".join(values)
    test = NOTHING if not values else f"array_has_any({name}, [{listed}])" if is_list else f"{name} in ({listed})"
    if condition.periods and (arrow.is_timestamp(kind) or arrow.is_date(kind)):
        days = (" and ".join(_moment(name, limit) for limit in period) for period in condition.periods)
        test = " or ".join(f"({day})" for day in days)
    return f"{name} is null or not ({test})" if condition.operator == "nin" else test


def _order(name: str, kind: Any, condition: Condition, store: str) -> str:
    import pyarrow.types as arrow

    limit = condition.number
    if limit is not None and (arrow.is_integer(kind) or arrow.is_floating(kind)):
        column = f"cast({name} as double)" if arrow.is_integer(kind) else name  # the literal has its type
        return f"{column} {SYMBOLS[limit.operator]} {limit.value!r}"
    moment = condition.moment
    if moment is not None and (arrow.is_timestamp(kind) or arrow.is_date(kind)):
        return _moment(name, moment)
    raise cannot(store, condition, f"the column is of the type {kind}, which has no order with this value")


def _moment(name: str, limit: Bound) -> str:
    """Return the test of a column of dates."""
    date = iso_of(limit.value).removesuffix("Z").replace("T", " ")
    return f"cast({name} as timestamp) {SYMBOLS[limit.operator]} timestamp '{date}'"


def _text(name: str, kind: Any, condition: Condition, store: str) -> str:
    import pyarrow.types as arrow

    if not (arrow.is_string(kind) or arrow.is_large_string(kind)):
        raise cannot(store, condition, f"the column is of the type {kind}, and not text")
    if condition.operator == "prefix":
        return " or ".join(f"starts_with({name}, {text_literal(text)})" for text in condition.texts)
    lower = [text_literal(text.lower()) for text in condition.texts]
    if condition.operator == "ieq":
        return f"lower({name}) in ({', '.join(lower)})"
    return " or ".join(f"starts_with(lower({name}), {text})" for text in lower)


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
