"""Source code: one document per file, which is split at its functions and classes."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec

from shortlist.documents.decoding import guess_note, read_text
from shortlist.documents.metadata import metadata
from shortlist.documents.source import Record, Skipped, Source
from shortlist.errors import MissingExtra
from shortlist.text.code import LANGUAGES, module_of
from shortlist.types import Document


def read(source: Source) -> Iterator[Record | Skipped]:
    """Yield the file as one document. Its title is the name of the file. Needs the extra "files".

    The metadata field "language" decides how the text is split.
    """
    language = LANGUAGES[source.path.suffix.lower()]
    if find_spec("tree_sitter") is None or find_spec(module_of(language)) is None:
        raise MissingExtra("splitting source code", "files")
    text, replaced, guessed = read_text(source)
    yield from guess_note(source, guessed)
    fields = metadata(source, {"language": language}, replaced)
    yield Record("", Document(source.name, text, source.path.name, fields))
