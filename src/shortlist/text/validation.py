"""Queries and texts from callers: checked, and in a form that every tokenizer accepts."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import TypeVar

from shortlist.errors import InvalidInput
from shortlist.text.normal import normalised

Item = TypeVar("Item")

SURROGATE = re.compile("[\ud800-\udfff]")
"""Half of a surrogate pair on its own: it is not a character, and UTF-8 cannot encode it."""


def sound(text: str) -> str:
    """Return the text with U+FFFD in place of each half of a surrogate pair. Its length does not change."""
    if text.isascii():
        return text
    try:
        text.encode()  # a tenth of the time of a search for surrogates
    except UnicodeEncodeError:
        return SURROGATE.sub("\ufffd", text)
    return text


def item_name(noun: str, place: int, total: int | None) -> str:
    """Return the name of an item for a message, such as "text 3 of 5". `place` counts from 0, and the name from 1.

    `total` is None if the number of items is unknown.
    """
    return f"{noun} {place + 1} {'(counted from 1)' if total is None else f'of {total}'}"


def checked_text(text: str, what: str = "query") -> str:
    """Return the text in the form of `sound`. `what` names it in errors.

    Raises:
        InvalidInput: It is not a string, or it has only white space.
    """
    if not isinstance(text, str):
        raise InvalidInput(f"the {what} is of type {type(text).__name__}: give a string")
    if not text.strip():
        raise InvalidInput(f"the {what} is empty: give at least one word")
    return sound(text)


def checked_texts(texts: Iterable[str]) -> list[str]:
    """Return the texts as a list, each in the form of `sound`. No texts give an empty list.

    Raises:
        InvalidInput: As `checked_list`, or an item is not a string.
    """
    items = checked_list(texts)
    for place, text in enumerate(items):
        if not isinstance(text, str):
            name = item_name("text", place, len(items))
            raise InvalidInput(f"{name} is of type {type(text).__name__}: give strings")
    return [sound(text) for text in items]


def model_text(text: str) -> str:
    """Return the text as a model reads it: in the forms of `sound` and of `normalised`.

    A text of invisible characters alone stays, because some services refuse an empty text.
    """
    text = sound(text)
    return normalised(text) or text


def model_texts(texts: Iterable[str]) -> list[str]:
    """Return the texts as a model reads them: see `model_text`. No texts give an empty list.

    Raises:
        InvalidInput: As `checked_texts`.
    """
    return [model_text(text) for text in checked_texts(texts)]


def checked_list(items: Iterable[Item]) -> list[Item]:
    """Return the items of an iterable, such as a list, a generator or the values of a dict.

    Raises:
        InvalidInput: `items` is a string, a dict, or not iterable.
    """
    if isinstance(items, str):
        raise InvalidInput(f"a string is given in place of a list of texts: put it into a list, [{items[:40]!r}]")
    if isinstance(items, bytes | Mapping) or not isinstance(items, Iterable):
        raise InvalidInput(f"a {type(items).__name__} is given in place of a list of texts: give a list")
    return list(items)
