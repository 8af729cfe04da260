"""The reason for an answer without hits."""

from __future__ import annotations

from itertools import islice

from shortlist.errors import StoreError
from shortlist.search.unknown_field import unknown_field
from shortlist.stores.open_store import OpenStore
from shortlist.types import Note, Where

READ = 1000
"""The passages that are read to see whether the fields of a filter exist."""


def diagnose(store: OpenStore, where: Where | None = None) -> list[Note]:
    """Return the note that explains an answer without hits: see `shortlist.search.notes`. `where` is the filter.

    With a filter, the first passages are read, if the store can list them.
    """
    note: Note | None = None
    try:
        passages = store.passages(lambda row: None) if where else None
        if where and passages is not None:
            first = list(islice(passages, READ))
            read = None if next(passages, None) is None else READ
            note = (
                unknown_field(where, {name for row in first for name in row.metadata}, store.other_fields, read)
                if first
                else None
            )
    except StoreError:  # the search itself worked, and a key may not allow a listing
        pass
    return [note or Note("no_match")]
