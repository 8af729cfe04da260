"""The values that a condition of equality has, with the values that count as equal."""

from __future__ import annotations

import json
import math
import re
import unicodedata
from collections.abc import Iterator

from shortlist.errors import InvalidInput
from shortlist.text.normal import normalised
from shortlist.types import Value

NUMBER = re.compile(r"-?(?:0|[1-9][0-9]{0,18})(?:\.[0-9]{1,30})?")
"""Text that equality reads as a number. "007" stays text, because it may be part of a name."""
EXPONENT = re.compile(r"-?(?:0|[1-9][0-9]{0,18})(?:\.[0-9]{1,30})?[eE][+-]?[0-9]{1,3}")
"""Text that equals a number, such as 1e30, and stays text, because it may be part of a name."""
LONGEST_INT = 1024


def value_of_text(text: str) -> Value:
    """Return the number, or true or false, that a text stands for, and the text itself if it stands for none.

    Only the usual form of a number is one: "1.10" and "007" stay text, because a field may hold them as text.
    """
    if text in ("true", "false"):
        return text == "true"
    number: Value = json.loads(text) if NUMBER.fullmatch(text) else text
    return number if json.dumps(number) == text else text


def equals(field: str, value: Value) -> list[Value]:
    """Return the value and its equals: CSV files and front matter have numbers, true and false as text.

    A text has several forms in Unicode, such as one or two characters for an accent. Each form is an equal.

    Raises:
        InvalidInput: The value is not text, a number, true or false.
    """
    if isinstance(value, bool):
        word = str(value)
        return [value, word.lower(), word, word.upper()]
    if isinstance(value, float):
        if not math.isfinite(value):
            raise InvalidInput(f"where: {field} is compared with {value}, which equals no number: give a finite number")
        return [value, str(value), *([str(int(value))] if value.is_integer() else [])]
    if isinstance(value, int):
        if value.bit_length() > LONGEST_INT:
            raise InvalidInput(f"where: {field} is a number of more than {LONGEST_INT} bits, which no passage has")
        return [value, str(value), f"{value}.0"]
    if not isinstance(value, str):
        raise InvalidInput(
            f"where: {field}={value!r} is a {type(value).__name__}; give text, a number, true or false, or a list of "
            "these"
        )
    if value.lower() in ("true", "false"):
        return [value, value.lower() == "true"]
    if NUMBER.fullmatch(value):
        return [value, json.loads(value)]
    if EXPONENT.fullmatch(value) and math.isfinite(float(value)):
        return [value, float(value)]
    return [value] if value.isascii() else list(dict.fromkeys((value, *_forms(value))))


def _forms(text: str) -> Iterator[str]:
    """Yield the forms of a text that stores may have: composed, decomposed, and without compatibility characters."""
    for form in ("NFC", "NFD"):
        yield unicodedata.normalize(form, text)
        yield unicodedata.normalize(form, normalised(text))
