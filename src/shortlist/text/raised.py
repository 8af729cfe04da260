"""Raised characters in text without formats: 2 with a raised 48 is "2^48", not "248"."""

from __future__ import annotations

import re

_POWER = re.compile(r"[-+\u2212]?\d{1,6}|[A-Za-z]")


def raised(before: str, text: str) -> str:
    """Return raised text as it stands after other text.

    A number or a single letter gets a "^" if it follows a letter, a digit or a bracket, because it is a power, a unit
    or the mark of a note. Other raised text, such as the "st" of "1st", stays as it is.
    """
    power = _POWER.fullmatch(text.strip()) and (before[-1:].isalnum() or before[-1:] in (")", "]"))
    return f"^{text.strip()}" if power else text
