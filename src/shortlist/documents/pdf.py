"""PDF: one document per page."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from shortlist.documents.decoding import clean, read_bytes
from shortlist.documents.metadata import metadata
from shortlist.documents.source import Record, Skipped, Source, Unreadable
from shortlist.types import Document, Note

if TYPE_CHECKING:
    from pypdf import PdfReader

_BROKEN = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    EOFError,
    LookupError,
    MemoryError,
    RuntimeError,
    TypeError,
    ValueError,
)
"""What pypdf raises, besides its own errors, for a file with an unexpected structure."""


def read(source: Source) -> Iterator[Record | Skipped]:
    """Yield one document per page with text. The metadata field "page" counts from 1. The title is that of the file."""
    reader = _open(read_bytes(source.path))
    title = _title(reader) or source.path.stem
    blank: list[Skipped] = []
    with _errors():
        pages = len(reader.pages)
    for number in range(1, pages + 1):
        place = f"page {number}"
        try:
            with _errors(page=True):
                text, lost = clean(reader.pages[number - 1].extract_text())
        except Unreadable as error:
            yield Skipped(source.name, place, error.note)
            continue
        if not text.strip():
            blank.append(Skipped(source.name, place, Note("no_page_text")))
            continue
        fields = metadata(source, {"page": number}, lost)
        yield Record(place, Document(f"{source.name}#page={number}", text, title, fields))
    if len(blank) == pages:
        yield Skipped(source.name, "", Note("no_page_text"))
    else:
        yield from blank


@contextmanager
def _errors(page: bool = False) -> Iterator[None]:
    """Raise errors inside pypdf as `Unreadable`. Its log lines are suppressed."""
    import zlib

    from pypdf.errors import PyPdfError

    logger = logging.getLogger("pypdf")
    level = logger.level
    logger.setLevel(logging.CRITICAL + 1)
    try:
        yield
    except Unreadable:
        raise
    except (PyPdfError, zlib.error, *_BROKEN) as error:
        words = str(error) or type(error).__name__
        raise Unreadable(
            Note("page_broken", error=words) if page else Note("broken", format="PDF", error=words)
        ) from error
    finally:
        logger.setLevel(level)


def _open(data: bytes) -> PdfReader:
    from pypdf import PdfReader
    from pypdf.errors import DependencyError

    with _errors():
        reader = PdfReader(io.BytesIO(data))
        try:
            locked = reader.is_encrypted and not reader.decrypt("")
        except DependencyError as error:
            raise Unreadable(Note("encrypted")) from error
    if locked:
        raise Unreadable(Note("encrypted"))
    return reader


def _title(reader: PdfReader) -> str:
    """Return the title in the file's metadata, or "" if it is missing or broken."""
    try:
        with _errors():
            title = reader.metadata.title if reader.metadata else None
    except Unreadable:
        return ""
    return " ".join(clean(title)[0].split()) if isinstance(title, str) else ""
