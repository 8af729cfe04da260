"""Plain text: one document a file."""

from __future__ import annotations

from collections.abc import Iterator

from shortlist.documents.decoding import decode, read_bytes
from shortlist.documents.metadata import metadata
from shortlist.documents.source import Found, Skipped, Source
from shortlist.types import Document


def read(source: Source) -> Iterator[Found | Skipped]:
    """The file as one document, titled by its file name."""
    text, replaced = decode(read_bytes(source.path))
    fields = metadata(source, replaced_bytes=replaced)
    yield Found("", Document(source.name, text, source.path.stem, fields))
