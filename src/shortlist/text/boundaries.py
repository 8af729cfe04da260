"""Where a text may be cut into passages, and how much each cut costs.

A cut is cheap before a heading, a paragraph, a term or an item. A cut is expensive where both sides need each other: a
heading and its first paragraph, a term and its definition, a lead-in and its list, a sentence and the code below it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Literal, NamedTuple, TypeAlias

from shortlist.text.lines import Kind, Line, follows_option, is_option, is_short, lines_of
from shortlist.text.sentences import sentence_starts

HEADING, RULE, TERM, PARAGRAPH, DEDENT, ROW = 0.5, 0.7, 0.8, 1.0, 2.0, 3.0
ITEMS = (1.5, 3.0, 3.5)
SENTENCE, RECORD = 4.0, 5.0
AFTER_PARAGRAPH, AFTER_CAPTION, CODE_LINE = 7.0, 8.0, 9.0
UNSURE_SENTENCE, AFTER_COLON, AFTER_TERM, AFTER_HEADING, NEVER = 12.0, 12.0, 14.0, 15.0, 20.0
"""The costs of cuts. Only their order matters, and the distance to the cost of a half-empty passage: see `packing`."""

_OPENERS = ":{([,"
_ABOVE_CODE = ("#", "//", "/*", "*", "@", "--")
"""A line of source code that begins so belongs to the line below it: a comment or a decorator."""
_LARGEST_INDENT = 24
_INDENT_STEP = 8
_WIDEST = 132
"""Lines that an author or a program breaks are at most so long, in characters."""
_MANY = 3
_FILLED = 0.75
"""A line that was broken fills more than this share of the width."""


Layout: TypeAlias = Literal["wrapped", "lines", "code"]
"""What a line is.

"wrapped": an author or a program may have broken the line inside a sentence. "lines": a line is a record or a
paragraph, as in the text of a web page. "code": a line of source code.
"""


class Boundary(NamedTuple):
    """A place at which a passage may begin, in characters, and the cost of a cut there."""

    place: int
    cost: float


def boundaries(text: str, layout: Layout = "wrapped") -> list[Boundary]:
    """Return the places at which the text may be cut, in order, without its start."""
    if layout == "code":
        return list(_of_code(text))
    lines = lines_of(text)
    out: list[Boundary] = []
    state = _State(layout == "wrapped")
    first = 0
    for number, line in enumerate(lines):
        cost = state.before(lines, number)
        if cost is None:
            continue
        out += _sentences(text, lines[first:number])
        if number:
            out.append(Boundary(line.start, cost))
        first = number
    out += _sentences(text, lines[first:])
    return out


def _of_code(text: str) -> Iterator[Boundary]:
    """Yield the starts of the lines of source code. A cut is cheap after a blank line, and before outer lines."""
    lines = lines_of(text, code=True)
    for above, line in pairwise(lines):
        opened = above.words[-1] in _OPENERS or above.words.startswith(_ABOVE_CODE)
        yield Boundary(line.start, ROW + _depth(line.indent) - 2.0 * (line.gap > 0) + 4.0 * opened)


def _sentences(text: str, block: Sequence[Line]) -> Iterator[Boundary]:
    """Yield the starts of the sentences in a block of lines that belong together."""
    if not block or block[0].kind not in ("text", "item", "definition"):
        return
    depth = _depth(block[0].indent)
    for place, sure in sentence_starts(text, block[0].body, block[-1].end):
        yield Boundary(place, (SENTENCE if sure else UNSURE_SENTENCE) + depth / 2)


def _depth(indent: int) -> float:
    """Return the additional cost of a cut before an indented line: 0 to 3."""
    return min(indent, _LARGEST_INDENT) / _INDENT_STEP


class _State:
    """What is open at a line: lists in each other, with the indentations of their items, and a definition."""

    def __init__(self, wrapped: bool) -> None:
        self.wrapped = wrapped
        self.markers: list[int] = []
        self.defining = False

    def before(self, lines: Sequence[Line], number: int) -> float | None:
        """Return the cost of a cut before the line, or None if the line continues the one above."""
        if not number:
            self._close(lines[0])
            return 0.0
        above, line = lines[number - 1], lines[number]
        cost = self._before(lines, number)
        if line.kind == "item" or line.gap:
            self._close(line)
        if line.kind in ("heading", "rule"):
            self.markers, self.defining = [], False
        elif line.kind == "definition" or (above.kind == "term" and line.kind == "text"):
            self.defining = True
        return cost

    def _close(self, line: Line) -> None:
        """End the lists that the line is outside of, and open the list of an item."""
        while self.markers and line.indent <= self.markers[-1]:
            self.markers.pop()
        if line.kind == "item":
            self.markers.append(line.indent)

    def _before(self, lines: Sequence[Line], number: int) -> float | None:
        above, line = lines[number - 1], lines[number]
        if line.kind == "code" or (line.kind == "fence" and above.kind == "code"):
            return _in_code(above, line)
        bound = _bound_to(above, line)
        if bound is not None:
            return bound
        depth = _depth(line.indent)
        match line.kind:
            case "heading":
                return HEADING
            case "rule":
                return _before_rule(above, line)
            case "term" | "caption":
                return depth + (TERM if line.kind == "term" else PARAGRAPH - 0.1)
            case "item":
                return self._before_item(above, line)
            case "row":
                return _before_row(lines, number)
            case "fence":
                return AFTER_PARAGRAPH if _is_prose(above.kind) else PARAGRAPH + depth
            case _:
                return self._before_text(lines, number)

    def _before_item(self, above: Line, line: Line) -> float:
        if not self.markers:
            if not _is_prose(above.kind):
                return PARAGRAPH + _depth(line.indent)
            return AFTER_COLON if above.leads else AFTER_PARAGRAPH
        if line.indent > self.markers[-1] + 1:
            return AFTER_PARAGRAPH  # the item above is the lead-in of its own items
        if above.leads and above.kind == "item":
            return AFTER_PARAGRAPH  # so it is in a list without indentation
        level = sum(marker < line.indent for marker in self.markers)
        return ITEMS[min(level, len(ITEMS) - 1)] + _depth(line.indent) / 8

    def _before_text(self, lines: Sequence[Line], number: int) -> float | None:
        above, line = lines[number - 1], lines[number]
        depth = _depth(line.indent)
        if not line.gap:
            if above.kind == "fence":
                return PARAGRAPH + depth
            return _in_block(lines, number) if self.wrapped or above.kind == "row" else RECORD
        if above.leads and _is_prose(above.kind):
            return AFTER_COLON if line.indent > above.indent else AFTER_CAPTION
        if self.markers and self.markers[-1] < line.indent:
            return AFTER_CAPTION if above.kind == "item" and is_short(above) else ROW
        deeper = line.indent > above.indent and above.kind == "text"
        extra = self.defining * 1.0 + deeper * 1.0 - (line.gap > 1) * 0.2
        return PARAGRAPH + depth + extra


def _is_prose(kind: Kind) -> bool:
    return kind in ("text", "item", "definition")


def _bound_to(above: Line, line: Line) -> float | None:
    """Return the cost of a cut between a line and what it introduces, or None if it introduces nothing."""
    if above.kind == "heading" or (above.kind == "rule" and not line.gap):
        return AFTER_HEADING
    if above.kind == "term" or (line.kind == "definition" and above.kind in ("text", "caption")):
        return AFTER_TERM
    if line.kind == "definition":
        return AFTER_COLON if above.leads else ROW
    if above.kind == "caption":
        return AFTER_CAPTION
    if above.leads and _is_prose(above.kind) and line.kind in ("term", "caption", "row", "fence"):
        return AFTER_COLON if line.kind != "fence" else CODE_LINE - 0.25
    return None


def _before_rule(above: Line, line: Line) -> float:
    if above.kind == "text" and not line.gap:
        return NEVER  # it underlines a heading
    return AFTER_COLON if above.leads else RULE


def _in_code(above: Line, line: Line) -> float:
    """Return the cost of a cut inside a block of code, which stays whole if there is room."""
    if line.kind == "fence" or above.kind == "fence":
        return NEVER
    if above.kind != "code":
        return CODE_LINE - 0.25
    opened = above.words[-1] in _OPENERS
    return CODE_LINE - (line.gap > 0) - (line.indent <= above.indent) / 2 + 2 * opened


def _before_row(lines: Sequence[Line], number: int) -> float:
    """Return the cost of a cut before a row of a table. The row of names stays with the row below it."""
    above = lines[number - 1]
    if above.kind != "row" or lines[number].gap:
        return AFTER_PARAGRAPH if _is_prose(above.kind) else PARAGRAPH
    header = number < 2 or lines[number - 2].kind != "row" or above.gap > 0
    delimiter = not lines[number].words.strip("|-:+= \t")
    return NEVER if header or delimiter or not above.words.strip("|-:+= \t") else ROW


def _in_block(lines: Sequence[Line], number: int) -> float | None:
    """Return the cost of a cut before a line that follows another line directly, or None if it continues this line."""
    above, line = lines[number - 1], lines[number]
    if above.kind == "row":
        return PARAGRAPH
    if above.kind == "item" or line.indent > above.indent:
        return None
    if line.indent < above.indent:
        first = number < 2 or above.gap > 0
        return None if first else DEDENT + _depth(line.indent)
    if is_option(line) and follows_option(above):
        return ITEMS[0] + _depth(line.indent)
    return _between_lines(lines, number)


def _between_lines(lines: Sequence[Line], number: int) -> float | None:
    """Return the cost of a cut between two lines of text, or None if a program or an author broke one line there.

    An author breaks a line if the next word has no room. After a line that is much shorter than others, a record ends.
    """
    above, line = lines[number - 1], lines[number]
    widths = [other.indent + other.end - other.start for other in lines[max(0, number - 4) : number + 4]]
    wide = sum(width > _WIDEST for width in widths)
    own = above.indent + above.end - above.start
    continues = line.words[0].islower() or line.words[0] in ",;:)]}"
    if own > _WIDEST or wide >= _MANY:
        return RECORD + continues
    width = max(width for width in widths if width <= _WIDEST)
    used = own + 1 + len(line.words.split(None, 1)[0])
    if continues:
        return CODE_LINE if used <= width / 2 else None
    return RECORD if used <= width * _FILLED else None
