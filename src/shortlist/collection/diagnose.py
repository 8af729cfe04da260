"""The reason for an answer without hits."""

from __future__ import annotations

import numpy as np

from shortlist.protocols import Index, ListsFields
from shortlist.search.filters.unmatched import unknown_field, unmatched
from shortlist.types import Note, Where

SOME = 50
"""The passages whose values a note may show."""


def diagnose(index: Index, dimension: int, where: Where | None = None) -> list[Note]:
    """Return the note that explains an answer without hits: see `shortlist.search.notes`. `where` is the filter.

    If no passage has a field of `where`, the note names the fields that exist. Every passage is read for it if the
    index does not know its fields.
    """
    if not len(index):
        return [Note("index_empty")]
    note = unmatched(
        where,
        lambda conditions: _some(index, dimension, conditions),
        lambda missing: unknown_field(missing, _names(index)),
        lambda: [passage for passage, _ in index.nearest(np.ones(dimension, np.float32), SOME)],
    )
    return [note or Note("no_match")]


def _some(index: Index, dimension: int, where: Where) -> bool:
    """Return whether a passage matches the filter."""
    return bool(index.nearest(np.ones(dimension, np.float32), 1, where))


def _names(index: Index) -> set[str]:
    """Return the names of all metadata."""
    if isinstance(index, ListsFields):
        return index.fields()
    return {name for passage in index.passages() for name in passage.metadata}
