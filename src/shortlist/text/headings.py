"""The headings of a Markdown text, as CommonMark defines them."""

from __future__ import annotations

import re
from functools import cache
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from markdown_it import MarkdownIt

_LONGEST_HEADING = 300
_LINE_END = re.compile("\r\n|\r|\n")
_SHORTEST_UNDERLINE = 2


class Heading(NamedTuple):
    """A heading: where its lines start and end in the text, its level from 1 to 6, its words."""

    start: int
    end: int
    level: int
    title: str


def headings(text: str) -> list[Heading]:
    """Return the headings of a Markdown text in order, without those in code, lists and quotes.

    Inline marks are part of a heading's words. A heading without words is left out. An underlined paragraph of several
    lines is not a heading, because it is usually a paragraph with a rule below it. Neither is a line above a single
    "-" or "=". A text without headings gives an empty list.
    """
    tokens = _parser().parse(text)
    if not any(token.type == "heading_open" for token in tokens):
        return []
    bounds = _line_bounds(text)
    out: list[Heading] = []
    for token, inline in pairwise(tokens):
        if token.type != "heading_open" or token.level or token.map is None:
            continue
        first, last = token.map[0], token.map[1] - 1
        start, end = bounds[first][0], bounds[last][1]
        underline = text[bounds[last][0] : end].strip()
        if token.markup in ("=", "-") and (last - first > 1 or len(underline) < _SHORTEST_UNDERLINE):
            continue
        title = one_line(inline.content)
        if title:
            out.append(Heading(start, end, int(token.tag[1]), title))
    return out


def one_line(text: str) -> str:
    """Return the words of a heading or title on one line, at most 300 characters."""
    return " ".join(text[: 4 * _LONGEST_HEADING].split())[:_LONGEST_HEADING].rstrip()


@cache
def _parser() -> MarkdownIt:
    """The block parser. HTML blocks are off: "<!--" in the text of a web page would hide every heading below it."""
    from markdown_it import MarkdownIt

    return MarkdownIt("commonmark").disable(["inline", "reference", "html_block"])


def _line_bounds(text: str) -> list[tuple[int, int]]:
    """Return where each line starts and ends, without its line end."""
    ends = [(match.start(), match.end()) for match in _LINE_END.finditer(text)]
    starts = [0, *(after for _, after in ends)]
    return list(zip(starts, [*(before for before, _ in ends), len(text)], strict=True))
