"""Documents that are not written because their ids belong to other sources."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from shortlist.documents import Source
from shortlist.types import Note

NAMED = 3
"""The number of ids that a note names."""

BLOCKED = ""
"""What the ledger records of a source with such documents. No mark of a file equals it, so the next run reads it."""


@dataclass(frozen=True, slots=True)
class Blocked:
    """A source with documents whose ids belong to other sources.

    `taken` maps each of these ids to its owner. `skipped` is other content that was not read.
    """

    source: Source
    mark: str
    skipped: list[tuple[str, Note]]
    taken: dict[str, str]


def taken_notes(taken: Mapping[str, str]) -> list[Note]:
    """Return one note for each owner of the ids. `taken` maps each id to its owner."""
    ids: dict[str, list[str]] = {}
    for key, owner in taken.items():
        ids.setdefault(owner, []).append(key)
    return [Note("ids_of_other_source", count=len(keys), ids=keys[:NAMED], source=owner) for owner, keys in ids.items()]


def rows_of(note: Note) -> int:
    """Return the number of rows that a note about skipped content stands for."""
    count = note.values["count"] if note.code == "ids_of_other_source" else 1
    return count if isinstance(count, int) else 1
