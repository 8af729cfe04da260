"""Documents that are refused, which is to say not written, because their ids belong to other sources."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from shortlist.documents import Source
from shortlist.types import Note

NAMED = 3
"""The number of ids that a note names."""

REFUSED_MARK = ""
"""What the ledger records of a source with such documents. No mark of a file equals it, so the next run reads it."""


@dataclass(frozen=True, slots=True)
class Refused:
    """The refused documents of a source.

    `owners` maps the id of each one to the source that the id belongs to. `skipped` is other content that was not read.
    `mark` is that of the source if none is refused.
    """

    source: Source
    mark: str
    skipped: list[tuple[str, Note]]
    owners: dict[str, str]


def refused_notes(owners: Mapping[str, str]) -> list[Note]:
    """Return one note for each owner of refused ids. `owners` maps each id to its owner."""
    ids: dict[str, list[str]] = {}
    for key, owner in owners.items():
        ids.setdefault(owner, []).append(key)
    return [Note("ids_of_other_source", count=len(keys), ids=keys[:NAMED], source=owner) for owner, keys in ids.items()]


def row_count(note: Note) -> int:
    """Return the number of rows that a note about skipped content stands for."""
    count = note.values["count"] if note.code == "ids_of_other_source" else 1
    return count if isinstance(count, int) else 1
