"""Plain text and Markdown."""

from __future__ import annotations

import re
from collections.abc import Iterator

from shortlist.documents.parts import Skipped, Source, decode, make, notes
from shortlist.types import Document

FRONT_MATTER = re.compile(r"\A---\s*\n(.*?)\n---\s*\n", re.DOTALL)
TITLE_LINE = re.compile(r"^title:\s*['\"]?(.+?)['\"]?\s*$", re.MULTILINE | re.IGNORECASE)
FIRST_HEADING = re.compile(r"^#{1,2}[ \t]+(.+?)[ \t#]*$", re.MULTILINE)


def read(source: Source) -> Iterator[Document | Skipped]:
    """The file as one document."""
    decoded = decode(source.path.read_bytes())
    if decoded is None:
        yield Skipped(source.name, "", "binary content, not text")
        return
    text, replaced = decoded
    title = _markdown_title(text) if source.format == "md" else ""
    yield make(source, text, title or source.path.stem, extra=notes(replaced))


def _markdown_title(text: str) -> str:
    front = FRONT_MATTER.match(text)
    named = TITLE_LINE.search(front[1]) if front else None
    found = named or FIRST_HEADING.search(text)
    return found[1] if found else ""
