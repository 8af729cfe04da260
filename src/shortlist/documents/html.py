"""HTML: one document per file, as light Markdown.

The libraries markdownify and trafilatura are not used. On the examples of the tests, markdownify gives another text for
18 of 20: optional end tags stay open, and tables get header rows. trafilatura gives another text for 17 of 19, because
it extracts the main content, and drops headings and short pages.
"""

from __future__ import annotations

import codecs
import re
import warnings
from collections.abc import Iterator
from html import unescape
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from shortlist.documents.decoding import clean, decode, guess_note, read_bytes
from shortlist.documents.html_hidden import remove_hidden
from shortlist.documents.html_lists import ListNumbers
from shortlist.documents.html_math import math_text
from shortlist.documents.html_tables import table_markdown
from shortlist.documents.metadata import metadata
from shortlist.documents.source import Record, Skipped, Source, Unreadable
from shortlist.documents.titles import best_title, is_placeholder
from shortlist.text import headings
from shortlist.text.raised import raised
from shortlist.types import Document, Note

if TYPE_CHECKING:
    from bs4 import BeautifulSoup, Tag
    from bs4.element import PageElement

_CHARSET = re.compile(
    rb"""<meta[^>]{0,200}?charset\s*=\s*["']?([\w.:-]{1,40})|<\?xml[^>]{0,200}?encoding=["']([\w.-]+)""", re.I
)
_READ_AS = {
    "ascii": "cp1252",
    **dict.fromkeys(("utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be"), "utf-8"),
}
"""Declared encodings, by Python's name, that browsers replace: by a superset, or by UTF-8 if a page in the declared
encoding could not be read up to its declaration."""

_DROPPED = ("script", "style", "nav", "template", "noscript", "svg", "title", "iframe", "object", "canvas")
_BLOCKS = re.compile(
    "address|article|aside|blockquote|body|center|details|dialog|div|dl|fieldset|figcaption|figure|footer|form|"
    "header|hr|legend|main|ol|p|section|select|summary|table|ul"
)
_HEADINGS = {f"h{level}": "#" * level for level in range(1, 7)}
_HEAD = 32_000
_TITLE = re.compile(r"<title[^<>]*>([^<]*)", re.I)
_NEAR = 20
"""How many parents a line break has to look at for a heading. Without end tags, paragraphs are nested."""

_SPACE = re.compile(r"[ \t\r\n\f]+")
_AROUND_BREAK = re.compile(r"[ \t]*\n[ \t]*")
_LONE_MARK = re.compile(r"^:\n+", re.MULTILINE)
_ITEM = re.compile("\ue004\\s*")
_BREAKS = re.compile(r"\n{3,}")
_KEPT = re.compile("(\ue000[0-9]+\ue001)")
_EMPTY_HEADING = re.compile("(?:\ue002#+\\s*)+(?=\ue003|\ue000)")
_HEADING = re.compile("(?:\ue002#+\\s*)*\ue002(#+)\\s*")
_MARKS = str.maketrans("", "", "\ue000\ue001\ue002\ue003\ue004")


class Page(NamedTuple):
    """A page as text: its title ("" if it has none), its Markdown, and the number of bytes that are not text.

    `guessed` is the encoding if that is a guess, or "". `heading` is the first <h1>, or "". `hidden` is the number of
    hidden elements that are left out.
    """

    title: str
    text: str
    replaced: int
    guessed: str = ""
    heading: str = ""
    hidden: int = 0


def read(source: Source) -> Iterator[Record | Skipped]:
    """Yield the page as one document. Its title is <title>, the first <h1> or other heading, or the file name.

    A <title> that is a placeholder, or that all pages of the folder have, is left out: see `titles`.

    Scripts, styles, <nav>, <template>, <noscript>, <svg>, <iframe>, <object>, <canvas> and the page's footer are left
    out. Hidden elements are left out and counted: see `html_hidden`. An image becomes its alternative text.
    """
    page = read_page(read_bytes(source.path), given=source.options.encoding)
    fields = metadata(source, replaced_bytes=page.replaced)
    yield from guess_note(source, page.guessed)
    title = best_title(source, page.title, chain([page.heading], (heading.title for heading in headings(page.text))))
    yield Record("", Document(source.name, page.text, title, fields))
    yield from hidden_note(source, page.hidden)


def hidden_note(source: Source, count: int, place: str = "") -> Iterator[Skipped]:
    """Yield the report of the hidden elements of a page, if there are any."""
    if count:
        yield Skipped(source.name, place, Note("part_left_out", part="hidden elements", count=count, include=""))


def own_title(path: Path) -> str:
    """Return the <title> of a page whose head is short, or "". Raises OSError if the file cannot be read."""
    with path.open("rb") as file:
        start = file.read(_HEAD)
    try:
        markup = decode(start, declared_encoding(start)).text
    except Unreadable:
        return ""
    words = _TITLE.search(markup)
    return clean(" ".join(unescape(words[1]).split()))[0] if words else ""


def read_page(data: bytes, charset: str | None = None, given: str = "") -> Page:
    """Return a page from its bytes. `charset` is the encoding that a mail or a server declares for it.

    `given` is the codec of the user for pages that declare no encoding and are not UTF-8.

    Raises:
        Unreadable: The bytes are not text, or the page is nested too deeply.
    """
    markup, replaced, guessed = decode(data, charset or declared_encoding(data[:4096]), given)
    return parse_page(markup, replaced)._replace(guessed=guessed)


def parse_page(markup: str, replaced: int = 0) -> Page:
    """Return a page from its markup.

    Raises:
        Unreadable: The page is nested too deeply.
    """
    page = _parse(markup)
    hidden = remove_hidden(page, markup)
    text, lost = clean(_markdown(page))
    if hidden and not text:  # a script shows what is hidden
        page, hidden = _parse(markup), 0
        text, lost = clean(_markdown(page))
    title, heading = _first(page, "title"), _first(page, "h1")
    return Page(heading if is_placeholder(title) else title, text, replaced + lost, heading=heading, hidden=hidden)


def declared_encoding(start: bytes) -> str | None:
    """Return the encoding for a page that declares one, or None if it declares none that Python knows."""
    charset = _CHARSET.search(start)
    if not charset:
        return None
    try:
        name = codecs.lookup((charset[1] or charset[2]).decode("ascii")).name
    except LookupError:
        return None
    return _READ_AS.get(name, name)


def _parse(markup: str) -> BeautifulSoup:
    from bs4 import BeautifulSoup, MarkupResemblesLocatorWarning, XMLParsedAsHTMLWarning
    from bs4.exceptions import ParserRejectedMarkup

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", MarkupResemblesLocatorWarning)
        warnings.simplefilter("ignore", XMLParsedAsHTMLWarning)
        try:
            return BeautifulSoup(markup, "html.parser")
        except (ParserRejectedMarkup, RecursionError) as error:
            raise Unreadable(Note("broken", format="HTML", error=str(error))) from error


def _first(page: BeautifulSoup, name: str) -> str:
    """Return the words of the first tag with this name that is no part of a drawing, or ""."""
    tag = next((tag for tag in page.find_all(name) if tag.find_parent("svg") is None), None)
    return clean(" ".join(tag.get_text(" ").split()))[0] if tag else ""


def _markdown(page: BeautifulSoup) -> str:
    """Return the page's text as light Markdown.

    Headings are lines "# ...", list items "- ..." or "1. ...", definitions ": ..." below their terms, and tables as in
    Markdown.
    """
    kept: list[str] = []
    written = _HEADING.sub(r"\1 ", _EMPTY_HEADING.sub("", "".join(_pieces(page, kept)))).replace("\ue003", "")
    text = _AROUND_BREAK.sub("\n", re.sub(" {2,}", " ", written))
    text = _ITEM.sub(" ", _LONE_MARK.sub(": ", text))
    text = _BREAKS.sub("\n\n", text).strip()
    return "".join(kept[int(part[1:-1])] if number % 2 else part for number, part in enumerate(_KEPT.split(text)))


def _pieces(page: BeautifulSoup, kept: list[str]) -> Iterator[str]:
    """Yield the text in pieces. Preformatted text goes to `kept`, and its number between private marks takes its place.

    Private marks are at both ends of a heading, too, because breaks between the mark and the text, such as those of a
    <div>, can only be removed when the whole text is written.
    """
    from bs4 import CData, Tag
    from bs4.element import NavigableString

    numbers = ListNumbers()
    waiting: list[Tag | NavigableString | str] = [page]
    while waiting:
        node = waiting.pop()
        if isinstance(node, str) and not isinstance(node, NavigableString):
            yield node
        elif isinstance(node, Tag):
            if node.name == "pre":
                kept.append(f"```\n{node.get_text().strip(chr(10))}\n```")
                yield f"\n\n\ue000{len(kept) - 1}\ue001\n\n"
            elif node.name == "img":
                yield _image(node)
            elif written := _written(node):
                yield written
            elif node.name == "table" and (table := table_markdown(node, _table_nodes(node, numbers))) is not None:
                kept.append(table)
                yield f"\n\n\ue000{len(kept) - 1}\ue001\n\n"
            elif not _dropped(node):
                before, after = (f"\n{numbers.label(node)}\ue004", "") if node.name == "li" else _around(node)
                yield before
                waiting.append(after)
                waiting.extend(child for child in reversed(node.contents) if isinstance(child, Tag | NavigableString))
        elif type(node) in (NavigableString, CData):
            yield _SPACE.sub(" ", node.translate(_MARKS))


def _table_nodes(table: Tag, numbers: ListNumbers) -> Iterator[PageElement | str]:
    """Yield the tags of a table and its texts, as plain strings, in document order, without what is left out."""
    from bs4 import CData, Tag
    from bs4.element import NavigableString

    waiting: list[PageElement] = list(reversed(table.contents))
    while waiting:
        node = waiting.pop()
        if isinstance(node, Tag):
            if node.name == "img":
                yield _image(node)
            elif written := _written(node):
                yield written
            elif node.name == "li":
                yield f" {numbers.label(node)} "
                waiting.extend(reversed(node.contents))
            elif not _dropped(node):
                yield node
                waiting.extend(reversed(node.contents))
        elif type(node) in (NavigableString, CData):
            yield str(node).translate(_MARKS)


def _written(tag: Tag) -> str:
    """Return the text of an equation or of a raised number, or "" for other tags."""
    if tag.name == "math":
        return math_text(tag).translate(_MARKS)
    return _power(tag) if tag.name == "sup" else ""


def _power(tag: Tag) -> str:
    """Return a raised number or letter with a "^", or "" if the tag holds other text."""
    from bs4.element import NavigableString

    before = tag.previous_sibling
    text = tag.get_text() if len(tag.contents) == 1 and isinstance(before, NavigableString) else ""
    power = raised(str(before), text) if text else ""
    return power if power != text else ""


def _image(tag: Tag) -> str:
    """Return the alternative text of an image."""
    return _SPACE.sub(" ", f" {tag.get('alt') or ''} ".translate(_MARKS))


def _around(tag: Tag) -> tuple[str, str]:
    """Return the text before and after the content of a tag.

    The parser does not add optional end tags: a cell may be nested in the cell before it.
    """
    if tag.name in _HEADINGS:
        return f"\n\n\ue002{_HEADINGS[tag.name]}", "\ue003\n\n"
    if tag.name in ("p", "div") and tag.parent is not None and tag.parent.name in ("td", "th"):
        return " ", " "
    if _BLOCKS.fullmatch(tag.name):
        return "\n\n", "\n\n"
    if tag.name == "dt":
        return "\n\n", ""
    if tag.name == "dd":
        return "\n: ", "\n\n"
    if tag.name in ("tr", "option"):
        return "\n", ""
    if tag.name in ("td", "th"):
        before = tag.find_previous(["td", "th", "tr", "table"])
        return " | " if before is not None and before.name in ("td", "th") else "", ""
    if tag.name == "br":
        return " " if any(parent.name in _HEADINGS for parent in islice(tag.parents, _NEAR)) else "\n", ""
    return "", ""


def _dropped(tag: Tag) -> bool:
    """Return whether a tag is left out. The footer of an article is not."""
    return tag.name in _DROPPED or (tag.name == "footer" and tag.find_parent(["article", "main"]) is None)
