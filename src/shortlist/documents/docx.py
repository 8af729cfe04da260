"""Word documents: one document a file, as light markdown."""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from shortlist.documents.decoding import clean, read_bytes
from shortlist.documents.metadata import metadata
from shortlist.documents.source import Found, Skipped, Source
from shortlist.errors import InvalidInput
from shortlist.text import headings
from shortlist.types import Document

_OLD_FORMAT = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_LARGEST_CONTENT = 1_000_000_000
_PLACEHOLDER_TITLE = "Word Document"
_W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_FALLBACK = "{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback"
_TRANSPARENT = frozenset(_W + name for name in ("sdt", "sdtContent", "customXml", "ins", "moveTo"))
_LEFT_OUT = frozenset({_FALLBACK, *(_W + name for name in ("pPr", "rPr", "moveFrom"))})
_CHARACTERS = {f"{_W}tab": "\t", f"{_W}br": "\n", f"{_W}cr": "\n", f"{_W}noBreakHyphen": "-"}
_HEADING = re.compile(r"heading ([1-9])")
_BROKEN = (AssertionError, AttributeError, EOFError, LookupError, OSError, RuntimeError, TypeError, ValueError)
"""What python-docx lets through, beyond its own errors, when a file's structure is not what it expects."""


def read(source: Source) -> Iterator[Found | Skipped]:
    """The file as one document, titled by its properties, its first heading or its file name.

    Headings become "# ..." lines, list items "- ...", a table one line a row with cells parted by " | ".
    """
    data = read_bytes(source.path)
    with _errors_as("not readable as .docx"):
        word = _open(data)
        text, lost = clean("\n\n".join(block for block in _blocks(word) if block.strip()))
        title = clean(_title(word))[0] or next((heading.title for heading in headings(text)), source.path.stem)
    yield Found("", Document(source.name, text, title, metadata(source, replaced_bytes=lost)))


@contextmanager
def _errors_as(what: str) -> Iterator[None]:
    """Turns what goes wrong inside python-docx, and the zip and XML readers under it, into InvalidInput."""
    from docx.opc.exceptions import OpcError
    from lxml.etree import LxmlError  # type: ignore[import-untyped]

    try:
        yield
    except InvalidInput:
        raise
    except (OpcError, LxmlError, zipfile.BadZipFile, zlib.error, *_BROKEN) as error:
        raise InvalidInput(f"{what}: {error or type(error).__name__}") from error


def _open(data: bytes) -> Any:
    import docx

    if data.startswith(_OLD_FORMAT):
        raise InvalidInput("encrypted, or in Word's old .doc format; save it as .docx without a password first")
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        size = sum(entry.file_size for entry in archive.infolist())
    if size > _LARGEST_CONTENT:
        raise InvalidInput(f"larger than {_LARGEST_CONTENT // 1_000_000} MB when unpacked")
    return docx.Document(io.BytesIO(data))


def _title(word: Any) -> str:
    title = " ".join((word.core_properties.title or "").split())
    return "" if title == _PLACEHOLDER_TITLE else title


def _blocks(word: Any) -> Iterator[str]:
    """The body's paragraphs and tables in order; list items and rows that follow each other share a block."""
    styles = {style.style_id: (style.name or "").lower() for style in word.styles}
    items: list[str] = []
    for element in _children(word.element.body):
        line = _paragraph(element, styles) if element.tag == f"{_W}p" else ""
        if line.startswith("- "):
            items.append(line)
            continue
        yield "\n".join(items)
        items = []
        yield "\n".join(_rows(element)) if element.tag == f"{_W}tbl" else line
    yield "\n".join(items)


def _children(element: Any) -> Iterator[Any]:
    """An element's children, those of content controls and the like in place of these."""
    waiting = [element]
    while waiting:
        node = waiting.pop()
        if node is element or node.tag in _TRANSPARENT:
            waiting.extend(reversed(list(node)))
        else:
            yield node


def _paragraph(element: Any, styles: dict[str, str]) -> str:
    """A paragraph's text, marked as what its style says it is."""
    text = _text(element).strip()
    properties = element.find(f"{_W}pPr")
    style = properties.find(f"{_W}pStyle") if properties is not None else None
    name = styles.get(style.get(f"{_W}val"), "") if style is not None else ""
    heading = _HEADING.match(name)
    if not text:
        return ""
    if heading or name == "title":
        level = min(int(heading[1]), 6) if heading else 1
        return f"{'#' * level} {' '.join(text.split())}"
    numbered = properties is not None and properties.find(f"{_W}numPr") is not None
    return f"- {text}" if numbered or name.startswith("list") else text


def _rows(table: Any) -> Iterator[str]:
    for row in _children(table):
        if row.tag == f"{_W}tr":
            cells = (cell for cell in _children(row) if cell.tag == f"{_W}tc")
            yield " | ".join(" ".join(" ".join(map(_text, cell.iter(f"{_W}p"))).split()) for cell in cells)


def _text(paragraph: Any) -> str:
    """The words of a paragraph, with those in links, content controls and text boxes, each once.

    Words that moved stand at their new place.
    """
    pieces: list[str] = []
    waiting = [paragraph]
    while waiting:
        node = waiting.pop()
        if node.tag == f"{_W}t":
            pieces.append(node.text or "")
        elif node.tag in _CHARACTERS:
            pieces.append(_CHARACTERS[node.tag])
        elif node.tag not in _LEFT_OUT:
            waiting.extend(reversed(list(node)))
    return "".join(pieces)
