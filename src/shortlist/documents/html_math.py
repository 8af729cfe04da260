"""Equations of pages (MathML) as one line of text: "E=mc^2", "(a+b)/2", "√(x+1)"."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bs4 import Tag

_DEEPEST = 50
_ONE = re.compile(r"\w|[\d.,]+|\([^()]*\)")
_DROPPED = ("annotation", "annotation-xml", "mphantom")


def math_text(tag: Tag, depth: int = 0) -> str:
    """Return an equation as text. Deeply nested parts, and unknown elements, are the text in them."""
    from bs4 import Tag

    if depth > _DEEPEST or tag.name in ("mi", "mn", "mo", "ms", "mtext"):
        return " ".join(tag.get_text().split())
    parts = [
        math_text(child, depth + 1) for child in tag.contents if isinstance(child, Tag) and child.name not in _DROPPED
    ]
    first, second, *_ = [*parts, "", ""]
    match tag.name, len(parts):
        case "mfrac", 2:
            return f"{_grouped(first)}/{_grouped(second)}"
        case (("msup" | "mover"), 2):
            return f"{_grouped(first)}^{_grouped(second)}" if tag.name == "msup" else f"{first}{second}"
        case (("msub" | "munder"), 2):
            return f"{_grouped(first)}_{_grouped(second)}"
        case (("msubsup" | "munderover"), 3):
            limits = f"{_grouped(first)}_{_grouped(second)}^{_grouped(parts[2])}"
            return limits if tag.name == "msubsup" else f"{limits} "
        case "msqrt", _:
            return f"√{_grouped(''.join(parts))}"
        case "mroot", 2:
            return f"{_grouped(first)}^(1/{second})"
        case "mtable", _:
            return f"[{'; '.join(parts)}]"
        case (("mtr" | "mlabeledtr"), _):
            return ", ".join(parts)
        case _:
            return "".join(parts) if parts else " ".join(tag.get_text().split())


def _grouped(text: str) -> str:
    return text if len(text) < 2 or _ONE.fullmatch(text) else f"({text})"
