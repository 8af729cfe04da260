"""Ends a run before any of its steps, as a kill does."""

from __future__ import annotations

from shortlist.collection.ledger import Ledger
from shortlist.collection.states import States
from shortlist.indexes.embedded import EmbeddedIndex

STEPS = [
    *((EmbeddedIndex, name) for name in ("add", "delete", "flush")),
    *((Ledger, name) for name in ("begin", "settle", "forget", "finish", "unfinish")),
    *((States, name) for name in ("renew", "replace")),
]
"""The methods that change something on disk."""


def stop_at(patch, number):
    """Raise KeyboardInterrupt before the step with this number, from 0, and before every later one."""
    left = [number]

    def counted(method):
        def step(*args):
            left[0] -= 1
            if left[0] < 0:
                raise KeyboardInterrupt
            return method(*args)

        return step

    for kind, name in STEPS:
        patch.setattr(kind, name, counted(getattr(kind, name)))
