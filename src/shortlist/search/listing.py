"""All passages of a retriever or a store, and the rows that are left out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TypeAlias

from shortlist.types import Note, Passage

LeftOut: TypeAlias = Callable[[Note], None]
"""Is called with a note for each row that is left out: see `shortlist.documents.notes`."""


def listed_by(retriever: object) -> Iterator[Passage] | None:
    """Return every passage of a retriever or a store, or None if it cannot list its passages.

    A retriever lists its passages by a method `passages`, or it searches a store or an index that does.
    """
    for part in (retriever, getattr(retriever, "index", None)):
        listing = getattr(part, "passages", None)
        passages = listing() if callable(listing) else None
        if isinstance(passages, Iterable):
            return iter(passages)
    return None


def distinct(passages: Iterable[Passage], left_out: LeftOut | None = None) -> Iterator[Passage]:
    """Yield the first passage of each id, and call `left_out` for each of the others."""
    ids: set[str] = set()
    for passage in passages:
        if passage.id not in ids:
            ids.add(passage.id)
            yield passage
        elif left_out is not None:
            left_out(Note("repeated_row", id=passage.id))
