"""What the style sheets in a page hide: elements that a rule such as `.note{display:none}` names."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from bs4 import BeautifulSoup, Tag

_COMMENT = re.compile(r"/\*.*?(?:\*/|\Z)|<!--|-->", re.DOTALL)
_RULE = re.compile(r"([^{}]*)([{}])")
_PROPERTY = re.compile(r"(?:^|;)\s*(display|visibility|content-visibility)\s*:\s*([a-z-]+)", re.IGNORECASE)
_HIDES = frozenset({("display", "none"), ("visibility", "hidden"), ("visibility", "collapse")})
_SIMPLE = re.compile(r"([a-zA-Z][\w-]*)?((?:[.#][\w-]+)+)")
_NAME = re.compile(r"[.#][\w-]+")
_PRINT = re.compile(r"@media\s+(?:only\s+)?print\b|@(?:page|font-face|(?:-\w+-)?keyframes)", re.IGNORECASE)


class _Selector(NamedTuple):
    """A tag ("": any) with an id or classes, each with its mark: "#menu", ".note"."""

    tag: str
    names: frozenset[str]


def hidden_by_styles(page: BeautifulSoup) -> list[Tag]:
    """Return the elements that a rule with simple selectors (a class or an id) hides.

    A reader may see an element later if another rule or a script of the page has its class or id, such as a tab or an
    answer that opens. Such an element is not hidden. If the rules hide more than half of the text, a script shows it,
    and the list is empty.
    """
    hiding, shown = _selectors(page)
    scripts = "\n".join(script.get_text() for script in page.find_all("script")) if hiding else ""
    used = set(re.findall(r"[\w-]+", scripts))
    hiding = {selector for selector in hiding if not any(n in shown or n[1:] in used for n in selector.names)}
    if not hiding:
        return []
    tags = [tag for tag in page.find_all(True) if tag.attrs and _is_named(tag, hiding)]
    outer = [tag for tag in tags if not any(parent in tags for parent in tag.parents)] if len(tags) < _MANY else tags
    return tags if 2 * sum(map(_length, outer)) <= _length(page) else []


_MANY = 200
"""With more elements, no element is looked for in another."""


def _length(tag: Tag) -> int:
    return len("".join(tag.get_text().split()))


def _is_named(tag: Tag, selectors: set[_Selector]) -> bool:
    given = tag.attrs.get("class") or ()
    names = {f".{name}" for name in (given.split() if isinstance(given, str) else given)} | {f"#{tag.attrs.get('id')}"}
    inline = dict(_properties(str(tag.attrs.get("style", ""))))
    return not inline and any(names >= each.names and each.tag in ("", tag.name) for each in selectors)


def _selectors(page: BeautifulSoup) -> tuple[set[_Selector], set[str]]:
    """Return the simple selectors that hide elements, and the classes and ids in selectors that show elements."""
    hiding: set[_Selector] = set()
    shown: set[str] = set()
    for style in page.find_all("style"):
        if str(style.get("media", "")).strip().lower() == "print":
            continue
        for condition, selectors, declarations in _rules(_COMMENT.sub("", style.get_text())):
            values = set(_properties(declarations))
            for selector in selectors.split(",") if values else ():
                simple = _SIMPLE.fullmatch(selector.strip())
                if values <= _HIDES and not condition and simple:
                    hiding.add(_Selector((simple[1] or "").lower(), frozenset(_NAME.findall(simple[2]))))
                elif not values <= _HIDES:
                    shown.update(_NAME.findall(selector))
    return hiding, shown


def _properties(declarations: str) -> Iterator[tuple[str, str]]:
    for name, value in _PROPERTY.findall(declarations):
        yield name.lower().removeprefix("content-"), value.lower()


def _rules(sheet: str) -> Iterator[tuple[str, str, str]]:
    """Yield the condition (such as "@media (max-width: 9em)"), the selectors and the declarations of each rule.

    Rules for paper are left out.
    """
    open_blocks: list[str] = []
    for before, mark in _RULE.findall(sheet):
        if mark == "{":
            open_blocks.append(before.rsplit(";", 1)[-1].strip())
        elif open_blocks:
            selectors = open_blocks.pop()
            if not selectors.startswith("@") and not any(map(_PRINT.match, open_blocks)):
                yield " ".join(block for block in open_blocks if block.startswith("@")), selectors, before
