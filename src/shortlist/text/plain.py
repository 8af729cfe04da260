"""The words of a Markdown text, without its marks."""

from __future__ import annotations

import re

_FENCE = re.compile(r" {0,3}(?:`{3,}|~{3,})[^`]*$")
_UNDERLINE = re.compile(r" {0,3}(?:=+|-{2,}|(?:[*_-] *){3,})\s*$")
_TABLE_RULE = re.compile(r"\s*\|?(?:\s*:?-+:?\s*\|)+(?:\s*:?-+:?\s*)?$")
_START = re.compile(r"(?:\s*>)*\s*(?:#{1,6}(?=\s)|[-*+](?=\s)|\d{1,9}[.)](?=\s))?\s*(?:\[[ xX]\](?=\s)\s*)?")
_CLOSING = re.compile(r"\s+#+\s*$")
_CODE = re.compile(r"(`+)(?!`)(.+?)(?<!`)\1(?!`)")
_LINK = re.compile(r"!?\[([^\[\]]*)\](?:\([^()\s]*(?:\s+\"[^\"]*\")?\)|\[[^\[\]]*\])")
_STRONG = re.compile(r"(\*{1,3})(?=\S)([^*]+?)(?<=\S)\1|(?<!\w)(_{1,3})(?=\S)([^_]+?)(?<=\S)\3(?!\w)")


def plain(text: str) -> str:
    """Return the words of a Markdown text, line by line.

    The result has no marks of headings, lists, quotes, tables, emphasis, links, code and fences. Lines of marks alone
    are left out. Code keeps its characters.
    """
    lines = []
    fenced = False
    for line in text.splitlines():
        if _FENCE.match(line):
            fenced = not fenced
        elif fenced:
            lines.append(line)
        elif not (_UNDERLINE.match(line) or _TABLE_RULE.match(line)):
            lines.append(_line(line))
    return "\n".join(lines)


def _line(line: str) -> str:
    start = _START.match(line)
    line = line[start.end() :] if start else line
    if start and "#" in start[0]:
        line = _CLOSING.sub("", line)
    if line.startswith("|") and line.rstrip().endswith("|"):
        line = " ".join(cell.strip() for cell in line.strip().strip("|").split("|"))
    parts = _CODE.split(line)
    # Each match gives three parts: the text before it, its backticks, its code.
    for place in range(0, len(parts), 3):
        parts[place] = _inline(parts[place])
    return "".join(part for place, part in enumerate(parts) if place % 3 != 1)


def _inline(text: str) -> str:
    text = _LINK.sub(lambda link: link[1], text)
    for _ in range(2):  # strong text in emphasised text
        text = _STRONG.sub(lambda match: match[2] or match[4], text)
    return text
