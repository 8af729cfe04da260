"""Documents to passages, and passages to snippets. Pure functions of their text."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterator

from shortlist.errors import InvalidInput
from shortlist.types import Document, Passage

MARKDOWN_LIKE = {"md", "html", "docx"}
HEADING = re.compile(r"^(#{1,6})[ \t]+(.+?)[ \t#]*$", re.MULTILINE)
WORD = re.compile(r"\w+")


class Splitter:
    """Cuts documents at section, paragraph and sentence ends so that each passage fits.

    `limit` bounds `count_tokens(passage.content)`, title included, for every passage. The cutting itself is
    done by semantic-text-splitter, which knows Markdown and Unicode sentences.
    """

    def __init__(self, count_tokens: Callable[[str], int], limit: int) -> None:
        if limit < 8:
            raise InvalidInput(f"a passage limit of {limit} tokens is too small: give at least 8")
        self.count_tokens = count_tokens
        self.limit = limit

    def split(self, document: Document) -> list[Passage]:
        """The document's passages in order, without overlap; a document of white space gives none.

        `document.text[p.start:p.end] == p.text` for each, and every other character is white space.
        """
        markdown = document.metadata.get("format") in MARKDOWN_LIKE
        headings = _headings(document.text) if markdown else []
        passages = []
        for number, (start, text) in enumerate(self._cut(document.text, markdown)):
            title = self._title(_path(document.title, headings, start), text)
            end = start + len(text)
            passages.append(Passage(f"{document.id}#{number}", text, document.id, title, start, end, document.metadata))
        return passages

    def _cut(self, text: str, markdown: bool) -> Iterator[tuple[int, str]]:
        from semantic_text_splitter import MarkdownSplitter, TextSplitter

        most = self.limit - self.limit // 5
        make = MarkdownSplitter if markdown else TextSplitter
        for start, piece in make.from_callback(self.count_tokens, (most // 2, most), trim=True).chunk_indices(text):
            stripped = piece.strip()
            if stripped:
                yield start + piece.index(stripped), stripped

    def _title(self, title: str, text: str) -> str:
        """`title`, losing words from the front until it fits beside `text`."""
        room = self.limit - self.count_tokens(text)
        while title and self.count_tokens(title) > room:
            _, _, title = title.partition(" ")
        return title.strip("> ")


def _headings(text: str) -> list[tuple[int, int, str]]:
    """`(offset, level, heading)` of each Markdown heading outside fenced code."""
    found = []
    fences = [match.start() for match in re.finditer(r"^(```|~~~)", text, re.MULTILINE)]
    for match in HEADING.finditer(text):
        if bisect_right(fences, match.start()) % 2 == 0:
            found.append((match.start(), len(match[1]), match[2].strip()))
    return found


def _path(title: str, headings: list[tuple[int, int, str]], start: int) -> str:
    """The document's title and the headings that stand above `start`, outermost first, without repeats."""
    above: list[tuple[int, str]] = []
    for offset, level, heading in headings:
        if offset > start:
            break
        above = [(other, text) for other, text in above if other < level]
        above.append((level, heading))
    parts = [title, *(text for _, text in above)]
    return " > ".join(dict.fromkeys(part for part in parts if part))


def snippet(text: str, query: str, width: int = 160) -> str:
    """The stretch of `text` that shares most words with `query`, on one line, with "..." where it is cut."""
    line = " ".join(text.split())
    if len(line) <= width:
        return line
    wanted = {word.lower() for word in WORD.findall(query)}
    places = [match.start() for match in WORD.finditer(line) if match[0].lower() in wanted]
    best, most = 0, -1
    for place in places:
        inside = bisect_right(places, place + width) - bisect_right(places, place - 1)
        if inside > most:
            best, most = place, inside
    start = max(0, min(best - width // 5, len(line) - width))
    cut = line[start : start + width]
    if start:
        cut = "..." + cut.partition(" ")[2]
    return cut.rpartition(" ")[0] + "..." if start + width < len(line) else cut
