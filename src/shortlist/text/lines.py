"""The lines of a text, each with its kind: heading, term, definition, item, row of a table, code, text."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

Kind = Literal["heading", "caption", "term", "definition", "item", "row", "rule", "fence", "code", "text"]

_KINDS = re.compile(
    r"(?P<fence>`{3,}|~{3,})"
    r"|(?P<heading>#{1,6}[ \t]+\S|={1,6} \S)"
    r"|(?P<rule>(?P<char>[-=_*~^+#\"'.:])(?:[ \t]*(?P=char)){2,}[ \t]*$)"
    r"|(?P<item>(?:[-*+\u2022\u2023\u25e6\u25aa\u2013\u00b7]|\d{1,3}[.)]|\(?[a-zA-Z0-9]{1,2}\)|\*{2,5}(?=[ \t]\S))"
    r"[ \t]+|\[\w{1,12}\]:?[ \t]+|o[ \t]{2,})"
    r"|(?P<label>(?:-?\d{1,9}|\d{1,3}(?:\.\d{1,3}){1,4}|[a-zA-Z]|(?P<letter>[a-z])(?P=letter)|[ivxlcdm]{2,8}|[IVXLCDM]{2,8})"
    r"[.)][ \t]+(?![a-zA-Z]\.)|\d{1,3}(?:\.\d{1,3}){1,4}[ \t]+)"
    r"|(?P<definition>:[ \t]+\S)"
    r"|(?P<row>\||\+-{2,}[-+=]*\+)"
)
_OPTION = re.compile(r"[*_`\[]{0,3}--?[A-Za-z0-9?#@<\[]")
_VALUE = re.compile(r"[-<\[{(|*_`+/=.\"']|[A-Z0-9_]{2,}|or\b|and\b|[a-zA-Z]\b,?$")
"""How a word after an option begins: another option, or a placeholder."""
_FEW_WORDS = 3
_MARKED = re.compile(r"(?:\*\*[^*]{1,100}\*\*|`[^`]{1,100}`)(?:,? ?(?:\*\*[^*]{1,100}\*\*|`[^`]{1,100}`))*[:,]?")
_DOUBLE_COLON = re.compile(r"\S.{0,100}::")
_NUMBERED = re.compile(r"\(?\w{1,9}(?:\.\d{1,3})*[.)]?[ \t]")
_LONGEST_TERM = 100
_LONGEST_CAPTION = 60
_LONGEST_QUESTION = 120
_TAB = 4
_NEAR = 4
_LONGEST_ITEM = 20
"""How many lines above a label are looked at for the item before it."""


@dataclass(slots=True)
class Line:
    """A line that is not blank.

    `start` is where it begins in the text, without its indentation, and `end` where it ends. `gap` counts the blank
    lines above it. `body` is where the text after the mark of an item begins.
    """

    start: int
    end: int
    indent: int
    gap: int
    kind: Kind
    body: int
    words: str

    @property
    def leads(self) -> bool:
        """Whether the line introduces what follows it: it ends with a colon."""
        return self.words.rstrip("*_` ")[-1:] in (":", "\uff1a")


def lines_of(text: str, code: bool = False) -> list[Line]:
    """Return the lines of a text that are not blank, with their kinds. With `code`, all lines are code."""
    if code:
        return [replace(line, kind="code") for line in _read(text)]
    lines = _read(text)
    for place in range(len(lines) - 1, -1, -1):
        if lines[place].kind in ("text", "item"):
            _classify(lines, place)
    return lines


def _read(text: str) -> list[Line]:
    lines: list[Line] = []
    fence, gap, start = "", 0, 0
    literal = -1  # the indentation of the line above a literal block, which is deeper
    for whole in text.splitlines(keepends=True):
        words = whole.strip()
        if not words or words == "+":  # AsciiDoc joins the paragraphs of a list item by such a line
            gap += 1
            start += len(whole)
            continue
        first = start + whole.index(words[0])
        indent = _indent(whole)
        mark = _KINDS.match(words)
        kind: Kind = "text"
        if literal >= 0 and not fence and indent <= literal:
            literal = -1
        elif not fence and gap and lines and lines[-1].kind == "text" and indent > lines[-1].indent:
            literal = lines[-1].indent if _is_before_literal(lines[-1].words) else literal
        if literal >= 0 and not fence:
            kind = "code"
        elif fence:
            closes = words.startswith(fence) and not words.strip(fence[0])
            kind, fence = ("fence", "") if closes else ("code", fence)
        elif mark is not None:
            kind, fence = _kind(mark, [] if gap else lines, indent)
            kind = "text" if kind == "heading" and indent >= _TAB else kind
        body = first + (mark.end() if mark is not None and kind == "item" else 0)
        lines.append(Line(first, first + len(words), indent, gap, kind, body, words))
        gap = 0
        start += len(whole)
    return lines


def _is_before_literal(words: str) -> bool:
    """Return whether reStructuredText reads the deeper lines below a line as they are."""
    if words.startswith(".. "):
        return words.startswith((".. code", ".. sourcecode", ".. parsed-literal"))
    return words.endswith("::")


def _kind(mark: re.Match[str], above: Sequence[Line], indent: int) -> tuple[Kind, str]:
    """Return the kind of a line with a mark, and the fence that it opens, or "". No blank line is below `above`."""
    kind, fence, words = mark.lastgroup, mark["fence"], mark.string
    if kind == "label":
        return ("item" if _may_list(above, indent) else "text"), ""
    if kind != "fence":
        return kind, ""  # type: ignore[return-value]
    if fence == words and fence[0] == "~" and above and above[-1].kind == "text":
        return "rule", ""  # AsciiDoc underlines headings with such a line
    return ("text", "") if fence[0] in words[len(fence) :] else ("fence", fence)


def _may_list(above: Sequence[Line], indent: int) -> bool:
    """Return whether a label such as "b." begins an item, instead of a line inside a sentence."""
    if not above or above[-1].leads or above[-1].kind != "text":
        return True
    for line in reversed(above[-_LONGEST_ITEM:]):
        if line.kind == "item":
            return line.indent == indent and (above[-1].indent > indent or above[-1].words[-1] in ".;,:")
        if line.gap:
            return False
    return False


def _indent(whole: str) -> int:
    space = whole[: len(whole) - len(whole.lstrip())]
    return len(space) if "\t" not in space else len(space.expandtabs(_TAB))


def _classify(lines: list[Line], place: int) -> None:
    """Set the kind of a line of text, or of an item, from the lines around it. The lines below have their kinds."""
    line = lines[place]
    above = lines[place - 1] if place else None
    below = lines[place + 1] if place + 1 < len(lines) else None
    if line.kind == "item":
        if below is not None and _NUMBERED.match(line.words) and not _is_next_item(line, above):
            line.kind = _kind_of_numbered(line, below)
    elif _is_row(line, above, below):
        line.kind = "row"
    elif below is not None and _begins(line, above):
        line.kind = _kind_by_below(line, below)


def _is_next_item(line: Line, above: Line | None) -> bool:
    """Return whether an item follows another item, instead of the heading of its chapter: "7.1" below "7."."""
    if above is None or above.kind != "item":
        return False
    return not line.gap or not line.words.startswith(f"{above.words.split()[0].rstrip('.)')}.")


def _kind_of_numbered(line: Line, below: Line) -> Kind:
    """Return the kind of a line with a number: the heading of a section looks like an item."""
    if _is_underline(line, below):
        below.kind = "heading"
        return "heading"
    section = below.kind == "caption" and below.gap > 0 and _NUMBERED.match(below.words)
    return "caption" if section or (below.kind != "item" and _is_caption(line, below)) else "item"


def _is_row(line: Line, above: Line | None, below: Line | None) -> bool:
    """Return whether a line without a first mark is a row of a table: its neighbour has cells, too."""
    cells = line.words.count(" | ")
    if not cells:
        return False
    near = [above if not line.gap else None, below if below is not None and not below.gap else None]
    return any(other is not None and other.words.count(" | ") == cells for other in near)


def _begins(line: Line, above: Line | None) -> bool:
    """Return whether a line is the first one of its block."""
    if above is None or line.gap or above.kind not in ("text", "item", "definition"):
        return True
    below_heading = above.words.isupper() and line.indent > above.indent
    return line.indent < above.indent or (is_option(line) and (below_heading or follows_option(above)))


def _kind_by_below(line: Line, below: Line) -> Kind:
    if line.words.startswith(".. _") and line.words.endswith(":"):  # a label of reStructuredText
        return "heading"
    if _is_underline(line, below):
        below.kind = "heading"
        return "heading"
    if _is_term(line, below):
        return "heading" if line.indent == 0 and line.words.isupper() and below.indent > 3 else "term"
    return "caption" if _is_caption(line, below) and not line.words[0].islower() else "text"


def _is_underline(line: Line, below: Line) -> bool:
    return below.kind == "rule" and not below.gap and len(line.words) <= len(below.words) + _NEAR


def is_short(line: Line) -> bool:
    """Return whether a line is short and no sentence."""
    return len(line.words) <= _LONGEST_CAPTION and line.words[-1] not in ".!?:;,)"


def _is_caption(line: Line, below: Line) -> bool:
    """Return whether a line that begins a block is short, or one question, and stands above a block."""
    short = is_short(line) or (len(line.words) <= _LONGEST_QUESTION and line.words[-1] in "?\uff1f")
    return short and below.gap > 0 and below.kind in ("text", "item", "row", "fence") and below.indent >= line.indent


def _is_term(line: Line, below: Line) -> bool:
    """Return whether the line is a term, and the lines below define it."""
    if below.kind == "definition" and below.gap < 2:
        return True
    if len(line.words) > _LONGEST_TERM or (line.words[-1] in ".!?" and not line.words.endswith("...")):
        return False
    if not below.gap and below.indent > line.indent + 1:
        return True
    if below.kind == "term" and not below.gap and below.indent == line.indent:
        return is_option(line) or line.words.endswith(",")
    if line.words.startswith(".. ") and below.indent > line.indent:  # a directive of reStructuredText
        return True
    marked = _MARKED.fullmatch(line.words) or _DOUBLE_COLON.fullmatch(line.words)
    return bool(marked) or (is_option(line) and (below.gap > 0 or below.indent > line.indent))


def follows_option(above: Line) -> bool:
    """Return whether options may begin below the line, instead of an option inside a sentence."""
    return above.words[0] == "-" or above.words[-1] in ".!?:;"


def is_option(line: Line) -> bool:
    """Return whether the line consists of options of a command, such as "-n, --dry-run" or "-o FILE"."""
    if len(line.words) > _LONGEST_TERM or not _OPTION.match(line.words) or line.words[-1] in ".!?":
        return False
    words = line.words.split()
    return len(words) <= _FEW_WORDS or all(map(_VALUE.match, words[1:]))
