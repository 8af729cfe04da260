"""Why no passage matches a filter: a field that no passage has, an empty range, or other values."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from operator import itemgetter
from typing import Any

from shortlist.search.filters.conditions import predicates_of
from shortlist.search.filters.hints import hint_of
from shortlist.types import Note, Passage, Where

SHOWN = 20
"""The most fields that a note names."""
VALUES = 5
"""The most values that a note shows."""
LONGEST_VALUE = 60
"""The most characters of a value that a note shows."""
OWN_FIELDS = ("document_id", "title")
"""The fields that every passage has in addition to its metadata."""


def unknown_field(
    where: Where | Iterable[str],
    names: Iterable[str],
    others: Iterable[str] = (),
    read: int | None = None,
    own: Iterable[str] = OWN_FIELDS,
) -> Note | None:
    """Return the note about the first field of a filter that no passage has, or None if each field exists.

    Args:
        where: The filter, or some of its fields.
        names: The names of the metadata of the passages.
        others: Fields that a filter can have and the note does not name, such as the text.
        read: The number of passages that have these names, if there are more passages.
        own: Fields that a filter can have in addition to the metadata. The note names them, too.
    """
    known = sorted({*own, *names})
    unknown = next((field for field in where if field not in {*known, *others}), None)
    if unknown is None:
        return None
    more = max(0, len(known) - SHOWN)
    part = {} if read is None else {"read": read}
    return Note("filter_unknown_field", field=unknown, fields=known[:SHOWN], more=more, **part)


def unmatched(
    where: Where | None,
    some: Callable[[Where], bool],
    unknown: Callable[[list[str]], Note | None],
    passages: Callable[[], Iterable[Passage]],
) -> Note | None:
    """Return the note about a filter that no passage matches, or None if a passage matches it.

    Args:
        where: The filter. None, or an empty one, matches every passage.
        some: Returns whether a passage matches a filter.
        unknown: Returns the note about the first of these fields that no passage has, or None. No passage matches a
            condition on one of these fields.
        passages: Returns some passages. The note shows their values of the field.
    """
    if not where or some(where):
        return None
    missing = [field for field, value in where.items() if not some({field: value})]
    if not missing:
        return Note("filter_no_overlap")
    return unknown(missing) or _empty_range(where, missing) or _unknown_value(where, missing[0], passages())


def _unknown_value(where: Where, field: str, passages: Iterable[Passage]) -> Note:
    """Return the note about a field whose conditions no passage meets, with some values of the field."""
    values: list[Any] = []
    for passage in passages:
        content = getattr(passage, field) if field in OWN_FIELDS else passage.metadata.get(field)
        values += content if isinstance(content, list | tuple) else [content]
    short = [value[:LONGEST_VALUE] if isinstance(value, str) else value for value in values if value not in (None, "")]
    tests = predicates_of({field: where[field]})
    facts = {"conditions": [test.label for test in tests], "values": list(dict.fromkeys(short))[:VALUES]}
    return Note("filter_unknown_value", field=field, **facts, **hint_of(tests, values))


def _empty_range(where: Where, fields: Iterable[str]) -> Note | None:
    """Return the note about the first of these fields whose limits no single value is within, or None."""
    for field in fields:
        orders = [test for test in predicates_of({field: where[field]}) if test.is_order]
        for kind in ("number", "moment"):
            limits = [(test, bound) for test in orders if (bound := getattr(test, kind)) is not None]
            lower = [(bound.value, bound.operator == "gt", test) for test, bound in limits if "gt" in bound.operator]
            upper = [(-bound.value, bound.operator == "lt", test) for test, bound in limits if "lt" in bound.operator]
            if not lower or not upper or len(limits) < len(orders):
                continue
            least, most = (max(side, key=itemgetter(0, 1)) for side in (lower, upper))
            if least[0] > -most[0] or (least[0] == -most[0] and (least[1] or most[1])):
                return Note("filter_empty_range", field=field, conditions=[least[2].label, most[2].label])
    return None
