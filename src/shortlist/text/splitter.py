"""Documents to passages that fit the window of a model."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import NamedTuple

from shortlist.errors import InvalidInput
from shortlist.text.boundaries import Layout
from shortlist.text.chunks import chunks, section_pieces
from shortlist.text.headings import Heading, one_line
from shortlist.text.markdown import Markdown, parse, read_form
from shortlist.text.outline import MARKDOWN_SOURCES, document_headings, format_of, layout_of, page_heading
from shortlist.text.packing import middle_cut
from shortlist.text.record_pieces import record_pieces
from shortlist.text.scripts import SCRIPTS_WITHOUT_SPACES
from shortlist.text.table_pieces import header_at
from shortlist.text.validation import SURROGATE
from shortlist.types import PATH, Document, Passage

_SMALLEST_LIMIT = 8
_CHARS_PER_TOKEN = 16
_LONGEST_CACHED_WORD = 64
_MOST_CACHED_WORDS = 200_000
_UNSPACED = re.compile(rf"[{SCRIPTS_WITHOUT_SPACES}]|[^\s{SCRIPTS_WITHOUT_SPACES}]+")

_Cost = Callable[[str], int]


class Span(NamedTuple):
    """A part of a text in character offsets, the level of the heading above it (7: no heading), and its head.

    The head is text to repeat before the part: the names of the columns of a table that begins in an earlier part.
    """

    start: int
    end: int
    level: int
    head: str = ""


@dataclass(frozen=True)
class _Outline:
    """The titles that a document's passages can have: one for the start, then one per heading."""

    headings: Sequence[Heading]
    titles: Sequence[str]

    def title_at(self, start: int, last: int) -> tuple[str, int]:
        """Return the title of a passage that starts at `start`, and its number. The search starts at number `last`."""
        while last < len(self.headings) and self.headings[last].start <= start:
            last += 1
        return self.titles[last], last


class _WordCosts(dict[str, int]):
    """The number of tokens of each word, in a cache of limited size."""

    def __init__(self, count_tokens: _Cost, empty: int) -> None:
        super().__init__()
        self.count_tokens = count_tokens
        self._empty = empty

    def __missing__(self, word: str) -> int:
        cost = self.count_tokens(word) - self._empty
        if len(word) <= _LONGEST_CACHED_WORD:
            if len(self) >= _MOST_CACHED_WORDS:
                self.clear()
            self[word] = cost
        return cost


class Splitter:
    """Splits documents into passages that fit the window of a model.

    `count_tokens` returns the number of tokens of a text for the model, special tokens included if they count in its
    window. `limit` is the largest number of tokens of a passage's `content` (title and text). Lengths are first
    estimated word by word, because an estimate is several times faster. Every passage is then counted as a whole. If an
    estimate was too low, the document is split again by exact counts.

    Raises:
        InvalidInput: `limit` leaves fewer than 8 tokens beyond those of an empty text.
    """

    def __init__(self, count_tokens: _Cost, limit: int) -> None:
        self._empty = count_tokens("")
        if limit - self._empty < _SMALLEST_LIMIT:
            least = self._empty + _SMALLEST_LIMIT
            raise InvalidInput(f"a passage limit of {limit} tokens is too small: give at least {least}")
        self.count_tokens = count_tokens
        self.limit = limit
        self._words = _WordCosts(count_tokens, self._empty)

    def split(self, document: Document) -> list[Passage]:
        """Return the passages of a document in order, each within the limit. White space alone gives an empty list.

        Passages do not overlap, and every character that is not white space is in a passage. Tables that do not fit
        are an exception: the bars of empty cells at the end of a row, and the line of dashes below a header that is too
        wide, may be left out. `p.text` of a passage `p`
        is `document.text[p.start:p.end]`, without the comments and data of Markdown files. Of such files, `p.read_as`
        is the text without targets of links, entities and tags. If the passage begins inside a table or a record
        (`document.columns`), the names of the columns, or the first column of the record, are repeated before the text.

        Formats with Markdown text (metadata "format") are split at headings, and the titles of their passages name the
        headings above: "Guide > Install". A title is shortened if it needs more than a sixth of the limit. The heading
        of the whole page is left out of the titles if it repeats or extends the document's title.

        Raises:
            InvalidInput: The text or the title has half of a surrogate pair, or a single character exceeds the limit.
        """
        for part, value in (("text", document.text), ("title", document.title)):
            if bad := SURROGATE.search(value):
                raise InvalidInput(
                    f"the {part} of document {document.id!r} has half of a surrogate pair at {bad.start()}, which "
                    "UTF-8 cannot store: replace it, for example with U+FFFD"
                )
        markdown = parse(document.text) if format_of(document.metadata) in MARKDOWN_SOURCES else None
        if markdown is None:
            return self._passages_of(document)
        return [_as_written(item, markdown) for item in self._passages_of(replace(document, text=markdown.shown))]

    def _passages_of(self, document: Document) -> list[Passage]:
        outline = self._outline(document, document_headings(document))
        text = document.text
        whole = (len(text) - len(text.lstrip()), len(text.rstrip()))
        if whole[0] >= whole[1]:
            return []
        for spans in self._attempts(document, whole, outline):
            titled = list(_titled(spans, outline))
            if all(self._fits(title, span.head + text[span.start : span.end]) for span, title in titled):
                return _passages(document, titled)
        return _passages(document, [piece for span, title in titled for piece in self._cut(text, span, title)])

    def _attempts(self, document: Document, whole: tuple[int, int], outline: _Outline) -> Iterator[list[Span]]:
        """Yield ways to split the text, the cheapest first, the last one by exact counts."""
        text = document.text
        if whole[1] - whole[0] <= self.limit * _CHARS_PER_TOKEN:
            yield [Span(*whole, 7)]
        costs = [self.count_tokens(f"{title}\n") - self._empty for title in set(outline.titles) if title]
        room = self.limit - max(costs, default=0)
        layout = layout_of(document)
        for cost in (self._estimate, self._exact):
            if document.columns:
                pieces = record_pieces(text, document.columns, room, cost, partial(chunks, cost=cost))
                yield [Span(start, end, 7, head) for start, end, head in pieces]
            else:
                yield _merge(text, _sections(text, outline.headings, room, cost, layout), room, cost)

    def _exact(self, text: str) -> int:
        """Return the tokens of a text. A long run of characters counts by its length: it may be one unknown token."""
        return max(self.count_tokens(text), self._empty + len(text) // _CHARS_PER_TOKEN)

    def _estimate(self, text: str) -> int:
        """Return about the number that `_exact` returns, from the counts of the words."""
        words = text.split() if text.isascii() else _UNSPACED.findall(text)
        return self._empty + max(sum(map(self._words.__getitem__, words)), len(text) // _CHARS_PER_TOKEN)

    def _fits(self, title: str, text: str) -> bool:
        return self.count_tokens(f"{title}\n{text}" if title else text) <= self.limit

    def _outline(self, document: Document, section_headings: Sequence[Heading]) -> _Outline:
        """Return the titles that a passage can have: the document's own and one per heading, short enough."""
        own = one_line(document.title)
        page = page_heading(own, section_headings)
        above: list[Heading] = []
        titles = [self._short((own,))]
        known: dict[tuple[str, ...], str] = {}
        for heading in section_headings:
            above = [*(other for other in above if other.level < heading.level), heading]
            words = (own, *(other.title for other in above if other is not page))
            parts = tuple(dict.fromkeys(part for part in words if part))
            titles.append(known.get(parts) or known.setdefault(parts, self._short(parts)))
        return _Outline(section_headings, titles)

    def _short(self, parts: tuple[str, ...]) -> str:
        """Return the parts joined by " > ". Left out until it fits: the middle parts, the first part, the end."""
        most = self._empty + (self.limit - self._empty) // 6
        for title in (PATH.join(parts), f"{parts[0]}{PATH}{parts[-1]}" if len(parts) > 1 else parts[-1]):
            if self._exact(title) <= most:
                return title
        title = parts[-1]
        while title and (cost := self._exact(title)) > most:
            title = title[: min(len(title) - 1, len(title) * most // cost)].rstrip()
        return title

    def _cut(self, text: str, span: Span, title: str) -> Iterator[tuple[Span, str]]:
        """Yield a span and its title, halved until they fit: for models whose counts of the parts do not add up."""
        start, end, level, head = span
        if self._fits(title, head + text[start:end]):
            yield span, title
        elif end - start > 1:
            middle = start + middle_cut(text[start:end])
            names = head or header_at(text[start:end], middle - start)
            names = names if self.count_tokens(names) <= self.limit // 2 else ""
            yield from self._cut(text, Span(start, middle, level, head), title)
            yield from self._cut(text, Span(middle, end, level, names), title)
        elif head:
            yield from self._cut(text, Span(start, end, level), title)
        elif title:
            yield from self._cut(text, span, "")
        else:
            raise InvalidInput(
                f"the character {text[start:end]!r} alone exceeds the passage limit of {self.limit} tokens: give a "
                "larger limit"
            )


def _sections(text: str, section_headings: Sequence[Heading], room: int, cost: _Cost, layout: Layout) -> Iterator[Span]:
    """Yield the text split at its headings, and split further if a section costs more than `room`."""
    starts = [(0, 0, 7), *((heading.start, heading.end, heading.level) for heading in section_headings)]
    ends = [*(start for start, _, _ in starts[1:]), len(text)]
    parent: Span | None = None
    for number, ((start, body, level), end) in enumerate(zip(starts, ends, strict=True)):
        if parent:
            start, level = parent.start, parent.level
        if number + 1 < len(starts) and level < starts[number + 1][2] and text[body:end].isspace():
            parent = Span(start, end, level)
            continue
        parent = None
        if cost(text[start:end]) <= room:
            yield Span(start, end, level)
            continue
        head = cost(text[start:body]) - cost("") if body > start else 0
        if head > room // 2:
            head, body = 0, start
        for first, last, names in section_pieces(text[body:end], room - head, cost, layout):
            yield Span(start if start < body else body + first, body + last, level, names)
            start = body


def _merge(text: str, spans: Iterator[Span], room: int, cost: _Cost) -> list[Span]:
    """Return the spans, small ones joined to the last one if both fit. A heading of higher rank starts a new span."""
    small = room // 4
    merged: list[Span] = []
    last_cost = 0
    for span in spans:
        span_cost = cost(span.head + text[span.start : span.end])
        if merged and min(span_cost, last_cost) < small and _may_join(merged[-1], span):
            joined = merged[-1]._replace(end=span.end)
            joined_cost = (
                cost(joined.head + text[joined.start : joined.end]) if span_cost + last_cost <= 2 * room else room + 1
            )
            if joined_cost <= room:
                merged[-1], last_cost = joined, joined_cost
                continue
        merged.append(span)
        last_cost = span_cost
    return merged


def _may_join(before: Span, span: Span) -> bool:
    return span.level >= before.level and span.head in ("", before.head)


def _titled(spans: Sequence[Span], outline: _Outline) -> Iterator[tuple[Span, str]]:
    last = 0
    for span in spans:
        title, last = outline.title_at(span.start, last)
        yield span, title


def _passages(document: Document, titled: Sequence[tuple[Span, str]]) -> list[Passage]:
    """Return the parts as passages, without white space at their ends. Parts of white space alone are left out."""
    passages: list[Passage] = []
    for (start, end, _, head), title in titled:
        piece = document.text[start:end]
        start += len(piece) - len(piece.lstrip())
        text = piece.strip()
        if text:
            name = f"{document.id}#{len(passages)}"
            metadata = dict(document.metadata)
            passages.append(Passage(name, head + text, document.id, title, start, start + len(text), metadata))
    return passages


def _as_written(passage: Passage, markdown: Markdown) -> Passage:
    """Return a passage of `markdown.shown` with its places in the whole text, and with what models read."""
    start, end = markdown.place(passage.start), markdown.place(passage.end - 1) + 1
    head = passage.text[: len(passage.text) - (passage.end - passage.start)]
    body = read_form(head) + markdown.read(start, end).strip()
    return replace(passage, start=start, end=end, read_as="" if body == passage.text else body)
