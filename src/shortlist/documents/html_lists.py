"""The numbers of the items of HTML lists: "3.", "b.", "iv.", and "-" for an item without a number."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from shortlist.documents.numerals import numeral

if TYPE_CHECKING:
    from bs4 import Tag

_LISTS = ("ol", "ul", "menu", "dir")
_NUMBER = re.compile(r"\s*([+-]?\d{1,9})")
_STYLE = re.compile(r"list-style(?:-type)?\s*:\s*([^;]*)", re.IGNORECASE)
_FORMS = {
    "1": "decimal",
    "a": "lowerLetter",
    "A": "upperLetter",
    "i": "lowerRoman",
    "I": "upperRoman",
    "decimal": "decimal",
    "decimal-leading-zero": "decimalZero",
    **dict.fromkeys(("lower-alpha", "lower-latin"), "lowerLetter"),
    **dict.fromkeys(("upper-alpha", "upper-latin"), "upperLetter"),
    "lower-roman": "lowerRoman",
    "upper-roman": "upperRoman",
    **dict.fromkeys(("none", "disc", "circle", "square"), ""),
}
"""The values of the attribute `type` and of `list-style-type`, and the form of the number ("": none)."""


class ListNumbers:
    """Gives each item of the lists of a page its number, in document order.

    The attributes `start`, `reversed`, `type` and `value` count, and `list-style-type` in the attribute `style`.
    """

    def __init__(self) -> None:
        self._next: dict[int, int] = {}
        self._lists: dict[int, Tag | None] = {}
        self._labels: dict[int, str] = {}

    def label(self, item: Tag) -> str:
        """Return the number of an item with a point, or "-". The first calls are in document order."""
        if id(item) not in self._labels:
            self._labels[id(item)] = self._label(item)
        return self._labels[id(item)]

    def _label(self, item: Tag) -> str:
        owner = self._list_of(item)
        if owner is None or owner.name != "ol":
            return "-"
        step = -1 if owner.has_attr("reversed") else 1
        count = _number(item, "value")
        if count is None:
            count = self._next[id(owner)] if id(owner) in self._next else self._first(owner)
        self._next[id(owner)] = count + step
        form = _form(item, _form(owner, "decimal"))
        return f"{numeral(count, form)}." if form else "-"

    def _list_of(self, item: Tag) -> Tag | None:
        """Return the list of an item. Without end tags, the parser nests an item in the item before it."""
        owner: Tag | None = None
        for parent in item.parents:
            if parent.name in _LISTS:
                owner = parent
                break
            if id(parent) in self._lists:
                owner = self._lists[id(parent)]
                break
        self._lists[id(item)] = owner
        return owner

    def _first(self, owner: Tag) -> int:
        start = _number(owner, "start")
        if start is not None or not owner.has_attr("reversed"):
            return 1 if start is None else start
        return sum(item.find_parent(_LISTS) is owner for item in owner.find_all("li"))


def _number(tag: Tag, name: str) -> int | None:
    number = _NUMBER.match(str(tag.get(name, "")))
    return int(number[1]) if number else None


def _form(tag: Tag, default: str) -> str:
    style = _STYLE.search(str(tag.get("style", "")))
    words = style[1].lower().split() if style else []
    named = [_FORMS[word] for word in words if word in _FORMS]
    return named[-1] if named else _FORMS.get(str(tag.get("type", "")).strip(), default)
