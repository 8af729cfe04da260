"""The table of formats: the extensions of each format, and its reader."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType

from shortlist.documents import csv, docx, html, jsonl, md, pdf, txt
from shortlist.documents.source import Record, Skipped, Source

_EXTENSIONS_OF = {
    "txt": (".txt", ".text", ".rst", ".adoc", ".log"),
    "md": (".md", ".markdown"),
    "html": (".html", ".htm", ".xhtml"),
    "pdf": (".pdf",),
    "docx": (".docx",),
    "jsonl": (".jsonl", ".ndjson"),
    "csv": (".csv", ".tsv"),
}
EXTENSIONS: Mapping[str, str] = MappingProxyType(
    {extension: name for name, extensions in _EXTENSIONS_OF.items() for extension in extensions}
)
"""File extension in lower case -> format."""

RECORDS = frozenset({"jsonl", "csv", "beir"})
"""Formats with many documents per file, each with a title of its own."""

READERS: Mapping[str, Callable[[Source], Iterator[Record | Skipped]]] = MappingProxyType(
    {
        "txt": txt.read,
        "md": md.read,
        "html": html.read,
        "pdf": pdf.read,
        "docx": docx.read,
        "jsonl": jsonl.read,
        "csv": csv.read,
        "beir": jsonl.read,
    }
)
"""Format -> reader. A reader raises InvalidInput or OSError if it cannot read the source at all."""
