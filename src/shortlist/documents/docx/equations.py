"""Equations of office files (Office MathML) as one line of text: "8λL/(gπ²D⁵)", "√(x+1)", "∑_(i=1)^n i"."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

M = "{http://schemas.openxmlformats.org/officeDocument/2006/math}"
_W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"

_RAISED = dict(zip("0123456789+-\u2212=()ni", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁻⁼⁽⁾ⁿⁱ", strict=True))
_LOWERED = dict(zip("0123456789+-\u2212=()", "₀₁₂₃₄₅₆₇₈₉₊₋₋₌₍₎", strict=True))
_SUM = re.compile(r"[\s+\-\u2212±=<>≤≥≠≈→,;/∑∫∏]")
_ONE = re.compile(r"\w[⁰¹²³⁴⁵⁶⁷⁸⁹ⁿⁱ₀₁₂₃₄₅₆₇₈₉\u0300-\u036f]*|[\d.,]+|\([^()]*\)|√\w")
_ENDS = re.compile(r"[\w)\]⁰¹²³⁴⁵⁶⁷⁸⁹]$")
_BEGINS = re.compile(r"^[\w(√∑∫∏]")


def equation(element: Any) -> str:
    """Return an element of an equation as text, with the text of everything in it."""
    name: str = element.tag[len(M) :] if isinstance(element.tag, str) and element.tag.startswith(M) else ""
    if name == "t" or element.tag == f"{_W}t":
        return str(element.text or "")
    if name.endswith("Pr"):
        return ""
    form = _FORMS.get(name)
    return form(element) if form else _together(element)


def _together(element: Any) -> str:
    """Return the parts after each other, with a space between a fraction or a root and a letter next to it."""
    text = ""
    spaced = False
    for child in element:
        part = equation(child)
        wide = isinstance(child.tag, str) and child.tag in _WIDE
        if part and text and (wide or spaced) and _ENDS.search(text) and _BEGINS.match(part):
            text += " "
        text += part
        spaced = wide if part else spaced
    return text


def _part(element: Any, name: str) -> str:
    child = element.find(M + name)
    return "" if child is None else _together(child).strip()


def _property(element: Any, name: str, default: str) -> str:
    """Return the value of a property. A property without a value is an empty string."""
    for properties in element:
        if isinstance(properties.tag, str) and properties.tag.endswith("Pr"):
            child = properties.find(M + name)
            if child is not None:
                return str(child.get(f"{M}val", ""))
    return default


def _group(text: str, simple: re.Pattern[str] = _ONE) -> str:
    return text if not text or simple.fullmatch(text) else f"({text})"


def _fraction(element: Any) -> str:
    above, below = _part(element, "num"), _part(element, "den")
    if _property(element, "type", "bar") == "noBar":
        return f"({above} over {below})"
    return f"{f'({above})' if _SUM.search(above) else above}/{_group(below)}"


def _script(text: str, characters: Mapping[str, str], mark: str) -> str:
    if not text:
        return ""
    if all(character in characters for character in text):
        return "".join(characters[character] for character in text)
    return f"{mark}{_group(text)}"


def _scripts(element: Any) -> str:
    base = _part(element, "e")
    base = f"({base})" if _SUM.search(base) else base
    return base + _script(_part(element, "sub"), _LOWERED, "_") + _script(_part(element, "sup"), _RAISED, "^")


def _before(element: Any) -> str:
    scripts = _script(_part(element, "sup"), _RAISED, "^") + _script(_part(element, "sub"), _LOWERED, "_")
    return scripts + _part(element, "e")


def _root(element: Any) -> str:
    degree = "" if _property(element, "degHide", "0") in ("", "1", "on", "true") else _part(element, "deg")
    return f"{_script(degree, _RAISED, '^')}√{_group(_part(element, 'e'))}"


def _large_operator(element: Any) -> str:
    sign = _property(element, "chr", "∫")
    limits = _script(_part(element, "sub"), {}, "_") + _script(_part(element, "sup"), {}, "^")
    return f"{sign}{limits} {_part(element, 'e')}".rstrip()


def _brackets(element: Any) -> str:
    separator = _property(element, "sepChr", "|")
    inside = separator.join(_together(child).strip() for child in element.findall(f"{M}e"))
    return _property(element, "begChr", "(") + inside + _property(element, "endChr", ")")


def _function(element: Any) -> str:
    name, argument = _part(element, "fName"), _part(element, "e")
    return f"{name}{argument}" if argument.startswith(("(", "[")) else f"{name} {argument}"


def _limit(element: Any) -> str:
    mark = "_" if element.tag == f"{M}limLow" else "^"
    return f"{_part(element, 'e')}{_script(_part(element, 'lim'), {}, mark)}"


def _accent(element: Any) -> str:
    sign = _property(element, "chr", "\u0302")
    base = _part(element, "e")
    return base + sign if len(base) == 1 else f"({base}){sign}"


def _bar(element: Any) -> str:
    base = _part(element, "e")
    return f"{base}\u0305" if len(base) == 1 else f"({base})\u0305"


def _lines(element: Any) -> str:
    return "; ".join(_together(child).strip() for child in element.findall(f"{M}e"))


def _matrix(element: Any) -> str:
    rows = (", ".join(_together(cell).strip() for cell in row.findall(f"{M}e")) for row in element.findall(f"{M}mr"))
    return f"[{'; '.join(rows)}]"


_FORMS: Mapping[str, Callable[[Any], str]] = {
    "f": _fraction,
    "sSup": _scripts,
    "sSub": _scripts,
    "sSubSup": _scripts,
    "sPre": _before,
    "rad": _root,
    "nary": _large_operator,
    "d": _brackets,
    "func": _function,
    "limLow": _limit,
    "limUpp": _limit,
    "acc": _accent,
    "bar": _bar,
    "eqArr": _lines,
    "m": _matrix,
}
_WIDE = frozenset({f"{M}f", f"{M}rad", f"{M}nary", f"{M}func"})
