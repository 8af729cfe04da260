"""Markdown: one document per file, its front matter as metadata.

This module parses the front matter itself. The library python-frontmatter raises errors for, or misreads, 11 of 12
texts that are between such lines but are not front matter. The library also strips the text, and the offsets in the
file are lost.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from datetime import date, time

from shortlist.documents.decoding import clean, decode, read_bytes
from shortlist.documents.metadata import metadata
from shortlist.documents.source import Record, Skipped, Source
from shortlist.text import headings
from shortlist.types import Document

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

_YAML = re.compile(r"---[ \t]*\n(?![ \t]*\n)(.*?)^(?:---|\.\.\.)[ \t]*(?:\n|\Z)", re.DOTALL | re.MULTILINE)
"""A blank line after the mark makes it a rule, as in Pandoc: https://pandoc.org/MANUAL.html#yaml-metadata-blocks."""

_TOML = re.compile(r"\+\+\+[ \t]*\n(.*?)^\+\+\+[ \t]*(?:\n|\Z)", re.DOTALL | re.MULTILINE)


def read(source: Source) -> Iterator[Record | Skipped]:
    """Yield the file as one document. Its title is that of the front matter, the first heading, or the file name.

    Front matter becomes metadata. YAML is between lines "---"; its values are text and lists of text. TOML is between
    lines "+++"; its numbers and booleans keep their types, and its dates become ISO text. Nested values become JSON
    text, and empty fields are left out. If the lines do not enclose a mapping, the enclosed lines are part of the text.
    The metadata field "text_start" is the number of characters before the text; a line end counts as one.
    """
    whole, replaced = decode(read_bytes(source.path))
    fields, text = _front_matter(whole)
    values = {name: value.strip() if isinstance(value, str) else value for name, value in fields.items()}
    title = values.pop("title", "")
    title = clean(title)[0] if isinstance(title, str) else ""
    title = title or next((heading.title for heading in headings(text)), source.path.stem)
    values = {name: value for name, value in values.items() if value != ""}
    yield Record("", Document(source.name, text, title, metadata(source, values, replaced, len(whole) - len(text))))


def _front_matter(text: str) -> tuple[dict[str, object], str]:
    """Return the fields of the front matter, and the rest of the text. Without front matter: ({}, text)."""
    for marks, parse in ((_YAML, _yaml), (_TOML, _toml)):
        block = marks.match(text)
        fields = parse(block[1]) if block else None
        if block and isinstance(fields, dict) and fields:
            return fields, text[block.end() :]
    return {}, text


def _yaml(block: str) -> object:
    """Return the content of a YAML block, or None if it is not YAML. Scalars stay as written, such as 1.10 and NO.

    A block with aliases gives None, because a few aliases can expand to more text than fits in memory.
    """
    import yaml

    try:
        if any(isinstance(token, yaml.AliasToken) for token in yaml.scan(block)):
            return None
        return yaml.load(block, yaml.BaseLoader)
    except (yaml.YAMLError, ValueError, RecursionError):
        return None


def _toml(block: str) -> object:
    """Return the content of a TOML block with dates as text, or None if it is not TOML."""
    try:
        return _dates_as_text(tomllib.loads(block))
    except (ValueError, RecursionError):
        return None


def _dates_as_text(value: object) -> object:
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, list):
        return [_dates_as_text(item) for item in value]
    if isinstance(value, dict):
        return {key: _dates_as_text(item) for key, item in value.items()}
    return value
