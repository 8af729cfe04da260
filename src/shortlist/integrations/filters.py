"""Filters of Haystack as filters of shortlist."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from shortlist.errors import InvalidInput
from shortlist.types import Where

OPERATORS = {"==": "eq", "in": "in", "!=": "ne", "not in": "nin", "<": "lt", "<=": "lte", ">": "gt", ">=": "gte"}
"""Haystack's name of an operator -> ours."""


def where_of(filters: Mapping[str, Any] | None) -> Where | None:
    """Return a filter of Haystack as one of ours; None for no filter.

    Raises:
        InvalidInput: The filter has an unknown operator, or twice the same one for a field, or conditions of which not
            all must match (`AND`).
    """
    if not filters:
        return None
    where: dict[str, dict[str, Any]] = {}
    for condition in _conditions(filters):
        operator, field, value = condition.get("operator"), condition.get("field"), condition.get("value")
        name = OPERATORS.get(str(operator))
        own = where.setdefault(str(field).removeprefix("meta."), {})
        if name is None or name in own or isinstance(value, list) is not (name in ("in", "nin")):
            raise InvalidInput(
                f"the filter {dict(condition)!r:.120} cannot be applied: use {', '.join(OPERATORS)} once for a field, "
                "and a list with in and not in",
                field="filters",
            )
        own[name] = value
    return {field: _plain(operators) for field, operators in where.items()}


def _plain(operators: dict[str, Any]) -> Any:
    """Return the operators of a field, or the value if the field equals it."""
    return next(iter(operators.values())) if set(operators) in ({"eq"}, {"in"}) else operators


def _conditions(filters: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The conditions of a filter, with those of inner conjunctions."""
    if "conditions" not in filters:
        return [filters]
    if filters.get("operator") != "AND":
        raise InvalidInput(f"a filter with {filters.get('operator')!r} cannot be applied: use AND", field="filters")
    return [condition for inner in filters["conditions"] for condition in _conditions(inner)]
