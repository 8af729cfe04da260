"""PDF files, through pypdf: one document a page."""

from __future__ import annotations

import logging
from collections.abc import Iterator

from shortlist.documents.parts import Skipped, Source, make
from shortlist.types import Document


def read(source: Source) -> Iterator[Document | Skipped]:
    """Every page that has a text layer; pages without one, and broken or locked files, are skipped by name."""
    from pypdf import PdfReader
    from pypdf.errors import PyPdfError

    logging.getLogger("pypdf").setLevel(logging.ERROR)
    try:
        reader = PdfReader(source.path)
        if reader.is_encrypted and not reader.decrypt(""):
            yield Skipped(source.name, "", "the PDF is locked with a password")
            return
        title = (reader.metadata.title if reader.metadata else None) or source.path.stem
        pages = len(reader.pages)
    except (PyPdfError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        yield Skipped(source.name, "", f"broken PDF: {error}")
        return
    empty = 0
    for number in range(1, pages + 1):
        try:
            text = reader.pages[number - 1].extract_text().strip()
        except (PyPdfError, ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError) as error:
            yield Skipped(source.name, f"page {number}", f"broken page: {error}")
            continue
        if text:
            yield make(source, text, str(title), place=f"page={number}", extra={"page": number})
        else:
            empty += 1
    if empty:
        yield Skipped(source.name, f"{empty} of {pages} pages", "no text layer; scanned pages need OCR first")
