"""Plain text: one document per file."""

from __future__ import annotations

from collections.abc import Iterator

from shortlist.documents.decoding import guess_note, read_text
from shortlist.documents.metadata import metadata
from shortlist.documents.source import Record, Skipped, Source
from shortlist.types import Document


def read(source: Source) -> Iterator[Record | Skipped]:
    """Yield the file as one document. Its title is the file name."""
    text, replaced, guessed = read_text(source)
    fields = metadata(source, replaced_bytes=replaced)
    yield from guess_note(source, guessed)
    yield Record("", Document(source.name, text, source.path.stem, fields))
