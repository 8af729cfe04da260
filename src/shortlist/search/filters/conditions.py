"""The conditions of a filter: a field, an operator, and values."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal, TypeAlias, cast

from shortlist.errors import InvalidInput
from shortlist.search.filters.moments import DATE, number_of, period_of, point_for_comma, span_of, year_span
from shortlist.search.filters.values import LONGEST_INT, equals
from shortlist.text.normal import normalised
from shortlist.types import Value, Where

Order: TypeAlias = Literal["lt", "lte", "gt", "gte"]
Operator: TypeAlias = Literal["in", "nin", "lt", "lte", "gt", "gte", "prefix", "ieq", "iprefix"]

OPERATORS: Mapping[str, Operator] = {
    "eq": "in",
    "in": "in",
    "ne": "nin",
    "nin": "nin",
    "lt": "lt",
    "lte": "lte",
    "gt": "gt",
    "gte": "gte",
    "prefix": "prefix",
    "ieq": "ieq",
    "iprefix": "iprefix",
}
"""The names of operators in a mapping. Chroma and Pinecone have the first eight, after a "$", which is accepted."""
SYMBOLS: Mapping[Operator, str] = {
    "in": "=",
    "nin": "!=",
    "lt": "<",
    "lte": "<=",
    "gt": ">",
    "gte": ">=",
    "prefix": "^=",
    "ieq": "~=",
    "iprefix": "^~=",
}
"""The symbol of each operator in the text of a condition."""
ORDERS = frozenset({"lt", "lte", "gt", "gte"})
JOINED = re.compile(r"\s(and|or|&&|\|\|)\s", re.IGNORECASE)
"""What joins two conditions in a query language."""
NAMES = frozenset({"document_id", "title"})
"""The fields that name something. A date in a name is text."""


@dataclass(frozen=True, slots=True)
class Bound:
    """A limit. `value` is a number, or the seconds of a moment from 1970 in UTC."""

    operator: Order
    value: float

    def holds(self, value: float) -> bool:
        """Return whether a number or a moment is within the limit."""
        if self.operator == "lt":
            return value < self.value
        if self.operator == "lte":
            return value <= self.value
        return value > self.value if self.operator == "gt" else value >= self.value


Period: TypeAlias = tuple[Bound, Bound]
"""The start of a day, a month or a year, and the limit before which it ends."""


@dataclass(frozen=True, slots=True)
class Predicate:
    """A condition on one field.

    `values` of "in" and "nin" include their equals: 2024 and "2024". "prefix", "ieq" and "iprefix" need one of their
    values. An order has one value; `number` compares it with numbers, `moment` with dates, and None compares nothing.
    `periods` are the years, months and days among the values of "in" and "nin": a moment in a period is equal, too.
    """

    field: str
    values: tuple[Value, ...]
    operator: Operator = "in"
    number: Bound | None = None
    moment: Bound | None = None
    periods: tuple[Period, ...] = ()

    @property
    def is_order(self) -> bool:
        """Whether the condition is one of `<`, `<=`, `>` and `>=`."""
        return self.operator in ORDERS

    @property
    def label(self) -> str:
        """The condition as text, for messages."""
        shown = dict.fromkeys(str(value) for value in self.values)
        return f"{self.field}{SYMBOLS[self.operator]}{next(iter(shown))}"


def operators_of(where: Where | None) -> dict[str, list[tuple[Operator, list[Any]]]]:
    """Return the operators of each field of a filter, with the values as they were given; no filter gives no fields.

    Raises:
        InvalidInput: `where` is not a mapping, an operator is unknown, or it has no value.
    """
    if where is None:
        return {}
    if not isinstance(where, Mapping):
        raise InvalidInput(f"where is {where!r}; give a mapping of fields to values, such as {{'year': 2024}}")
    return {field: list(_operators(field, content)) for field, content in where.items()}


def predicates_of(where: Where | None) -> list[Predicate]:
    """Return the conditions of a filter, all of which must hold; no filter gives none. See `types.Where`.

    Raises:
        InvalidInput: As `operators_of`, or a value is not text, a number, true, false, or a list of these, or an order
            compares with something other than a number or a date.
    """
    return [
        test
        for field, operators in operators_of(where).items()
        for operator, values in operators
        for test in _tests(field, operator, values)
    ]


def _operators(field: str, content: Any) -> Iterator[tuple[Operator, list[Any]]]:
    if not isinstance(content, Mapping):
        yield "in", _listed(field, content)
        return
    if not content:
        raise InvalidInput(f"where: {field!r} has no operator: give one, such as {{'lt': 100}}")
    for name, value in content.items():
        operator = OPERATORS.get(str(name).removeprefix("$"))
        if operator is None:
            raise InvalidInput(
                f"where: {field!r} has the operator {name!r}; the operators are {', '.join(OPERATORS)}. The name of a "
                f"field inside another field has a dot: {f'{field}.{name}'!r}"
            )
        yield operator, _listed(field, value)


def _listed(field: str, content: Any) -> list[Any]:
    values = list(content) if isinstance(content, list | tuple | set | frozenset) else [content]
    if not values:
        raise InvalidInput(f"where: the list for {field!r} is empty, so nothing can match: give a value")
    return [value.isoformat() if isinstance(value, date) else value for value in values]


def _tests(field: str, operator: Operator, values: list[Any]) -> Iterator[Predicate]:
    if operator in ORDERS:
        yield from (_order(field, cast("Order", operator), value) for value in values)
    elif operator in ("prefix", "iprefix"):
        yield Predicate(field, tuple(_prefix(field, operator, value) for value in values), operator)
    else:
        same = tuple(equal for value in values for equal in equals(field, value))
        periods = () if field in NAMES or operator == "ieq" else tuple(_periods(values))
        yield Predicate(field, same, operator, periods=periods)


def _periods(values: list[Any]) -> Iterator[Period]:
    """Yield the years, months and days among the values. A time is a moment, which is compared as text."""
    for value in values:
        if (span := period_of(value)) is not None:
            yield Bound("gte", span[0]), Bound("lt", span[1])


def _prefix(field: str, operator: Operator, value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise InvalidInput(f"where: {field}{SYMBOLS[operator]}{value!r}: the start of a text must be text")
    return normalised(value)


def _order(field: str, operator: Order, value: Any) -> Predicate:
    """Return the condition for an order. A number of four digits is also a year, for fields with dates."""
    number: float | None = None
    span: tuple[float, float] | None = None
    if isinstance(value, str):
        number = number_of(value)
        span = span_of(value) if number is None else year_span(number)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        number = float(value) if isinstance(value, float) or value.bit_length() < LONGEST_INT else math.inf
        span = year_span(number)
    if (number is None and span is None) or (number is not None and not math.isfinite(number)):
        raise _no_order(field, operator, value)
    limit = None if number is None else Bound(operator, number)
    return Predicate(field, (value,), operator, limit, None if span is None else _moment(operator, *span))


def _no_order(field: str, operator: Order, value: object) -> InvalidInput:
    condition, text = f"{field}{SYMBOLS[operator]}", str(value)
    if number := point_for_comma(text):
        hint = f"write a number with a decimal point: {condition}{number}"
    elif DATE.fullmatch(text.strip()):
        hint = f"no calendar has the date {text}"
    elif JOINED.search(text):
        hint = "give one condition, and each further one in a filter of its own (--where on the command line)"
    else:
        hint = "give a number, or a date such as 2024-01-31 or 2024-01-31T12:00:00Z. Text has no order in a filter"
    return InvalidInput(f"where: {condition}{value} compares with no number and no date: {hint}", field="where")


def _moment(operator: Order, start: float, end: float) -> Bound:
    """Return the limit for a date: a day or a month counts as a whole, so `<=` reaches to its end."""
    if operator in ("lt", "gte") or start == end:
        return Bound(operator, start)
    return Bound("lt" if operator == "lte" else "gte", end)
