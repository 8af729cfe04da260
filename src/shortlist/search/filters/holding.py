"""Whether a condition holds for the content of a field. Engines and stores follow this meaning of filters."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from shortlist.search.filters.conditions import Predicate
from shortlist.search.filters.moments import number_of, span_of
from shortlist.text.normal import normalised


def holds(test: Predicate, content: Any) -> bool:
    """Return whether a condition holds for the content of a field, which is None if the field is missing.

    A list needs one value for which the condition holds. "nin" is the opposite of "in": no value may be equal, so it
    holds for a missing field.
    """
    values = [value for value in (content if isinstance(content, list | tuple) else [content]) if value is not None]
    if test.operator == "nin":
        return not any(_equal(test, value) for value in values)
    return any(_holds(test, value) for value in values)


def content_of(fields: Mapping[str, Any], name: str) -> Any:
    """Return the content of a field by its name or, for a field inside other fields, by its path with dots."""
    if name in fields:
        return fields[name]
    head, dot, rest = name.partition(".")
    while dot:
        inner = fields.get(head)
        if isinstance(inner, Mapping):
            return content_of(inner, rest)
        part, dot, rest = rest.partition(".")
        head = f"{head}.{part}"
    return None


def fold(text: str) -> str:
    """Return the text without the difference of small and capital letters."""
    return normalised(normalised(text).casefold())


def orders_of(content: Any) -> Iterator[tuple[str, float]]:
    """Yield what an order compares of a value: ("number", it), or ("moment", seconds); nothing for other values."""
    if isinstance(content, bool):
        return
    if isinstance(content, int | float):
        yield "number", float(content)
    elif isinstance(content, str):
        number = number_of(content)
        if number is not None:
            yield "number", number
        elif (span := span_of(content)) is not None:
            yield "moment", span[0]


def _holds(test: Predicate, value: Any) -> bool:
    if test.is_order:
        limits = {"number": test.number, "moment": test.moment}
        return any((limit := limits[kind]) is not None and limit.holds(number) for kind, number in orders_of(value))
    if test.operator == "in":
        return _equal(test, value)
    if test.operator == "ieq":
        folded = {fold(text) for text in test.values if isinstance(text, str)}
        return _equal(test, value) or (isinstance(value, str) and fold(value) in folded)
    if not isinstance(value, str):
        return False
    if test.operator == "prefix":
        return normalised(value).startswith(tuple(str(text) for text in test.values))
    return fold(value).startswith(tuple(fold(str(text)) for text in test.values))


def _equal(test: Predicate, value: Any) -> bool:
    if _plain(value) in {_plain(own) for own in test.values}:
        return True
    moments = [moment for kind, moment in orders_of(value) if kind == "moment"] if test.periods else []
    return any(start.holds(moment) and end.holds(moment) for moment in moments for start, end in test.periods)


def _plain(value: Any) -> tuple[bool, Any]:
    """Return a value that is equal to that of an equal value. True and 1 are different values."""
    if isinstance(value, str):
        return False, normalised(value)
    return isinstance(value, bool), value if isinstance(value, int | float) else str(value)
