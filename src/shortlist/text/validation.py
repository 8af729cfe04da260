"""Queries and texts as callers give them: checked, and in a form that every tokenizer takes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import TypeVar

from shortlist.errors import InvalidInput

Item = TypeVar("Item")

SURROGATE = re.compile("[\ud800-\udfff]")
"""Half of a surrogate pair standing alone: no character, and UTF-8 can't hold it."""


def sound(text: str) -> str:
    """The text with U+FFFD for each half of a surrogate pair; as long as before."""
    return SURROGATE.sub("\ufffd", text)


def checked_text(text: str, what: str = "query") -> str:
    """The query, or whatever else `what` says it is, as `sound` gives it.

    Raises:
        InvalidInput: It is no string, or holds nothing but white space.
    """
    if not isinstance(text, str):
        raise InvalidInput(f"the {what} is of type {type(text).__name__}: give a string")
    if not text.strip():
        raise InvalidInput(f"the {what} is empty: give at least one word")
    return sound(text)


def checked_texts(texts: Iterable[str]) -> list[str]:
    """The texts of any iterable, each as `sound` gives it; none give an empty list.

    Raises:
        InvalidInput: As `checked_list`, or one is no string.
    """
    given = checked_list(texts)
    for place, text in enumerate(given):
        if not isinstance(text, str):
            raise InvalidInput(f"text {place} is of type {type(text).__name__}: give strings")
    return [sound(text) for text in given]


def checked_list(given: Iterable[Item]) -> list[Item]:
    """What any iterable holds, such as a list, a generator or the values of a dict.

    Raises:
        InvalidInput: One string or one dict was given instead, or what can't be iterated over.
    """
    if isinstance(given, str):
        raise InvalidInput(f"one string was given where a list of texts is meant: put it into one, [{given[:40]!r}]")
    if isinstance(given, bytes | Mapping) or not isinstance(given, Iterable):
        raise InvalidInput(f"one {type(given).__name__} was given where a list of texts is meant: give a list")
    return list(given)
