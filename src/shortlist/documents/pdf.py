"""PDF files: one document a page."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from shortlist.documents.decoding import clean, read_bytes
from shortlist.documents.metadata import metadata
from shortlist.documents.source import Found, Skipped, Source
from shortlist.errors import InvalidInput
from shortlist.types import Document

if TYPE_CHECKING:
    from pypdf import PdfReader

_NO_TEXT = "no text found; scanned pages need OCR first"
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
"""What pypdf lets through, beyond its own errors, when a file's structure is not what it expects."""


def read(source: Source) -> Iterator[Found | Skipped]:
    """One document a page that has text, with the metadata field "page" from 1, titled as the file is."""
    reader = _open(read_bytes(source.path))
    title = _title(reader) or source.path.stem
    blank: list[Skipped] = []
    pages = _count(reader)
    for number in range(1, pages + 1):
        place = f"page {number}"
        try:
            text, lost = clean(_text(reader, number - 1))
        except InvalidInput as error:
            yield Skipped(source.name, place, str(error))
            continue
        if not text.strip():
            blank.append(Skipped(source.name, place, _NO_TEXT))
            continue
        fields = metadata(source, {"page": number}, lost)
        yield Found(place, Document(f"{source.name}#page={number}", text, title, fields))
    if len(blank) == pages:
        yield Skipped(source.name, "", _NO_TEXT)
    else:
        yield from blank


@contextmanager
def _errors_as(what: str) -> Iterator[None]:
    """Turns what goes wrong inside pypdf into InvalidInput and keeps its log lines back meanwhile."""
    import zlib

    from pypdf.errors import PyPdfError

    logger = logging.getLogger("pypdf")
    level = logger.level
    logger.setLevel(logging.CRITICAL + 1)
    try:
        yield
    except (PyPdfError, zlib.error, *_BROKEN) as error:
        raise InvalidInput(f"{what}: {error or type(error).__name__}") from error
    finally:
        logger.setLevel(level)


def _open(data: bytes) -> PdfReader:
    from pypdf import PdfReader
    from pypdf.errors import DependencyError

    with _errors_as("not readable as PDF"):
        reader = PdfReader(io.BytesIO(data))
        try:
            locked = reader.is_encrypted and not reader.decrypt("")
        except DependencyError as error:
            raise InvalidInput("encrypted; save it without a password first") from error
    if locked:
        raise InvalidInput("encrypted; save it without a password first")
    return reader


def _count(reader: PdfReader) -> int:
    with _errors_as("not readable as PDF"):
        return len(reader.pages)


def _title(reader: PdfReader) -> str:
    """The title in the file's metadata; "" where there is none, or where it is broken."""
    try:
        with _errors_as("no title"):
            title = reader.metadata.title if reader.metadata else None
    except InvalidInput:
        return ""
    return " ".join(clean(title)[0].split()) if isinstance(title, str) else ""


def _text(reader: PdfReader, page: int) -> str:
    with _errors_as("the page can't be read"):
        return reader.pages[page].extract_text()
