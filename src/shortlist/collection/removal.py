"""Documents out of an index, safe to kill at any moment."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from shortlist.collection.ledger import Entry

if TYPE_CHECKING:
    from shortlist.collection.collection import Collection


def drop(collection: Collection, entries: Sequence[Entry]) -> None:
    """Remove these documents and their passages. Until that is done, the ledger records all of them as pending.

    Raises:
        IndexWriteFailed: The disk is full or failing; the same call continues.
    """
    collection.ledger.begin(entries)
    collection.index.delete(key for entry in entries for key in entry.passages)
    collection.index.flush()
    collection.ledger.forget(entry.id for entry in entries)
