"""Markdown as it is read: comments are no text, and models read no targets of links, entities or tags.

The library markdown-it finds the blocks, so that code stays as it is. It gives no places of what is inside a paragraph,
and passages need these places. This module therefore looks for links, entities, tags and code spans itself.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cache
from html import unescape
from itertools import accumulate
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from markdown_it import MarkdownIt

_SIGNS = re.compile(r"[&<\\]|\]\(|\]\[|\]:|;base64,")
_TOKEN = re.compile(
    r"\\(?P<escaped>[!-/:-@\[-`{-~])"
    r"|(?P<ticks>`+)"
    r"|(?P<comment><!--)"
    r"|</?(?P<tag>[a-zA-Z][a-zA-Z0-9]{0,15})(?:\s[^<>]{0,9999})?/?>"
    r"|(?P<entity>&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[a-zA-Z][a-zA-Z0-9]{1,31});)"
    r"|(?P<open>!?\[)"
    r"|(?P<close>\])"
    r"|(?P<blank>\n[ \t]*\n)"
)
_TITLE = r"\"[^\"]{0,999}\"|'[^']{0,999}'|\([^()]{0,999}\)"
_TARGET = re.compile(
    rf"\(\s{{0,9}}(?:<[^<>\n]{{0,9999}}>|[^\s()<][^\s()]*(?:\([^\s()]*\)[^\s()]*)*|)(?:\s{{1,9}}({_TITLE}))?\s{{0,9}}\)"
)
_LABEL = re.compile(r"\[([^\[\]]{0,999})\]")
_DEFINITION = re.compile(
    rf"^ {{0,3}}\[(?!\^)([^\[\]\n]{{1,999}})\]:[ \t]*(<[^<>\n]*>|\S+)(?:[ \t]+({_TITLE}))?[ \t]*$", re.MULTILINE
)
_DATA = re.compile(r"(?<=;base64,)[A-Za-z0-9+/=%_-]{100,}")
_PAYLOAD = re.compile(r"\bdata:[\w.+/-]{0,99}(?:;[\w.+/=-]{1,99}){0,4},([^\s\"'<>]+)", re.IGNORECASE)
"""The content of a target that holds its file itself."""
_ALT = re.compile(r"\balt\s*=\s*(?:\"([^\"]*)\"|'([^']*)'|([^\s\"'>]+))", re.IGNORECASE)
_TARGET_SIGNS = re.compile(r"[/.#@:]")
_LONGEST_SPAN = 5000
_HIDDEN_TAGS = ("script", "style")
_INLINE_TAGS = re.compile(
    "a|abbr|b|bdi|bdo|big|cite|code|data|del|dfn|em|font|i|ins|kbd|mark|q|s|samp|small|span|strike|strong|sub|sup|tt|u|"
    "var|wbr|picture|source|center"
)
_BLOCK_TAGS = re.compile(
    "address|article|aside|audio|blockquote|br|caption|col|colgroup|dd|details|div|dl|dt|figcaption|figure|footer|h[1-6]|"
    "header|hr|iframe|li|main|nav|ol|p|pre|section|summary|table|tbody|td|tfoot|th|thead|tr|ul|video"
)


class Edit(NamedTuple):
    """A part of a text, and what stands in its place."""

    start: int
    end: int
    words: str = ""


@dataclass
class Markdown:
    """A parsed text. `shown` is the text without comments and data, as passages store it.

    `hidden` are the parts that are no text, and `unread` what models read in another form. Both are in order.
    """

    text: str
    hidden: Sequence[Edit]
    unread: Sequence[Edit]
    shown: str = field(init=False)

    def __post_init__(self) -> None:
        self.shown = _edited(self.text, 0, len(self.text), self.hidden)
        gone = list(accumulate(edit.end - edit.start for edit in self.hidden))
        self._gone = [0, *gone]
        self._places = [edit.start - before for edit, before in zip(self.hidden, self._gone, strict=False)]

    def place(self, shown: int) -> int:
        """Return the place in the text of a character of `shown`."""
        return shown + self._gone[bisect_right(self._places, shown)]

    def read(self, start: int, end: int) -> str:
        """Return what models read of a part of the text."""
        first = bisect_right(self.unread, (start,))
        inside = []
        for edit in self.unread[first:]:
            if edit.start >= end:
                break
            if edit.end <= end:
                inside.append(edit)
        return _edited(self.text, start, end, inside)


def parse(text: str) -> Markdown | None:
    """Return the parsed text, or None if it has no sign of what is read in another form."""
    if not _SIGNS.search(text):
        return None
    scan = _Scan(text, _code(text))
    scan.run()
    scan.hidden += [Edit(*match.span()) for match in _DATA.finditer(text) if not scan.is_code(match.start())]
    hidden = _apart(scan.hidden)
    return Markdown(text, hidden, _apart([*hidden, *scan.unread]))


def shown(text: str) -> str:
    """Return a text without comments and data."""
    markdown = parse(text)
    return text if markdown is None else markdown.shown


def read_form(text: str) -> str:
    """Return a line or a paragraph of Markdown as models read it. Emphasis and other marks stay."""
    if not _SIGNS.search(text):
        return text
    scan = _Scan(text, [])
    scan.run()
    return _edited(text, 0, len(text), _apart([*scan.hidden, *scan.unread]))


def _apart(edits: Iterable[Edit]) -> list[Edit]:
    """Return the edits in order. An edit inside another one is left out."""
    out: list[Edit] = []
    for edit in sorted(edits, key=lambda edit: (edit.start, -edit.end)):
        if not out or edit.start >= out[-1].end:
            out.append(edit)
    return out


def _edited(text: str, start: int, end: int, edits: Iterable[Edit]) -> str:
    pieces = []
    for edit in edits:
        pieces += [text[start : edit.start], edit.words]
        start = edit.end
    return "".join([*pieces, text[start:end]])


@cache
def _parser() -> MarkdownIt:
    from markdown_it import MarkdownIt

    return MarkdownIt("commonmark").disable(["inline", "reference"])


def _code(text: str) -> list[tuple[int, int]]:
    """Return where the blocks of code are, in order."""
    if "```" not in text and "~~~" not in text and "    " not in text and "\t" not in text:
        return []
    starts = [0, *(match.end() for match in re.finditer("\r\n|\r|\n", text)), len(text)]
    tokens = _parser().parse(text)
    maps = [token.map for token in tokens if token.type in ("fence", "code_block") and token.map is not None]
    return [(starts[first], starts[min(last, len(starts) - 1)]) for first, last in maps]


class _Scan:
    """One pass over the text outside `code`."""

    def __init__(self, text: str, code: Sequence[tuple[int, int]]) -> None:
        self.text = text
        self.hidden: list[Edit] = []
        self.unread: list[Edit] = []
        self._code = [*code, (len(text), len(text))]
        self._starts = [start for start, _ in self._code]
        self._open: list[Edit] = []
        self._comments = True
        self._endless: set[str] = set()
        self._labels: set[str] = set()
        self._skipped: dict[int, int] = {}
        for match in _DEFINITION.finditer(text):
            if _TARGET_SIGNS.search(match[2]) and not self.is_code(match.start()):
                self._define(match)

    def is_code(self, place: int) -> bool:
        """Return whether the place is in a block of code."""
        number = bisect_right(self._starts, place) - 1
        return number >= 0 and place < self._code[number][1]

    def _define(self, match: re.Match[str]) -> None:
        """Take in the target of reference links. `[//]: # (...)` is a comment."""
        self._labels.add(_label(match[1]))
        self._hide_payload(match.start(2), match.end(2))
        edit = Edit(match.start(), match.end(), (match[3] or "")[1:-1])
        if match[1] in ("//", "comment"):
            self.hidden.append(edit._replace(words=""))
        else:
            self.unread.append(edit)
        self._skipped[match.start() + match[0].index("[")] = match.end()

    def run(self) -> None:
        """Find all parts that are hidden or read in another form."""
        place = 0
        for start, end in self._code:
            while place < start:
                token = _TOKEN.search(self.text, place, start)
                place = start if token is None else self._take(token, start)
            self._open.clear()
            place = max(place, end)

    def _take(self, token: re.Match[str], end: int) -> int:
        """Take in a sign, and return where the scan continues. The text before the next block of code ends at `end`."""
        kind = token.lastgroup
        if kind == "escaped":
            self.unread.append(Edit(token.start(), token.start() + 1))
        elif kind == "ticks":
            closing = re.compile(rf"(?<!`)`{{{len(token[0])}}}(?!`)")
            closed = closing.search(self.text, token.end(), min(end, token.end() + _LONGEST_SPAN))
            inside = closed is not None and not re.search(r"\n[ \t]*\n", self.text[token.end() : closed.start()])
            return closed.end() if closed is not None and inside else token.end()
        elif kind == "comment":
            return self._comment(token)
        elif kind == "tag":
            return self._tag(token)
        elif kind == "entity":
            words = unescape(token[0])
            if words != token[0]:
                self.unread.append(Edit(*token.span(), words))
        elif kind == "open":
            if token.start() in self._skipped:
                return self._skipped[token.start()]
            self._open.append(Edit(*token.span()))
        elif kind == "close":
            return self._close(token)
        else:
            self._open.clear()
            return token.end() - 1
        return token.end()

    def _comment(self, token: re.Match[str]) -> int:
        end = self.text.find("-->", token.start() + 2) if self._comments else -1
        if end < 0:
            self._comments = False
            return token.end()
        self.hidden.append(Edit(token.start(), end + 3))
        return end + 3

    def _tag(self, token: re.Match[str]) -> int:
        name, opens = token["tag"].lower(), not token[0].startswith("</")
        if name in _HIDDEN_TAGS and opens and name not in self._endless:
            closing = re.compile(rf"</{name}\s*>", re.IGNORECASE).search(self.text, token.end())
            if closing is not None:
                self.hidden.append(Edit(token.start(), closing.end()))
                return closing.end()
            self._endless.add(name)
        if _INLINE_TAGS.fullmatch(name) or name == "img":
            self._hide_payload(*token.span())
        if name == "img":
            alt = _ALT.search(token[0])
            words = unescape(" ".join(alt.group(1, 2, 3)[alt.lastindex - 1].split())) if alt and alt.lastindex else ""
            self.unread.append(Edit(*token.span(), words))
        elif name == "sup" and opens and self.text[token.end() : token.end() + 1].isdigit():
            self.unread.append(Edit(*token.span(), "^"))
        elif _INLINE_TAGS.fullmatch(name):
            self.unread.append(Edit(*token.span()))
        elif _BLOCK_TAGS.fullmatch(name):
            self.unread.append(Edit(*token.span(), " "))
        return token.end()

    def _hide_payload(self, start: int, end: int) -> None:
        """Hide the content of an image or a file in the target of a link, or in a tag."""
        self.hidden += [Edit(*match.span(1)) for match in _PAYLOAD.finditer(self.text, start, end)]

    def _close(self, token: re.Match[str]) -> int:
        """End a pair of brackets. If they are a link or an image, models read its words."""
        if not self._open:
            return token.end()
        opening = self._open.pop()
        if target := _TARGET.match(self.text, token.end()):
            self._hide_payload(target.start() + 1, target.end() - 1)
            title = f" ({target[1][1:-1]})" if target[1] else ""
            self.unread += [opening, Edit(token.start(), target.end(), title)]
            return target.end()
        label = _LABEL.match(self.text, token.end())
        name = label[1] if label is not None and label[1] else self.text[opening.end : token.start()]
        if _label(name) in self._labels:
            end = label.end() if label is not None else token.end()
            self.unread += [opening, Edit(token.start(), end)]
            return end
        return token.end()


def _label(words: str) -> str:
    return " ".join(words.split()).casefold()
