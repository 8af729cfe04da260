"""Markdown: one document a file, its front matter as metadata."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from datetime import date, time

from shortlist.documents.decoding import clean, decode, read_bytes
from shortlist.documents.metadata import metadata
from shortlist.documents.source import Found, Skipped, Source
from shortlist.text import headings
from shortlist.types import Document

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

_YAML = re.compile(r"---[ \t]*\n(?![ \t]*\n)(.*?)^(?:---|\.\.\.)[ \t]*(?:\n|\Z)", re.DOTALL | re.MULTILINE)
"""A blank line after the mark makes it a rule, as in Pandoc: https://pandoc.org/MANUAL.html#yaml-metadata-blocks."""

_TOML = re.compile(r"\+\+\+[ \t]*\n(.*?)^\+\+\+[ \t]*(?:\n|\Z)", re.DOTALL | re.MULTILINE)


def read(source: Source) -> Iterator[Found | Skipped]:
    """The file as one document, titled by its front matter, its first heading or its file name.

    Front matter becomes metadata: YAML between lines "---", its values as text and lists of text; or TOML between lines
    "+++", with its numbers, true and false as such and dates as ISO text. What is nested becomes JSON text, and empty
    fields are left out. What stands between such lines and is no mapping stays in the text. The metadata field
    "text_start" counts the characters before the text, where the end of a line counts as one.
    """
    whole, replaced = decode(read_bytes(source.path))
    fields, text = _front_matter(whole)
    held = {name: value.strip() if isinstance(value, str) else value for name, value in fields.items()}
    title = held.pop("title", "")
    title = clean(title)[0] if isinstance(title, str) else ""
    title = title or next((one.title for one in headings(text)), source.path.stem)
    held = {name: value for name, value in held.items() if value != ""}
    yield Found("", Document(source.name, text, title, metadata(source, held, replaced, len(whole) - len(text))))


def _front_matter(text: str) -> tuple[dict[str, object], str]:
    """The fields of front matter, and the rest; ({}, text) where there is none."""
    for marks, parse in ((_YAML, _yaml), (_TOML, _toml)):
        block = marks.match(text)
        fields = parse(block[1]) if block else None
        if block and isinstance(fields, dict) and fields:
            return fields, text[block.end() :]
    return {}, text


def _yaml(written: str) -> object:
    """The YAML with its scalars as they are written: 1.10 and NO stay what they are. None where it is none.

    One with aliases counts as none: written out, a few of them can fill the memory.
    """
    import yaml

    try:
        if any(isinstance(token, yaml.AliasToken) for token in yaml.scan(written)):
            return None
        return yaml.load(written, yaml.BaseLoader)
    except (yaml.YAMLError, ValueError, RecursionError):
        return None


def _toml(written: str) -> object:
    """The TOML with its dates as text; None where it is none."""
    try:
        return _dates_as_text(tomllib.loads(written))
    except (ValueError, RecursionError):
        return None


def _dates_as_text(held: object) -> object:
    if isinstance(held, date | time):
        return held.isoformat()
    if isinstance(held, list):
        return [_dates_as_text(one) for one in held]
    if isinstance(held, dict):
        return {key: _dates_as_text(one) for key, one in held.items()}
    return held
