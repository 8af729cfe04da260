"""JSON lines and BEIR corpora: one document per line."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator

from shortlist.documents.decoding import LONGEST_LINE, MEGABYTE, character_note, clean, guess_note, line_encoding, lines
from shortlist.documents.metadata import metadata
from shortlist.documents.source import Record, Skipped, Source, Unreadable
from shortlist.types import Document, Note

_BAD_ESCAPE = re.compile(r"\\u(?:0000|[dD][89a-fA-F])")
_FIELDS = frozenset({"id", "_id", "text", "title", "metadata"})


def read(source: Source) -> Iterator[Record | Skipped]:
    """Yield one document per line, from `id` or `_id`, `text` and `title`.

    The fields of `metadata` and all other fields become metadata. A field of `metadata` replaces another
    field with the same name. An id that is null counts as missing.
    """
    empty = True
    encoding = line_encoding(source)
    yield from guess_note(source, encoding.name if encoding.guessed else "")
    for number, line, replaced in lines(source.path, encoding):
        place = f"line {number}"
        empty = empty and line is not None and not line.strip()
        if line is None:
            yield Skipped(source.name, place, Note("line_too_long", megabytes=LONGEST_LINE // MEGABYTE))
        elif line.strip():
            try:
                key, record = f"{source.name}#line={number}", _parse(line)
                document = parse_record(source, key, record, replaced)
                yield from character_note(source, bad_characters(record) if has_bad_escape(line) else 0, place)
                yield Record(place, document)
            except Unreadable as error:
                yield Skipped(source.name, place, error.note)
    if empty:
        yield Skipped(source.name, "", Note("empty"))


def has_bad_escape(text: str) -> bool:
    """Return whether a JSON text has an escape of NUL, or of a half of a surrogate pair, which may be complete."""
    return _BAD_ESCAPE.search(text) is not None


def bad_characters(value: object) -> int:
    """Return the number of characters in a JSON value, and in the names of its fields, that cannot be stored."""
    count, waiting = 0, [value]
    while waiting:
        item = waiting.pop()
        if isinstance(item, str):
            count += clean(item)[1]
        elif isinstance(item, dict):
            waiting += [*item, *item.values()]
        elif isinstance(item, list):
            waiting += item
    return count


def _parse(line: str) -> dict[str, object]:
    try:
        value = json.loads(line)
    except RecursionError as error:
        raise Unreadable(Note("deep_json")) from error
    except ValueError as error:
        raise Unreadable(Note("bad_json", error=str(error))) from error
    if not isinstance(value, dict):
        raise Unreadable(Note("not_object", kind=_kind(value)))
    return value


def parse_record(source: Source, key: str, fields: dict[str, object], replaced: int) -> Document:
    """Return the document of a JSON object. `key` is the id if the object has none.

    Raises:
        Unreadable: The object has no text, or a field of another type.
    """
    text, title, nested = fields.get("text"), fields.get("title"), fields.get("metadata")
    if "text" not in fields:
        raise Unreadable(Note("missing_field", field="text"))
    if not isinstance(text, str):
        raise _wrong_type("text", text, "a string")
    if title is not None and not isinstance(title, str):
        raise _wrong_type("title", title, "a string")
    if nested is not None and not isinstance(nested, dict):
        raise _wrong_type("metadata", nested, "an object")
    others = {name: value for name, value in fields.items() if name not in _FIELDS}
    values = metadata(source, {**others, **(nested or {})}, replaced)
    return Document(_id(fields, key), clean(text)[0], clean(title or "")[0], values)


def _id(fields: dict[str, object], default: str) -> str:
    """Return the id of a record as a string, or `default` if it has none."""
    field = "id" if fields.get("id") is not None else "_id"
    value = fields.get(field)
    if value is None:
        return default
    finite = not isinstance(value, float) or math.isfinite(value)
    if isinstance(value, bool) or not isinstance(value, str | int | float) or not finite:
        raise _wrong_type(field, value, "a string or a number")
    name, lost = clean(str(value))
    if lost or not name.strip():
        raise Unreadable(Note("bad_id", field=field) if lost else Note("empty_id", field=field))
    return name


def _wrong_type(field: str, value: object, expected: str) -> Unreadable:
    return Unreadable(Note("wrong_type", field=field, kind=_kind(value), expected=expected))


def _kind(value: object) -> str:
    """Return the type of a JSON value in words."""
    if value is None or isinstance(value, bool) or (isinstance(value, float) and not math.isfinite(value)):
        return json.dumps(value)
    names = {str: "a string", int: "a number", float: "a number", list: "a list", dict: "an object"}
    return names[type(value)]
