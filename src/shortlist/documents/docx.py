"""Word documents: one document per file, as light Markdown.

The library mammoth is not used, because it writes every cell of a table as a paragraph, and escapes punctuation that is
no Markdown mark.
"""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from shortlist.documents.decoding import MEGABYTE, clean, read_bytes
from shortlist.documents.metadata import metadata
from shortlist.documents.source import Record, Skipped, Source, Unreadable
from shortlist.text import headings
from shortlist.types import Document, Note

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
"""What python-docx raises, besides its own errors, for a file with an unexpected structure."""


def read(source: Source) -> Iterator[Record | Skipped]:
    """Yield the file as one document. Its title is that of its properties, its first heading, or the file name.

    Headings become "# ..." lines, list items "- ...", and table rows lines with cells separated by " | ".
    """
    data = read_bytes(source.path)
    with _errors():
        word = _open(data)
        text, lost = clean("\n\n".join(block for block in _blocks(word) if block.strip()))
        title = clean(_title(word))[0] or next((heading.title for heading in headings(text)), source.path.stem)
    yield Record("", Document(source.name, text, title, metadata(source, replaced_bytes=lost)))


@contextmanager
def _errors() -> Iterator[None]:
    """Raise errors inside python-docx, and its zip and XML readers, as `Unreadable`."""
    from docx.opc.exceptions import OpcError
    from lxml.etree import LxmlError  # type: ignore[import-untyped]

    try:
        yield
    except Unreadable:
        raise
    except (OpcError, LxmlError, zipfile.BadZipFile, zlib.error, *_BROKEN) as error:
        note = Note("broken", format=".docx", error=str(error) or type(error).__name__)
        raise Unreadable(note) from error


def _open(data: bytes) -> Any:
    import docx

    if data.startswith(_OLD_FORMAT):
        raise Unreadable(Note("encrypted_or_doc"))
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        size = sum(entry.file_size for entry in archive.infolist())
    if size > _LARGEST_CONTENT:
        raise Unreadable(Note("too_large", megabytes=_LARGEST_CONTENT // MEGABYTE, unpacked=True))
    return docx.Document(io.BytesIO(data))


def _title(word: Any) -> str:
    title = " ".join((word.core_properties.title or "").split())
    return "" if title == _PLACEHOLDER_TITLE else title


def _blocks(word: Any) -> Iterator[str]:
    """Yield the paragraphs and tables of the body in order. Consecutive list items share a block."""
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
    """Yield the children of an element. Content controls and similar elements are replaced by their children."""
    waiting = [element]
    while waiting:
        node = waiting.pop()
        if node is element or node.tag in _TRANSPARENT:
            waiting.extend(reversed(list(node)))
        else:
            yield node


def _paragraph(element: Any, styles: dict[str, str]) -> str:
    """Return the text of a paragraph, with the mark of its style."""
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
    """Return the text of a paragraph with the text in links, content controls and text boxes, each once.

    Moved text is at its new place only.
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
