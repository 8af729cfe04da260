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
_ITEM = re.compile(r"""\s*(?:"[^"]*"|'[^']*'|[^,"'][^,]*)""")
_NESTED = re.compile(r"[\[\]{}]")
_LISTED = re.compile(r"-[ \t]+(?!-[ \t]|[\w -]+:(?:[ \t]|$))\S.*")


def read(source: Source) -> Iterator[Found | Skipped]:
    """The file as one document, titled by its front matter, its first heading or its file name.

    Front matter becomes metadata: text, and lists of text. Nested fields are kept as they are written. The metadata
    field "text_start" then counts the file's characters before the text.
    """
    whole, replaced = decode(read_bytes(source.path))
    fields, text = _front_matter(whole)
    title = _unquoted(fields.pop("title", "")) or next((one.title for one in headings(text)), source.path.stem)
    held = {name: _held(written) for name, written in fields.items()}
    yield Found("", Document(source.name, text, title, metadata(source, held, replaced, len(whole) - len(text))))


def _front_matter(text: str) -> tuple[dict[str, str], str]:
    """The fields of YAML front matter as they are written, and the rest; ({}, text) where there is none."""
    block = _FRONT_MATTER.match(text)
    if not block:
        return {}, text
    fields: dict[str, str] = {}
    last = ""
    for line in block[1].splitlines():
        field = _FIELD.fullmatch(line)
        if field:
            last = field[1].strip()
            fields[last] = (field[2] or "").strip()
        elif last:
            fields[last] = f"{fields[last]}\n{line.strip()}".strip()
        elif line.strip() and not line.startswith("#"):
            return {}, text
    return (fields, text[block.end() :]) if fields else ({}, text)


def _held(written: str) -> str | list[str]:
    """A field's text, or a list where it is written as one: "[a, b]", or lines "- a". Nested ones stay as written."""
    if written.startswith("[") and written.endswith("]") and not _NESTED.search(written[1:-1]):
        items = [item.strip() for item in _ITEM.findall(written[1:-1])]
        return [_unquoted(item) for item in items if item]
    lines = written.splitlines()
    if lines and all(_LISTED.fullmatch(line) for line in lines):
        return [_unquoted(line[1:].strip()) for line in lines]
    return _unquoted(written)


def _unquoted(value: str) -> str:
    quoted = len(value) > 1 and value[0] == value[-1] and value[0] in "\"'"
    return value[1:-1] if quoted else value
