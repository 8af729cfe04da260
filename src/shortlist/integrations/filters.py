"""Filters of Haystack as filters of shortlist."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from shortlist.errors import InvalidInput
from shortlist.types import Where


def where_of(filters: Mapping[str, Any] | None) -> Where | None:
    """Return a filter of Haystack as one of ours; None for no filter.

    Raises:
        InvalidInput: The filter has something other than fields that equal a value (`==`) or one of several (`in`), all
            of which must match (`AND`).
    """
    if not filters:
        return None
    where: dict[str, Any] = {}
    for condition in _conditions(filters):
        operator, field, value = condition.get("operator"), condition.get("field"), condition.get("value")
        field = str(field).removeprefix("meta.")
        if operator not in ("==", "in") or field in where or isinstance(value, list) is not (operator == "in"):
            raise InvalidInput(
                f"the filter {dict(condition)!r:.120} cannot be applied: use ==, or in with a list, once for a field",
                field="filters",
            )
        where[field] = value
    return where


def _conditions(filters: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The conditions of a filter, with those of inner conjunctions."""
    if "conditions" not in filters:
        return [filters]
    if filters.get("operator") != "AND":
        raise InvalidInput(f"a filter with {filters.get('operator')!r} cannot be applied: use AND", field="filters")
    return [condition for inner in filters["conditions"] for condition in _conditions(inner)]
