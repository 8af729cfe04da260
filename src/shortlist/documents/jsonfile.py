"""JSON files: one document per record of a list, or the file as one record."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import suppress

from shortlist.documents.decoding import character_note, clean, guess_note, read_text
from shortlist.documents.jsonl import bad_characters, has_bad_escape, parse_record
from shortlist.documents.metadata import metadata
from shortlist.documents.source import Record, Skipped, Source, Unreadable
from shortlist.types import Document, Note

_KEYS = ("id", "_id", "key", "name", "title")
_DEEPEST = 30
_MOST_LINES = 100_000


def read(source: Source) -> Iterator[Record | Skipped]:
    """Yield one document per object of a list or of JSON lines, or one for the whole file.

    If the file is an object whose only list of objects is "records" or the like, the objects of this list are the
    records, and the other fields are a document of their own. A record with a text ("text") is read as a line of a JSON
    lines file. The text of another record has a line "a.b: value" for each value, its id or name first.
    """
    text, replaced, guessed = read_text(source)
    yield from guess_note(source, guessed)
    content = _parsed(text)
    records, rest = _records(content)
    is_bad = has_bad_escape(text)
    for number, record in enumerate(records, start=1):
        place = f"item {number}"
        try:
            document = _document(source, f"{source.name}#item={number}", record, replaced)
            yield from character_note(source, bad_characters(record) if is_bad else 0, place)
            yield Record(place, document)
        except Unreadable as error:
            yield Skipped(source.name, place, error.note)
    if rest or not records:
        try:
            document = _flat(source, source.name, rest, replaced)
            yield from character_note(source, bad_characters(rest) if is_bad else 0)
            yield Record("", document)
        except Unreadable as error:
            yield Skipped(source.name, "", error.note)


def _parsed(text: str) -> object:
    """Return the value of the file, or its objects if each line is one, as in a file of JSON lines."""
    if not text.strip():
        raise Unreadable(Note("empty"))
    try:
        return json.loads(text)
    except RecursionError as error:
        raise Unreadable(Note("deep_json")) from error
    except ValueError as error:
        with suppress(ValueError, RecursionError):
            rows = [json.loads(line) for line in text.split("\n") if line.strip()]
            if all(isinstance(row, dict) for row in rows):
                return rows
        raise Unreadable(Note("bad_json", error=str(error))) from error


def _records(content: object) -> tuple[list[Mapping[str, object]], object]:
    """Return the objects that are records, and the rest of the file."""
    if isinstance(content, list) and content and all(isinstance(item, dict) for item in content):
        return content, None
    if isinstance(content, dict):
        lists = [
            name
            for name, value in content.items()
            if isinstance(value, list) and len(value) > 1 and all(isinstance(item, dict) for item in value)
        ]
        if len(lists) == 1:
            return content[lists[0]], {name: value for name, value in content.items() if name != lists[0]}
    return [], content


def _document(source: Source, key: str, record: Mapping[str, object], replaced: int) -> Document:
    if isinstance(record.get("text"), str):
        return parse_record(source, key, dict(record), replaced)
    return _flat(source, key, record, replaced)


def _flat(source: Source, key: str, content: object, replaced: int) -> Document:
    """Return a value as lines "a.b: value". Values that are in no list are metadata, too."""
    lines: dict[str, str] = {}
    for name, text in _lines("", content, 0):
        if len(lines) == _MOST_LINES:
            raise Unreadable(Note("too_many_values", most=_MOST_LINES))
        lines[name] = text
    first = next((name for name in _KEYS if name in lines), None)
    columns = tuple(sorted(lines, key=lambda name: name != first))
    text, _ = clean("\n".join(f"{name}: {lines[name]}" if name else lines[name] for name in columns))
    fields = content if isinstance(content, Mapping) else {}
    flat = _without_lists(fields)
    names = tuple(clean(name)[0] for name in columns if name)
    return Document(key, text, "", metadata(source, flat, replaced), names)


def _without_lists(fields: Mapping[str, object]) -> dict[str, object]:
    """Return the fields of an object and of the objects in it, without lists."""
    return {
        name: _without_lists(value) if isinstance(value, dict) else value
        for name, value in fields.items()
        if not isinstance(value, list)
    }


def _lines(name: str, value: object, depth: int) -> Iterator[tuple[str, str]]:
    """Yield the names of the values in a value, and their texts. Null and empty values are left out."""
    if depth > _DEEPEST:
        raise Unreadable(Note("deep_json"))
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _lines(f"{name}.{key}" if name else str(key), inner, depth + 1)
    elif isinstance(value, list) and any(isinstance(item, dict | list) for item in value):
        for number, inner in enumerate(value, start=1):
            yield from _lines(f"{name}.{number}" if name else str(number), inner, depth + 1)
    elif isinstance(value, list):
        text = ", ".join(_text(item) for item in value if item is not None)
        if text:
            yield name, text
    elif value is not None and _text(value).strip():
        yield name, _text(value)


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
