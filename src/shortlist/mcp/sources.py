"""The tool `sources`: what an index holds, in pages."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from shortlist.collection import IndexedSource
from shortlist.errors import InvalidInput
from shortlist.redaction import Names

MAX_SOURCES = 1000
"""The most sources of one answer."""

NO_SOURCES = "{name} has no list of sources: only an index has one"


def listed(
    sources: Sequence[IndexedSource], names: Names | None, limit: int, offset: int, contains: str | None
) -> dict[str, Any]:
    """Return the answer of the tool `sources`: a page of the sources, sorted by name, and the numbers of all of them.

    `contains` leaves out the sources whose name, as the answer shows it, lacks this text in any case. `next_offset` is
    None after the last page.
    """
    rows = [{**source.to_dict(), "name": names.shown(source.name) if names else source.name} for source in sources]
    part = "" if contains is None else contains.casefold()
    matching = sorted((row for row in rows if part in row["name"].casefold()), key=lambda row: str(row["name"]))
    following = offset + limit
    return {
        "sources": matching[offset:following],
        "total": len(matching),
        "offset": offset,
        "next_offset": following if following < len(matching) else None,
        "documents": sum(row["documents"] for row in matching),
        "passages": sum(row["passages"] for row in matching),
        "notes": [],
    }


def check_page(limit: int, offset: int) -> None:
    """Check the bounds of a page.

    Raises:
        InvalidInput: `limit` is below 1 or above 1000, or `offset` is below 0.
    """
    if not 1 <= limit <= MAX_SOURCES:
        raise InvalidInput(f"limit is {limit}: use 1 to {MAX_SOURCES}", field="limit")
    if offset < 0:
        raise InvalidInput(f"offset is {offset}: use 0 or more", field="offset")
