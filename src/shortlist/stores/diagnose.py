"""The reason for an answer without hits."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice

import numpy as np

from shortlist.errors import StoreError
from shortlist.search.filters import content_of, holds, number_of, predicates_of
from shortlist.search.filters.unmatched import unknown_field, unmatched
from shortlist.stores.filters import EVERY
from shortlist.stores.open_store import OpenStore
from shortlist.stores.store import Facts
from shortlist.types import Note, Passage, Where

READ = 1000
"""The passages that are read to see whether the fields of a filter exist."""


def diagnose(store: OpenStore, where: Where | None = None) -> list[Note]:
    """Return the note that explains an answer without hits: see `shortlist.search.notes`. `where` is the filter.

    With a filter, the first passages are read, if the store can list them. If the store has vectors, queries with parts
    of the filter show which field has no such value.
    """
    note: Note | None = None
    try:
        if not len(store):
            return [Note("store_empty", store=store.name)]
        if where:
            note = _of_filter(store, where)
    except StoreError:  # the search itself worked, and a key may not allow a listing
        pass
    return [note or Note("no_match")]


def _of_filter(store: OpenStore, where: Where) -> Note | None:
    passages = store.passages(lambda row: None)
    first = list(islice(passages, READ)) if passages is not None else []
    if passages is not None and first:
        read = None if next(passages, None) is None else READ
        names = {name for row in first for name in row.metadata}
        own, others = _fields(store.facts)
        note = unknown_field(where, names, others, read, own)
        if note is None and store.facts.operators != EVERY:  # stores with every operator read numbers in texts, too
            note = _text_number(where, first)
        if note is not None:
            return note
    if not store.dimension:
        return None
    probe = np.full(store.dimension, store.dimension**-0.5, np.float32)
    return unmatched(where, lambda part: bool(store.nearest(probe, 1, part)), lambda missing: None, lambda: first)


def _fields(facts: Facts) -> tuple[Sequence[str], Sequence[str]]:
    """The fields that a filter reads beside the metadata: by the store's names, and by others, which no note shows."""
    fields = facts.fields
    names = (fields.id or facts.key, fields.title, fields.document_id)
    ours = {"title": fields.title, "document_id": fields.document_id or fields.id}
    others = (fields.text, facts.key, *(name for name, field in ours.items() if field))
    return tuple(filter(None, names)), others


def _text_number(where: Where, passages: Sequence[Passage]) -> Note | None:
    """Return the note about an order that a passage meets by a number in a text."""
    for order in predicates_of(where):
        if order.number is None:
            continue
        for passage in passages:
            content = content_of(passage.metadata, order.field)
            values = content if isinstance(content, list) else [content]
            if any(isinstance(value, str) and number_of(value) is not None and holds(order, value) for value in values):
                return Note("filter_other_type", field=order.field, condition=order.label)
    return None
