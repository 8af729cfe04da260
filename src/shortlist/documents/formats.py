"""The table of formats: the extensions of each format, and its reader."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType

from shortlist.documents import (
    code,
    csv,
    docx,
    eml,
    epub,
    html,
    ipynb,
    jsonfile,
    jsonl,
    md,
    pdf,
    pptx,
    sheets,
    txt,
    warc,
    xmlfile,
)
from shortlist.documents.source import Record, Skipped, Source
from shortlist.text.code import LANGUAGES

_EXTENSIONS_OF = {
    "txt": (".txt", ".text", ".rst", ".adoc", ".org", ".tex", ".log", ".sql", ".yaml", ".yml", ".toml", ".ini", ".cfg"),
    "md": (".md", ".markdown"),
    "html": (".html", ".htm", ".xhtml"),
    "pdf": (".pdf",),
    "docx": (".docx", ".docm", ".dotx", ".dotm"),
    "jsonl": (".jsonl", ".ndjson"),
    "csv": (".csv", ".tsv"),
    "xlsx": (".xlsx", ".xlsm", ".xlsb", ".xls", ".ods"),
    "pptx": (".pptx", ".pptm", ".ppsx"),
    "epub": (".epub",),
    "ipynb": (".ipynb",),
    "eml": (".eml",),
    "mhtml": (".mhtml", ".mht"),
    "warc": (".warc", ".warc.gz"),
    "json": (".json",),
    "xml": (".xml",),
    "code": tuple(LANGUAGES),
}
EXTENSIONS: Mapping[str, str] = MappingProxyType(
    {extension: name for name, extensions in _EXTENSIONS_OF.items() for extension in extensions}
)
"""File extension in lower case -> format."""


def extension_of(name: str) -> str:
    """Return the extension of a file name in lower case, with both parts of ".warc.gz"."""
    lowered = name.lower()
    return ".warc.gz" if lowered.endswith(".warc.gz") else os.path.splitext(lowered)[1]


RECORDS = frozenset({"jsonl", "csv", "beir", "json", "xlsx"})
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
        "xlsx": sheets.read,
        "pptx": pptx.read,
        "epub": epub.read,
        "ipynb": ipynb.read,
        "eml": eml.read,
        "mhtml": eml.read_archive,
        "warc": warc.read,
        "json": jsonfile.read,
        "xml": xmlfile.read,
        "code": code.read,
    }
)
"""Format -> reader. A reader raises InvalidInput or OSError if it cannot read the source at all."""
