"""Word documents: one document per file, as light Markdown.

The library mammoth is not used, because it writes every cell of a table as a paragraph, and escapes punctuation that is
no Markdown mark. python-docx opens the file; it does not resolve numbers, equations, notes and merged cells.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from shortlist.documents.decoding import character_note, clean, read_bytes
from shortlist.documents.docx.body import Body
from shortlist.documents.docx.parts import Parts
from shortlist.documents.metadata import metadata
from shortlist.documents.office import errors, transitional
from shortlist.documents.source import Record, Skipped, Source, Unreadable
from shortlist.documents.titles import best_title
from shortlist.text import headings
from shortlist.types import Document, Note


def read(source: Source) -> Iterator[Record | Skipped]:
    """Yield the file as one document. Its title is that of its properties, its first heading, or the file name.

    Headings become "# ..." lines, list items "- ..." or lines with their number, tables Markdown tables, and equations
    one line of text. The text of a box follows the paragraph that holds it, and so does a footnote. Comments, headers
    and footers are read if the options include them. What is left out is counted.
    """
    data = read_bytes(source.path)
    with _errors():
        word = _open(data)
        parts = Parts.of(word, source.options.include)
        body = Body(parts)
        blocks = [*parts.headers(), *body.blocks(word.element.body), *parts.footers()]
        text, lost = clean("\n\n".join(block for block in blocks if block.strip()))
        own = clean(" ".join((word.core_properties.title or "").split()))[0]
        title = best_title(source, own, (heading.title for heading in headings(text)))
    yield Record("", Document(source.name, text, title, metadata(source)))
    yield from character_note(source, lost)
    for part, count, include in parts.left_out(word.element.body):
        yield Skipped(source.name, "", Note("part_left_out", part=part, count=count, include=include))


@contextmanager
def _errors() -> Iterator[None]:
    """Raise errors inside python-docx, and its zip and XML readers, as `Unreadable`."""
    from docx.opc.exceptions import OpcError

    try:
        with errors(".docx"):
            yield
    except OpcError as error:
        raise Unreadable(Note("broken", format=".docx", error=str(error) or type(error).__name__)) from error


def _open(data: bytes) -> Any:
    import docx

    return docx.Document(io.BytesIO(transitional(data)))
