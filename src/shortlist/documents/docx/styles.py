"""What the style of a Word paragraph says: whether it is a heading, and which list it belongs to."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from shortlist.documents.docx.numbers import W

_HEADING = re.compile(r"heading ([1-9])")
_BODY_TEXT = 9


@dataclass(frozen=True)
class Style:
    """A paragraph style: its name in lower case, its heading level (0: none), its list and the level in the list."""

    name: str = ""
    heading: int = 0
    list_id: str | None = None
    list_level: int | None = None


_NONE = Style()


@dataclass
class Styles:
    """The paragraph styles of a document by their id. A style inherits from the style that it is based on."""

    elements: dict[str, Any] = field(default_factory=dict)
    known: dict[str, Style] = field(default_factory=dict)

    @classmethod
    def of(cls, root: Any) -> Styles:
        """Return the styles of the part for styles."""
        return cls({style.get(f"{W}styleId", ""): style for style in root.iter(f"{W}style")})

    def get(self, key: str) -> Style:
        """Return a style, or one without properties if there is none with this id."""
        if key not in self.known:
            chain: list[Any] = []
            name = key
            while name in self.elements and self.elements[name] not in chain:
                chain.append(self.elements[name])
                name = value(chain[-1], "basedOn")
            style = _NONE
            for element in reversed(chain):
                style = _inherited(style, element)
            self.known[key] = style
        return self.known[key]


def _inherited(style: Style, element: Any) -> Style:
    name = value(element, "name").lower()
    heading = _HEADING.fullmatch(name)
    properties = element.find(f"{W}pPr")
    level = int(heading[1]) if heading else (1 if name == "title" else style.heading)
    list_id, list_level = style.list_id, style.list_level
    if properties is not None:
        if not heading:
            level = outline_level(properties, level)
        own_id, own_level = list_of(properties)
        list_id = list_id if own_id is None else own_id
        list_level = list_level if own_level is None else own_level
    return Style(name, level, list_id, list_level)


def outline_level(properties: Any, default: int) -> int:
    """Return the heading level that paragraph properties name: 1 to 9, or 0 for body text."""
    number = value(properties, "outlineLvl")
    if not number.isdecimal():
        return default
    return 0 if int(number) >= _BODY_TEXT else int(number) + 1


def list_of(properties: Any) -> tuple[str | None, int | None]:
    """Return the list and the level that paragraph properties name, each None if they name none."""
    numbering = properties.find(f"{W}numPr")
    if numbering is None:
        return None, None
    level = value(numbering, "ilvl")
    key = numbering.find(f"{W}numId")
    return None if key is None else key.get(f"{W}val", ""), int(level) if level.isdecimal() else None


def value(element: Any, name: str) -> str:
    """Return the value of a child element, or "" without it."""
    child = element.find(W + name)
    return "" if child is None else str(child.get(f"{W}val", ""))
