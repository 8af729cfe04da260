"""Filters: conditions on metadata, their two forms (mapping and text), and which values they hold for."""

from shortlist.search.filters.conditions import (
    OPERATORS,
    Bound,
    Operator,
    Period,
    Predicate,
    operators_of,
    predicates_of,
)
from shortlist.search.filters.hints import hint_of
from shortlist.search.filters.holding import content_of, fold, holds
from shortlist.search.filters.moments import number_of, span_of
from shortlist.search.filters.syntax import where_of
from shortlist.search.filters.values import equals, value_of_text

__all__ = [
    "OPERATORS",
    "Bound",
    "Operator",
    "Period",
    "Predicate",
    "content_of",
    "equals",
    "fold",
    "hint_of",
    "holds",
    "number_of",
    "operators_of",
    "predicates_of",
    "span_of",
    "value_of_text",
    "where_of",
]
