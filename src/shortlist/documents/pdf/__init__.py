"""PDF: one document per page.

The library is pypdfium2, which is the engine of a browser with the positions of all characters. pypdf has no positions
of the cells in a row, reads other ciphers only with a further package, and cannot draw a page for OCR. pdfplumber finds
tables, and takes eight times as long (20 pages of the manual of gnuplot).
"""

from __future__ import annotations

import struct
import threading
import zlib
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from shortlist.documents.decoding import character_note, clean, read_bytes
from shortlist.documents.metadata import metadata
from shortlist.documents.ocr import read_image
from shortlist.documents.pdf.layout import PageTable
from shortlist.documents.pdf.text import page_text
from shortlist.documents.source import Record, Skipped, Source, Unreadable
from shortlist.documents.symbols import with_symbols
from shortlist.documents.titles import best_title
from shortlist.models.vocabulary import known_words
from shortlist.text.line_ends import LineEnds
from shortlist.types import Document, Note

if TYPE_CHECKING:
    from pypdfium2 import PdfDocument, PdfPage

_ONE_AT_A_TIME = threading.Lock()
"""PDFium must not be called from two threads at the same time."""

_WRONG_PASSWORD = 4
_OTHER_CIPHER = 5
_DOTS_PER_INCH = 200
_MOST_PIXELS = 40_000_000
_MOST_ANNOTATIONS = 5000


def read(source: Source) -> Iterator[Record | Skipped]:
    """Yield one document per page with text. The metadata field "page" counts from 1. The title is that of the file.

    Tables become Markdown tables. Words that are broken at the ends of lines are joined: see `text.line_ends`. A page
    without text is read by the OCR of the options, and has the metadata field "ocr"; without OCR it is skipped.
    """
    data = read_bytes(source.path)
    with _ONE_AT_A_TIME, _errors():
        document = _open(data, source.options.password)
    with closing(document):
        with _ONE_AT_A_TIME:
            title, pages = best_title(source, _title(document)), len(document)
        blank: list[Skipped] = []
        reader = _Reader(source, document, title, LineEnds(known_words()))
        for number in range(1, pages + 1):
            for item in reader.page(number):
                if isinstance(item, Skipped) and item.note.code == "no_page_text":
                    blank.append(item)
                else:
                    yield item
        if len(blank) == pages:
            yield Skipped(source.name, "", Note("no_page_text"))
        else:
            yield from blank


def own_title(path: Path) -> str:
    """Return the title in the metadata of a file, or "" if it has none or needs a password.

    Raises:
        Unreadable: The file is larger than the limit, or no PDF.
        OSError: The file cannot be read.
    """
    data = read_bytes(path)
    with _ONE_AT_A_TIME, _errors(), closing(_open(data, ())) as document:
        return _title(document)


def _title(document: PdfDocument) -> str:
    return clean(" ".join(document.get_metadata_value("Title").split()))[0]


@dataclass
class _Reader:
    """The pages of a document. `table` is the table that ends the page that was read last."""

    source: Source
    document: PdfDocument
    title: str
    line_ends: LineEnds
    table: PageTable | None = None

    def page(self, number: int) -> Iterator[Record | Skipped]:
        """Yield the document of a page, or why it cannot be read."""
        place, ocr = f"page {number}", self.source.options.ocr
        try:
            with _ONE_AT_A_TIME, _errors(page=True), closing(_loaded(self.document, number)) as page:
                text, self.table = page_text(page, self.table)
                image = _png(page) if ocr and not text.strip() else b""
            text = read_image(image, ocr).strip() if image and ocr else text
        except Unreadable as error:
            self.table = None
            yield Skipped(self.source.name, place, error.note)
            return
        if not text.strip():
            yield Skipped(self.source.name, place, Note("no_page_text"))
            return
        text, lost = clean(with_symbols(self.line_ends.rejoined(text)))
        fields = metadata(self.source, {"page": number, **({"ocr": True} if image else {})})
        yield from character_note(self.source, lost, place)
        yield Record(place, Document(f"{self.source.name}#page={number}", text, self.title, fields))


def _loaded(document: PdfDocument, number: int) -> PdfPage:
    """Return a page with the values of its form fields and the texts that were typed onto it as part of its content."""
    import pypdfium2.raw as raw

    page = document[number - 1]
    for place in range(min(raw.FPDFPage_GetAnnotCount(page), _MOST_ANNOTATIONS)):
        note = raw.FPDFPage_GetAnnot(page, place)
        kind = raw.FPDFAnnot_GetSubtype(note)
        raw.FPDFPage_CloseAnnot(note)
        if kind in (raw.FPDF_ANNOT_WIDGET, raw.FPDF_ANNOT_FREETEXT):
            raw.FPDFPage_Flatten(page, raw.FLAT_NORMALDISPLAY)
            page.close()
            return document[number - 1]
    return page


@contextmanager
def _errors(page: bool = False) -> Iterator[None]:
    """Raise errors of PDFium as `Unreadable`."""
    from pypdfium2 import PdfiumError

    try:
        yield
    except PdfiumError as error:
        if error.err_code in (_WRONG_PASSWORD, _OTHER_CIPHER):
            raise Unreadable(Note("encrypted")) from error
        words = str(error)
        note = Note("page_broken", error=words) if page else Note("broken", format="PDF", error=words)
        raise Unreadable(note) from error


def _open(data: bytes, passwords: Any) -> PdfDocument:
    """Return the document, opened without a password or with the first one that fits."""
    from pypdfium2 import PdfDocument, PdfiumError

    for password in (None, *passwords):
        try:
            return PdfDocument(data, password)
        except PdfiumError as error:
            if error.err_code != _WRONG_PASSWORD:
                raise
    raise Unreadable(Note("encrypted"))


def _png(page: PdfPage) -> bytes:
    """Return a page as a PNG image in shades of grey."""
    width, height = page.get_size()
    dots = _DOTS_PER_INCH / 72
    dots = min(dots, (_MOST_PIXELS / max(width * height, 1.0)) ** 0.5)
    bitmap = page.render(scale=dots, grayscale=True)
    try:
        pixels, stride = bytes(bitmap.buffer), bitmap.stride
        rows = (b"\0" + pixels[row * stride : row * stride + bitmap.width] for row in range(bitmap.height))
        head = struct.pack(">2I5B", bitmap.width, bitmap.height, 8, 0, 0, 0, 0)
        chunks = ((b"IHDR", head), (b"IDAT", zlib.compress(b"".join(rows), 6)), (b"IEND", b""))
        return b"\x89PNG\r\n\x1a\n" + b"".join(map(_chunk, chunks))
    finally:
        bitmap.close()


def _chunk(chunk: tuple[bytes, bytes]) -> bytes:
    name, body = chunk
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
