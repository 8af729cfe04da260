"""Query sets that are made in Python, and not read from a file."""

from __future__ import annotations

from collections.abc import Mapping
from numbers import Real
from typing import Any

from shortlist.errors import InvalidInput
from shortlist.evaluation.query_sets.query_set import QuerySet


def check_types(query_set: QuerySet) -> None:
    """Check that a query set has texts, and a grade for each judged id and snippet.

    Raises:
        InvalidInput: A field is no mapping, a query is no text, or a grade is no number.
    """
    queries: Any = query_set.queries
    if not isinstance(queries, Mapping):
        raise _wrong(query_set, "queries", queries, "a mapping of ids to texts, {'q1': 'when is tax due'}")
    for key, text in queries.items():
        if not isinstance(text, str):
            raise _wrong(query_set, f"queries[{key!r}]", text, "the text of the query")
    for name, example in (("qrels", "'docs/tax.md'"), ("snippets", "'due in April'")):
        judged: Any = getattr(query_set, name)
        if not isinstance(judged, Mapping):
            raise _wrong(query_set, name, judged, f"a mapping of query ids to grades, {{'q1': {{{example}: 1}}}}")
        for key, grades in judged.items():
            _check_grades(query_set, f"{name}[{key!r}]", grades, example)


def _check_grades(query_set: QuerySet, name: str, grades: Any, example: str) -> None:
    if not isinstance(grades, Mapping):
        raise _wrong(query_set, name, grades, f"a mapping to grades, {{{example}: 1}}")
    for item, grade in grades.items():
        if not isinstance(grade, Real):
            raise _wrong(query_set, f"{name}[{item!r}]", grade, "a number as the grade")


def _wrong(query_set: QuerySet, name: str, value: Any, expected: str) -> InvalidInput:
    return InvalidInput(f"{query_set.name}: {name} is {value!r:.80}: give {expected}")
