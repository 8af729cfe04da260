"""Markdown: one document a file, its front matter as metadata."""

from __future__ import annotations

import re
from collections.abc import Iterator

from shortlist.documents.decoding import decode, read_bytes
from shortlist.documents.metadata import metadata
from shortlist.documents.source import Found, Skipped, Source
from shortlist.text import headings
from shortlist.types import Document

_FRONT_MATTER = re.compile(r"---[ \t]*\n(.*?)^(?:---|\.\.\.)[ \t]*(?:\n|\Z)", re.DOTALL | re.MULTILINE)
_FIELD = re.compile(r"([A-Za-z_][\w -]*):(?:[ \t]+(.*)|[ \t]*)")


def read(source: Source) -> Iterator[Found | Skipped]:
    """The file as one document, titled by its front matter, its first heading or its file name.

    Where there is front matter, the metadata field "text_start" counts the file's characters before the text.
    """
    whole, replaced = decode(read_bytes(source.path))
    fields, text = _front_matter(whole)
    title = fields.pop("title", "") or next((heading.title for heading in headings(text)), source.path.stem)
    yield Found("", Document(source.name, text, title, metadata(source, fields, replaced, len(whole) - len(text))))


def _front_matter(text: str) -> tuple[dict[str, str], str]:
    """The fields of YAML front matter as text, and the rest; ({}, text) where there is none.

    Values that go over several lines (lists, nested fields) are kept as they are written.
    """
    block = _FRONT_MATTER.match(text)
    if not block:
        return {}, text
    fields: dict[str, str] = {}
    last = ""
    for line in block[1].splitlines():
        field = _FIELD.fullmatch(line)
        if field:
            last = field[1].strip()
            fields[last] = _unquoted((field[2] or "").strip())
        elif last:
            fields[last] = f"{fields[last]}\n{line.strip()}".strip()
        elif line.strip() and not line.startswith("#"):
            return {}, text
    return (fields, text[block.end() :]) if fields else ({}, text)


def _unquoted(value: str) -> str:
    quoted = len(value) > 1 and value[0] == value[-1] and value[0] in "\"'"
    return value[1:-1] if quoted else value
