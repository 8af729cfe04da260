"""Fields of a filter that no passage has."""

from __future__ import annotations

from collections.abc import Iterable

from shortlist.types import Note, Passage, Where

SHOWN = 20
"""The most fields that a note names."""
OWN_FIELDS = ("document_id", "title")
"""The fields that every passage has in addition to its metadata."""


def unknown_field(
    where: Where | Iterable[str], passages: Iterable[Passage], others: Iterable[str] = (), read: int | None = None
) -> Note | None:
    """Return the note about the first field of a filter that no passage has, or None if each field exists.

    Args:
        where: The filter, or some of its fields.
        passages: The passages whose fields are compared.
        others: Fields that a filter can have in addition to the metadata.
        read: The number of `passages`, if there are more passages than these.
    """
    known = sorted({*OWN_FIELDS, *(name for passage in passages for name in passage.metadata)})
    unknown = next((field for field in where if field not in {*known, *others}), None)
    if unknown is None:
        return None
    more = max(0, len(known) - SHOWN)
    part = {} if read is None else {"read": read}
    return Note("filter_unknown_field", field=unknown, fields=known[:SHOWN], more=more, **part)
