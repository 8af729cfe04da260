"""Finds the headings of a text in markdown."""

from __future__ import annotations

import re
from typing import NamedTuple

_LONGEST_HEADING = 300
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})(.*)")
_ATX = re.compile(r" {0,3}(#{1,6})(?:[ \t]+(.*?))?(?:[ \t]+#+)?[ \t]*")
_SETEXT = re.compile(r" {0,3}(={2,}|-{2,})[ \t]*")
_NO_PARAGRAPH = re.compile(r"\s*(?:[-*+>|<#]|\d+[.)]\s|`{3}|~{3}|$)|\t| {4}")


class Heading(NamedTuple):
    """A markdown heading: where its line starts and ends in the text, its level from 1 to 6, its words."""

    start: int
    end: int
    level: int
    title: str


def headings(text: str) -> list[Heading]:
    """The markdown headings of a text, in order, outside code fences; none gives an empty list."""
    found: list[Heading] = []
    fence = ""
    before, last, last_start, start = "", "", 0, 0
    for raw in text.split("\n"):
        line = raw.rstrip("\r")
        end = start + len(line)
        mark = _FENCE.fullmatch(line)
        if fence:
            if mark and mark[1].startswith(fence) and not mark[2].strip():
                fence = ""
        elif mark and not (mark[1][0] == "`" and "`" in mark[2]):
            fence = mark[1]
        elif atx := _ATX.fullmatch(line):
            found.append(Heading(start, end, len(atx[1]), one_line(atx[2] or "")))
        elif (under := _SETEXT.fullmatch(line)) and not before.strip() and not _NO_PARAGRAPH.match(last):
            found.append(Heading(last_start, end, 1 if under[1][0] == "=" else 2, one_line(last)))
        before, last, last_start, start = last, line, start, start + len(raw) + 1
    return [heading for heading in found if heading.title]


def one_line(text: str) -> str:
    """A heading's or title's words on one line, at most 300 characters."""
    return " ".join(text[: 4 * _LONGEST_HEADING].split())[:_LONGEST_HEADING].rstrip()
