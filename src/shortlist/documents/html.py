"""HTML pages: one document a file, as light markdown."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator
from typing import TYPE_CHECKING

from shortlist.documents.decoding import clean, decode, read_bytes
from shortlist.documents.metadata import metadata
from shortlist.documents.source import Found, Skipped, Source
from shortlist.errors import InvalidInput
from shortlist.types import Document

if TYPE_CHECKING:
    from bs4 import BeautifulSoup, Tag

_CHARSET = re.compile(
    rb"""<meta[^>]{0,200}?charset\s*=\s*["']?([\w.:-]{1,40})|<\?xml[^>]{0,200}?encoding=["']([\w.-]+)""", re.I
)
_DROPPED = ("script", "style", "nav", "template", "noscript", "svg", "head", "iframe", "object", "canvas")
_FURNITURE = ("header", "footer")
_BLOCKS = re.compile(
    "address|article|aside|blockquote|body|center|dd|details|dialog|div|dl|dt|fieldset|figcaption|figure|form|hr|"
    "legend|main|ol|p|section|summary|table|ul"
)
_HEADINGS = {f"h{level}": f"{'#' * level} " for level in range(1, 7)}
_SPACE = re.compile(r"[ \t\r\n\f]+")
_AROUND_BREAK = re.compile(r"[ \t]*\n[ \t]*")
_LONE_MARK = re.compile(r"^-\n+", re.MULTILINE)
_BREAKS = re.compile(r"\n{3,}")
_KEPT = re.compile("(\ue000[0-9]+\ue001)")


def read(source: Source) -> Iterator[Found | Skipped]:
    """The page as one document, titled by <title>, its first <h1> or its file name.

    Scripts, styles, navigation and the page's header and footer are left out.
    """
    data = read_bytes(source.path)
    declared = _CHARSET.search(data[:4096])
    name = next((part.decode("ascii") for part in declared.groups() if part), None) if declared else None
    markup, replaced = decode(data, name)
    page = _parse(markup)
    title = _title(page) or source.path.stem
    text, lost = clean(_markdown(page))
    yield Found("", Document(source.name, text, title, metadata(source, replaced_bytes=replaced + lost)))


def _parse(markup: str) -> BeautifulSoup:
    from bs4 import BeautifulSoup, MarkupResemblesLocatorWarning, XMLParsedAsHTMLWarning
    from bs4.exceptions import ParserRejectedMarkup

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", MarkupResemblesLocatorWarning)
        warnings.simplefilter("ignore", XMLParsedAsHTMLWarning)
        try:
            return BeautifulSoup(markup, "html.parser")
        except (ParserRejectedMarkup, RecursionError) as error:
            raise InvalidInput(f"not readable as HTML: {error}") from error


def _title(page: BeautifulSoup) -> str:
    for name in ("title", "h1"):
        tag = page.find(name)
        title = " ".join(tag.get_text(" ").split()) if tag else ""
        if title:
            return clean(title)[0]
    return ""


def _markdown(page: BeautifulSoup) -> str:
    """The page's text: headings as "# ..." lines, list items as "- ...", table cells parted by " | "."""
    kept: list[str] = []
    written = "".join(_pieces(page, kept))
    text = _AROUND_BREAK.sub("\n", re.sub(" {2,}", " ", written))
    text = _LONE_MARK.sub("- ", text)
    text = _BREAKS.sub("\n\n", text).strip()
    return "".join(kept[int(part[1:-1])] if number % 2 else part for number, part in enumerate(_KEPT.split(text)))


def _pieces(page: BeautifulSoup, kept: list[str]) -> Iterator[str]:
    """The text in pieces; preformatted text goes to `kept`, with its number between private marks in its place."""
    from bs4 import CData, Tag
    from bs4.element import NavigableString

    waiting: list[Tag | NavigableString | str] = [page]
    while waiting:
        node = waiting.pop()
        if isinstance(node, str) and not isinstance(node, NavigableString):
            yield node
        elif isinstance(node, Tag):
            if node.name == "pre":
                kept.append(f"```\n{node.get_text().strip(chr(10))}\n```")
                yield f"\n\n\ue000{len(kept) - 1}\ue001\n\n"
            elif not _dropped(node):
                before, after = _around(node)
                yield before
                waiting.append(after)
                waiting.extend(child for child in reversed(node.contents) if isinstance(child, Tag | NavigableString))
        elif type(node) in (NavigableString, CData):
            yield _SPACE.sub(" ", node.replace("\ue000", "").replace("\ue001", ""))


def _around(tag: Tag) -> tuple[str, str]:
    """What to write before and after a tag's content."""
    if tag.name in _HEADINGS:
        return f"\n\n{_HEADINGS[tag.name]}", "\n\n"
    if tag.name in ("p", "div") and tag.parent is not None and tag.parent.name in ("td", "th"):
        return " ", " "
    if _BLOCKS.fullmatch(tag.name):
        return "\n\n", "\n\n"
    if tag.name == "li":
        return "\n- ", ""
    if tag.name == "tr":
        return "\n", ""
    if tag.name in ("td", "th"):
        return "", " | " if tag.find_next_sibling(["td", "th"]) else ""
    return ("\n", "") if tag.name == "br" else ("", "")


def _dropped(tag: Tag) -> bool:
    """Whether a tag is no content; the header and footer of an article are."""
    return tag.name in _DROPPED or (tag.name in _FURNITURE and tag.find_parent(["article", "main"]) is None)
