"""The numbers of list items and headings, which a Word file does not store: "3.", "(b)", "2.1"."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from shortlist.documents.numerals import numeral

W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_LEVELS = 9
_PLACE = re.compile(r"%([1-9])")


@dataclass(frozen=True)
class _Level:
    """A level of a list: its first number, the form of its numbers, the text around them, and when it starts again."""

    start: int = 1
    form: str = "decimal"
    text: str = ""
    legal: bool = False
    restart: bool = True
    style: str = ""


@dataclass
class Numbers:
    """The lists of a document, and the last number of each of their levels."""

    lists: dict[str, str] = field(default_factory=dict)
    """List id -> the id of its definition. The numbers run on in all lists of one definition."""

    definitions: dict[str, dict[int, _Level]] = field(default_factory=dict)
    starts: dict[tuple[str, int], int] = field(default_factory=dict)
    """The numbers at which a list of its own starts."""

    counts: dict[str, list[int | None]] = field(default_factory=dict)
    started: set[tuple[str, int]] = field(default_factory=set)

    @classmethod
    def of(cls, root: Any) -> Numbers:
        """Return the lists of the numbering part, or none without such a part."""
        numbers = cls()
        if root is None:
            return numbers
        links: dict[str, str] = {}
        for definition in root.iter(f"{W}abstractNum"):
            key = definition.get(f"{W}abstractNumId", "")
            numbers.definitions[key] = dict(_level(level) for level in definition.findall(f"{W}lvl"))
            for link in definition.findall(f"{W}styleLink"):
                links[link.get(f"{W}val", "")] = key
        for definition in root.iter(f"{W}abstractNum"):
            for link in definition.findall(f"{W}numStyleLink"):
                target = links.get(link.get(f"{W}val", ""), "")
                numbers.definitions[definition.get(f"{W}abstractNumId", "")] = numbers.definitions.get(target, {})
        for item in root.iter(f"{W}num"):
            numbers._add_list(item)
        return numbers

    def _add_list(self, item: Any) -> None:
        key, definition = item.get(f"{W}numId", ""), item.find(f"{W}abstractNumId")
        name = definition.get(f"{W}val", "") if definition is not None else ""
        changed = dict(_level(level) for level in item.findall(f"{W}lvlOverride/{W}lvl"))
        if changed:  # a list with levels of its own counts on its own
            self.definitions[f"list {key}"] = {**self.definitions.get(name, {}), **changed}
            name = f"list {key}"
        self.lists[key] = name
        for override in item.findall(f"{W}lvlOverride"):
            start = override.find(f"{W}startOverride")
            if start is not None:
                self.starts[key, _int(override.get(f"{W}ilvl"))] = _int(start.get(f"{W}val"), 1)

    def level_of(self, key: str, style: str) -> int:
        """Return the level of a list that belongs to a paragraph style, or 0."""
        levels = self.definitions.get(self.lists.get(key, ""), {})
        return next((number for number, level in levels.items() if style and level.style == style), 0)

    def next(self, key: str, level: int) -> str | None:
        """Return the label of the next item of a list: "3.", "-" for a bullet, or None if there is no such list."""
        name = self.lists.get(key)
        if name is None or not 0 <= level < _LEVELS:
            return None
        levels = self.definitions.get(name, {})
        counts = self.counts.setdefault(name, [None] * _LEVELS)
        if (key, level) not in self.started and (key, level) in self.starts:
            counts[level] = self.starts[key, level]
        else:
            last = counts[level]
            counts[level] = levels.get(level, _Level()).start if last is None else last + 1
        self.started.add((key, level))
        for lower in range(level + 1, _LEVELS):
            if levels.get(lower, _Level()).restart:
                counts[lower] = None
        return self._label(levels, counts, level)

    def _label(self, levels: dict[int, _Level], counts: list[int | None], number: int) -> str:
        level = levels.get(number, _Level(text=f"%{number + 1}."))
        if level.form == "bullet":
            return "-"
        if level.form == "none":
            return ""

        def shown(match: re.Match[str]) -> str:
            above = levels.get(int(match[1]) - 1, _Level())
            count = counts[int(match[1]) - 1]
            return numeral(above.start if count is None else count, "decimal" if level.legal else above.form)

        return _PLACE.sub(shown, level.text).strip()


def _level(element: Any) -> tuple[int, _Level]:
    def value(name: str, default: str) -> str:
        child = element.find(W + name)
        return default if child is None else str(child.get(f"{W}val", default))

    legal = element.find(f"{W}isLgl")
    return _int(element.get(f"{W}ilvl")), _Level(
        _int(value("start", "1"), 1),
        value("numFmt", "decimal"),
        value("lvlText", ""),
        legal is not None and legal.get(f"{W}val", "1") not in ("0", "false", "off"),
        value("lvlRestart", "1") != "0",
        value("pStyle", ""),
    )


def _int(text: str | None, default: int = 0) -> int:
    try:
        return min(max(int(text or default), 0), 1_000_000)
    except ValueError:
        return default
