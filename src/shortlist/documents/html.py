"""HTML pages, through Beautiful Soup, as light Markdown."""

from __future__ import annotations

import re
from collections.abc import Iterator

from shortlist.documents.parts import Skipped, Source, decode, make, notes
from shortlist.types import Document

DROPPED = ("script", "style", "template", "noscript", "nav", "header", "footer", "svg", "form", "title")
BLOCKS = ("p", "div", "section", "article", "tr", "ul", "ol", "table", "blockquote", "pre", "dt", "dd", "main")


def read(source: Source) -> Iterator[Document | Skipped]:
    """The page as one document: headings as "#" lines, list items as "- " lines, menus and scripts left out."""
    from bs4 import BeautifulSoup

    decoded = decode(source.path.read_bytes())
    if decoded is None:
        yield Skipped(source.name, "", "binary content, not text")
        return
    text, replaced = decoded
    soup = BeautifulSoup(text, "html.parser")
    named = soup.title or soup.h1
    title = named.get_text(" ", strip=True) if named else source.path.stem
    for tag in soup(list(DROPPED)):
        tag.decompose()
    for level in range(1, 7):
        for tag in soup(f"h{level}"):
            tag.replace_with(f"\n\n{'#' * level} {tag.get_text(' ', strip=True)}\n\n")
    for tag in soup("li"):
        tag.insert(0, "\n- ")
    for tag in soup(["td", "th"]):
        tag.append(" | ")
    for tag in soup("br"):
        tag.replace_with("\n")
    for tag in soup(list(BLOCKS)):
        tag.append("\n\n")
    plain = re.sub(r"[ \t]+", " ", soup.get_text())
    plain = re.sub(r" ?\n ?", "\n", plain)
    yield make(source, re.sub(r"\n{3,}", "\n\n", plain).strip(), title, extra=notes(replaced))
