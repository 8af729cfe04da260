"""Short forms of objects and numbers that contain too much to print."""

from __future__ import annotations

import math
import reprlib
import sys
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

LONGEST = 60
"""The longest text in a repr, in characters."""
PLAIN = 10**15
"""A number from here on is shown with an exponent."""

_short = reprlib.Repr()
_short.maxstring = _short.maxother = LONGEST
_short.maxlist = _short.maxtuple = _short.maxdict = 8


def short_repr(item: object, label: object, facts: Mapping[str, object]) -> str:
    """Return a repr such as "<QuerySet 'faq' queries=30 judgments=45>". Without a label, `label` is None."""
    name = type(item).__name__
    parts = [name, *([] if label is None else [short(label)]), *(f"{key}={short(fact)}" for key, fact in facts.items())]
    return f"<{' '.join(parts)}>"


def changed_repr(item: Any) -> str:
    """Return the call that makes a dataclass by keywords, with the fields that differ from their default values."""
    values = [
        (each.name, getattr(item, each.name)) for each in fields(item) if getattr(item, each.name) != each.default
    ]
    return f"{type(item).__name__}({', '.join(f'{name}={value!r}' for name, value in values)})"


def short(value: object) -> str:
    """Return the repr of a value with at most about 60 characters of each text, and numbers of four digits."""
    return f"{value:.4g}" if isinstance(value, float) else _short.repr(value)


def short_number(number: float) -> str:
    """Return a number for a message, a very large one in short: "12", "1e+300", "a number above 1e+308"."""
    if not abs(number) >= PLAIN or number in (math.inf, -math.inf):
        return str(number)
    if abs(number) > sys.float_info.max:
        return "a number above 1e+308" if number > 0 else "a number below -1e+308"
    return f"{float(number):g}"
