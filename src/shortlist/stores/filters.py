"""A filter in the form that the stores need: for each field, the values by type."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from shortlist.errors import InvalidInput
from shortlist.search.filters import Operator, Predicate, predicates_of
from shortlist.search.filters.conditions import SYMBOLS
from shortlist.stores.fields import Fields
from shortlist.types import Value, Where

EQUALITY: frozenset[Operator] = frozenset({"in", "nin"})
ORDER: frozenset[Operator] = frozenset({"lt", "lte", "gt", "gte"})
TEXT: frozenset[Operator] = frozenset({"prefix", "ieq", "iprefix"})
EVERY = EQUALITY | ORDER | TEXT


@dataclass(frozen=True, slots=True)
class Condition(Predicate):
    """A condition of a filter on a field of a store. Without an operator, the field must have one of the values."""

    @property
    def texts(self) -> list[str]:
        """The values that are text."""
        return [value for value in self.values if isinstance(value, str)]

    @property
    def numbers(self) -> list[int | float]:
        """The values that are numbers."""
        return [value for value in self.values if isinstance(value, int | float) and not isinstance(value, bool)]

    @property
    def flags(self) -> list[bool]:
        """The values that are true or false."""
        return [value for value in self.values if isinstance(value, bool)]

    def typed(self) -> list[Sequence[Value]]:
        """Return the values in one list for each type, for stores that compare values of one type. No list is empty."""
        lists: list[Sequence[Value]] = [
            self.texts,
            [value for value in self.numbers if isinstance(value, int)],
            [value for value in self.numbers if isinstance(value, float)],
            self.flags,
        ]
        return [values for values in lists if values]


def conditions(where: Where | None, fields: Fields) -> list[Condition]:
    """Return the conditions of a filter; no filter gives none. All of them must hold.

    "title" and "document_id" become the names of these fields in the store.

    Raises:
        InvalidInput: See `search.filters.predicates_of`.
    """
    own: Mapping[str, str] = {"title": fields.title, "document_id": fields.document_id or fields.id}
    return [
        Condition(
            own.get(test.field) or test.field,
            _distinct(test.values),
            test.operator,
            test.number,
            test.moment,
            test.periods,
        )
        for test in predicates_of(where)
    ]


def answerable(name: str, terms: list[Condition], operators: Collection[str]) -> list[Condition]:
    """Return the conditions. Raises InvalidInput if the filters of the store `name` lack one of their operators."""
    for term in terms:
        if term.operator not in operators:
            known = ", ".join(SYMBOLS[own] for own in SYMBOLS if own in operators)
            raise cannot(name, term, f"its filters have {known}")
    return terms


def cannot(store: str, condition: Predicate, reason: str) -> InvalidInput:
    """Return the error for a condition that a store cannot answer."""
    return InvalidInput(f"where: {store} cannot answer {condition.label}: {reason}", field="where")


def _distinct(values: Sequence[Value]) -> tuple[Value, ...]:
    """Return the values without repetitions. True and 1 are different values."""
    return tuple({(type(value), value): value for value in values}.values())


def check_known(where: Sequence[Condition], names: Collection[str], store: str) -> None:
    """Check the fields of a filter, for a store that knows its fields.

    Raises:
        InvalidInput: The store has no such field. The message lists the fields.
    """
    unknown = [condition.field for condition in where if condition.field not in names]
    if unknown:
        raise InvalidInput(
            f"where: {store} has no field {unknown[0]!r}; its fields are {', '.join(sorted(names))}", field="where"
        )
