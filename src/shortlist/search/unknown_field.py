"""Fields of a filter that no passage has."""

from __future__ import annotations

from collections.abc import Iterable

from shortlist.types import Note, Where

SHOWN = 20
"""The most fields that a note names."""
OWN_FIELDS = ("document_id", "title")
"""The fields that every passage has in addition to its metadata."""


def unknown_field(
    where: Where | Iterable[str], names: Iterable[str], others: Iterable[str] = (), read: int | None = None
) -> Note | None:
    """Return the note about the first field of a filter that no passage has, or None if each field exists.

    Args:
        where: The filter, or some of its fields.
        names: The names of the metadata of the passages.
        others: Fields that a filter can have in addition to the metadata.
        read: The number of passages that have these names, if there are more passages.
    """
    known = sorted({*OWN_FIELDS, *names})
    unknown = next((field for field in where if field not in {*known, *others}), None)
    if unknown is None:
        return None
    more = max(0, len(known) - SHOWN)
    part = {} if read is None else {"read": read}
    return Note("filter_unknown_field", field=unknown, fields=known[:SHOWN], more=more, **part)
