"""Plain text: one document per file."""

from __future__ import annotations

from collections.abc import Iterator

from shortlist.documents.decoding import decode, read_bytes
from shortlist.documents.metadata import metadata
from shortlist.documents.source import Record, Skipped, Source
from shortlist.types import Document


def read(source: Source) -> Iterator[Record | Skipped]:
    """Yield the file as one document. Its title is the file name."""
    text, replaced = decode(read_bytes(source.path))
    fields = metadata(source, replaced_bytes=replaced)
    yield Record("", Document(source.name, text, source.path.stem, fields))
