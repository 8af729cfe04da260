"""Markdown: one document per file, its front matter as metadata.

This module parses the front matter itself. The library python-frontmatter raises errors for, or misreads, 11 of 12
texts that are between such lines but are not front matter. The library also strips the text, and the offsets in the
file are lost.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from datetime import date, time
from html import unescape

from shortlist.documents.decoding import clean, guess_note, read_text
from shortlist.documents.metadata import metadata
from shortlist.documents.source import Record, Skipped, Source
from shortlist.documents.titles import best_title
from shortlist.text import headings
from shortlist.text.markdown import read_form, shown
from shortlist.types import Document, Note

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

_YAML = re.compile(r"---[ \t]*\n(?![ \t]*\n)(.*?)^(?:---|\.\.\.)[ \t]*(?:\n|\Z)", re.DOTALL | re.MULTILINE)
"""A blank line after the mark makes it a rule, as in Pandoc: https://pandoc.org/MANUAL.html#yaml-metadata-blocks."""

_TOML = re.compile(r"\+\+\+[ \t]*\n(.*?)^\+\+\+[ \t]*(?:\n|\Z)", re.DOTALL | re.MULTILINE)
_JSON = re.compile(r"\{\s*[\"}]")
_REST_OF_LINE = re.compile(r"[ \t]*(?:\n|\Z)")
_LINES = re.compile(r"((?:%[ \t]+\S.*\n){1,3})(?=[ \t]*(?:\n|\Z))")
"""The title, the authors and the date: https://pandoc.org/MANUAL.html#extension-pandoc_title_block."""

_TITLE = re.compile(r"^(?i:title)[ \t]*[:=][ \t]*(?![\[{|>&*!#])(\S.*?)[ \t]*$", re.MULTILINE)
"""The title in front matter that cannot be parsed, often because of a colon in the title itself."""

_ENTITY = re.compile(r"&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[a-zA-Z][a-zA-Z0-9]{1,31});")
_DESCRIPTIONS = ("description", "summary", "abstract", "excerpt")
_NO_TITLE = frozenset({"", "~", "null", "Null", "NULL"})
"""An empty title, or a null of YAML, whose values are read as they are written."""


def read(source: Source) -> Iterator[Record | Skipped]:
    """Yield the file as one document. Its title is that of the front matter, the first heading, or the file name.

    Front matter becomes metadata. YAML is between lines "---"; its values are text and lists of text. TOML is between
    lines "+++"; its numbers and booleans keep their types, and its dates become ISO text. An object of JSON, and lines
    "% title", "% author" and "% date", are front matter, too. Nested values become JSON text, and empty fields are left
    out. If the lines do not enclose a mapping, the enclosed lines are part of the text. If they cannot be parsed, the
    file also gives a `Skipped` with the note "bad_front_matter", and the title is that of their line "title: ...". A
    title that is neither text nor a number is reported ("bad_title"). Such a title, or a placeholder, becomes the
    metadata field "given_title".
    The metadata field "text_start" is the number of characters before the text; a line end counts as one. If only front
    matter has text, its description, summary, abstract or excerpt is the text. A file without one is empty, and so is a
    file of comments alone.
    """
    whole, replaced, guessed = read_text(source)
    yield from guess_note(source, guessed)
    fields, text, note = _front_matter(whole)
    values = {name: value.strip() if isinstance(value, str) else value for name, value in fields.items()}
    own = values.pop(next((name for name in ("title", "Title", "TITLE") if name in values), "title"), "")
    title = _title(own)
    if title is None:
        values["given_title"] = own
        note = Note("bad_title", kind="a list" if isinstance(own, list) else "an object")
    if note is not None:
        yield Skipped(source.name, "the front matter", note)
    broken = _block_of(whole) if note is not None and note.code == "bad_front_matter" else ""
    own = clean(title or _title_of_broken(broken))[0]
    visible = shown(text)
    below = headings(shown(text[len(broken) :]) if broken else visible)
    title = best_title(source, own, (read_form(heading.title) for heading in below))
    if own not in ("", title):
        values["given_title"] = own
    values = {name: value for name, value in values.items() if value != ""}
    start = len(whole) - len(text)
    if not visible.strip():
        text = next((value for name in _DESCRIPTIONS if isinstance(value := values.get(name), str)), "")
        start = max(whole.find(text), 0)  # a text of several lines is elsewhere
    yield Record("", Document(source.name, text, title, metadata(source, values, replaced, start)))


def _front_matter(text: str) -> tuple[dict[str, object], str, Note | None]:
    """Return the fields of the front matter, the rest of the text, and a note if the front matter cannot be parsed.

    Without front matter that can be parsed, there are no fields, and the text is whole.
    """
    for name, marks, parse in _FORMS:
        block = marks.match(text)
        if block is None:
            continue
        try:
            fields = parse(f"\n{block[1]}")  # the line feed stands for the mark, so that errors name lines of the file
        except ValueError as error:
            return {}, text, Note("bad_front_matter", format=name, error=clean(str(error))[0])
        except RecursionError:
            return {}, text, Note("bad_front_matter", format=name, error="it is nested too deeply")
        if isinstance(fields, dict) or not block[1].strip():
            return fields if isinstance(fields, dict) else {}, text[block.end() :], None
    return _json(text)


def _json(text: str) -> tuple[dict[str, object], str, Note | None]:
    """Return the fields of an object of JSON at the start of a text, on one line or several, and the rest of the text.

    Lines with one object each are no front matter. Text that begins like an object, but is no JSON, is text.
    """
    if not _JSON.match(text):
        return {}, text, None
    try:
        fields, end = json.JSONDecoder().raw_decode(text)
    except (ValueError, RecursionError):
        return {}, text, None
    line = _REST_OF_LINE.match(text, end)
    rest = text[line.end() :] if line else ""
    return (fields, rest, None) if rest.strip() and not _JSON.match(rest) else ({}, text, None)


def _title(given: object) -> str | None:
    """Return the title in the front matter as text, "" if it has none, or None if it is a list or an object."""
    if isinstance(given, list) and len(given) == 1:
        [given] = given
    if given in (None, [], {}) or (isinstance(given, str) and given.strip() in _NO_TITLE):
        return ""
    if isinstance(given, bool | int | float):
        return json.dumps(given)
    return _ENTITY.sub(lambda match: unescape(match[0]), given) if isinstance(given, str) else None


def _block_of(text: str) -> str:
    """Return the lines at the start of a text that look like front matter, with their marks, or ""."""
    return next((block[0] for _, marks, _ in _FORMS if (block := marks.match(text))), "")


def _title_of_broken(block: str) -> str:
    """Return the title in the lines of front matter that cannot be parsed, without quotes around it, or ""."""
    line = _TITLE.search(block)
    if line is None:
        return ""
    quoted = len(line[1]) > 1 and line[1][0] == line[1][-1] and line[1][0] in "\"'"
    return _title(line[1][1:-1] if quoted else line[1]) or ""


def _yaml(block: str) -> object:
    """Return the content of a YAML block. Scalars stay as written, such as 1.10 and NO.

    Raises:
        ValueError: The block is not YAML, or has aliases. A few aliases can expand to more text than fits in memory.
    """
    import yaml

    try:
        if any(isinstance(token, yaml.AliasToken) for token in yaml.scan(block)):
            raise ValueError("it has aliases (*name), which are not read")
        return yaml.load(block, yaml.BaseLoader)
    except yaml.MarkedYAMLError as error:
        line = f" (line {error.problem_mark.line + 1})" if error.problem_mark is not None else ""
        raise ValueError(f"{error.problem or error.context}{line}") from error
    except yaml.YAMLError as error:
        raise ValueError(" ".join(str(error).split())) from error


def _toml(block: str) -> object:
    """Return the content of a TOML block with dates as text. Raises ValueError if it is not TOML."""
    return _dates_as_text(tomllib.loads(block))


def _dates_as_text(value: object) -> object:
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, list):
        return [_dates_as_text(item) for item in value]
    if isinstance(value, dict):
        return {key: _dates_as_text(item) for key, item in value.items()}
    return value


def _lines(block: str) -> object:
    """Return the title, the authors and the date of lines with percent signs."""
    return dict(zip(("title", "author", "date"), (line[1:].strip() for line in block.split("\n")[1:]), strict=False))


_FORMS = (("YAML", _YAML, _yaml), ("TOML", _TOML, _toml), ("lines", _LINES, _lines))
