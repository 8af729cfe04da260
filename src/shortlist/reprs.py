"""Short reprs of objects that contain too much to print."""

from __future__ import annotations

import reprlib
from collections.abc import Mapping

LONGEST = 60
"""The longest text in a repr, in characters."""

_short = reprlib.Repr()
_short.maxstring = _short.maxother = LONGEST
_short.maxlist = _short.maxtuple = _short.maxdict = 8


def short_repr(item: object, label: object, facts: Mapping[str, object]) -> str:
    """Return a repr such as "<QuerySet 'faq' queries=30 judgments=45>". Without a label, `label` is None."""
    name = type(item).__name__
    parts = [name, *([] if label is None else [short(label)]), *(f"{key}={short(fact)}" for key, fact in facts.items())]
    return f"<{' '.join(parts)}>"


def short(value: object) -> str:
    """Return the repr of a value with at most about 60 characters of each text, and numbers of four digits."""
    return f"{value:.4g}" if isinstance(value, float) else _short.repr(value)
