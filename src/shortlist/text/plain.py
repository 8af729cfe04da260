"""Markdown to plain text, for display: the words stay, the marks go."""

from __future__ import annotations

import re
from collections.abc import Sequence

_FENCE = re.compile(r"[ \t]{0,3}(`{3,}|~{3,})([^`]*)")
_RULE = re.compile(r"[ \t]*(?:={2,}|(?:[-*_][ \t]*){2,})")
"""A thematic break, or the underline of a heading."""

_DELIMITERS = re.compile(r"[ \t]*\|?(?:[ \t]*:?-+:?[ \t]*\|)+(?:[ \t]*:?-+:?[ \t]*)?")
"""The row of a table below its header."""

_DEFINITION = re.compile(r"[ \t]{0,3}\[[^\]\n]{1,200}\]:[ \t]*\S+.*")
"""The target of a reference link."""

_PREFIX = re.compile(r"[ \t]*(?:>[ \t]?|:[ \t]+|[-*+][ \t]+(?:\[[ xX]\][ \t]+)?|#{1,6}(?:[ \t]+|$))")
_CLOSING = re.compile(r"[ \t]+#+[ \t]*$")
_PIPE = re.compile(r"(?<!\\)[ \t]*\|[ \t]*")
_CELLS = re.compile(r"[ \t]\|[ \t]")
_CODE = re.compile(r"(?<!`)(`{1,3})(?!`)([^\n]{1,1000}?)(?<!`)\1(?!`)")
_INLINE = (
    (re.compile(r"!?\[([^\[\]\n]{0,500})\]\((?:[^()\s]|\([^()\s]*\)){0,2000}(?:[ \t]+\"[^\"\n]{0,300}\")?\)"), r"\1"),
    (re.compile(r"!?\[([^\[\]\n]{1,500})\]\[[^\[\]\n]{0,200}\]"), r"\1"),
    (re.compile(r"<((?:https?://|mailto:)[^<>\s]{1,2000})>"), r"\1"),
    (re.compile(r"(?<![\w*\\])\*{2,3}(?=[^\s*])([^*\n]{1,500}?)(?<=[^\s*\\])\*{2,3}(?![\w*])"), r"\1"),
    (re.compile(r"(?<![\w*\\])\*(?=[^\s*])([^*\n]{1,500}?)(?<=[^\s*\\])\*(?![\w*])"), r"\1"),
    (re.compile(r"(?<![\w\\])__(?=[^\s_])([^_\n]{0,500}?\s[^_\n]{0,500}?)(?<=[^\s_\\])__(?!\w)"), r"\1"),
    (re.compile(r"(?<![\w\\])_(?=[^\s_])([^_\n]{1,500}?)(?<=[^\s_\\])_(?!\w)"), r"\1"),
    (re.compile(r"~~(?=\S)([^~\n]{1,500}?)(?<=\S)~~"), r"\1"),
)
_ESCAPE = re.compile(r"\\([*_`\[\]#|<>~])")


def plain(text: str) -> str:
    """Return the text without Markdown marks, line by line.

    Left out are heading marks, fences, rules, list and quote marks, table pipes, emphasis and link targets. Every word
    outside link targets and the first line of a fence stays. Code keeps its characters. `__init__` is not emphasis.
    """
    lines = text.splitlines()
    out: list[str] = []
    fence = ""
    for number, line in enumerate(lines):
        mark = _FENCE.fullmatch(line)
        if mark and (not fence or (mark[1].startswith(fence) and not mark[2].strip())):
            fence = "" if fence else mark[1]
        elif fence:
            out.append(line)
        elif not (_RULE.fullmatch(line) or _DELIMITERS.fullmatch(line) or _DEFINITION.fullmatch(line)):
            out.append(_line(line, in_table=_is_row(lines, number)))
    return "\n".join(out)


def _line(line: str, *, in_table: bool) -> str:
    """Return one line outside code blocks without its marks."""
    while mark := _PREFIX.match(line):
        line = line[mark.end() :]
        if "#" in mark[0]:
            line = _CLOSING.sub("", line)
            break
    pieces = _CODE.split(line)
    # `split` returns text, mark and code in turns.
    return "".join(
        piece.strip() if place % 3 == 2 else _words(piece, in_table)
        for place, piece in enumerate(pieces)
        if place % 3 != 1
    )


def _words(text: str, in_table: bool) -> str:
    if in_table:
        text = _PIPE.sub(" ", text)
    for _ in range(2):  # emphasis in strong text, a picture in a link
        for pattern, replacement in _INLINE:
            text = pattern.sub(replacement, text)
    return _ESCAPE.sub(r"\1", text)


def _is_row(lines: Sequence[str], number: int) -> bool:
    """Return whether the line is a table row: it has pipes at both ends, or as many as the line above or below."""
    line = lines[number].strip()
    if len(line) > 1 and line[0] == line[-1] == "|":
        return True
    cells = len(_CELLS.findall(line))
    near = [*lines[max(0, number - 1) : number], *lines[number + 1 : number + 2]]
    return cells > 0 and any(len(_CELLS.findall(other)) == cells or _DELIMITERS.fullmatch(other) for other in near)
