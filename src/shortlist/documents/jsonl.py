"""JSON lines and BEIR corpora: one document a line."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator

from shortlist.documents.decoding import LONGEST_LINE, clean, lines
from shortlist.documents.metadata import metadata
from shortlist.documents.source import Found, Skipped, Source
from shortlist.errors import InvalidInput
from shortlist.types import Document

_FIELDS = frozenset({"id", "_id", "text", "title", "metadata"})


def read(source: Source) -> Iterator[Found | Skipped]:
    """One document a line: `id` or `_id`, `text`, `title`; `metadata` and any other field become metadata.

    A field of `metadata` stands before one of the same name beside it. An id that is null is none.
    """
    for number, line, replaced in lines(source.path):
        place = f"line {number}"
        if line is None:
            yield Skipped(source.name, place, f"longer than {LONGEST_LINE // 1_000_000} MB")
        elif line.strip():
            try:
                yield Found(place, _document(source, number, _parse(line), replaced))
            except InvalidInput as error:
                yield Skipped(source.name, place, str(error))


def _parse(line: str) -> dict[str, object]:
    try:
        record = json.loads(line)
    except RecursionError as error:
        raise InvalidInput("not usable JSON: nested too deeply") from error
    except ValueError as error:
        raise InvalidInput(f"not JSON: {error}") from error
    if not isinstance(record, dict):
        raise InvalidInput(f"not a JSON object but {_kind(record)}")
    return record


def _document(source: Source, number: int, record: dict[str, object], replaced: int) -> Document:
    text, title, nested = record.get("text"), record.get("title"), record.get("metadata")
    if "text" not in record:
        raise InvalidInput('no "text" field')
    if not isinstance(text, str):
        raise InvalidInput(f'"text" is {_kind(text)}, not a string')
    if title is not None and not isinstance(title, str):
        raise InvalidInput(f'"title" is {_kind(title)}, not a string')
    if nested is not None and not isinstance(nested, dict):
        raise InvalidInput(f'"metadata" is {_kind(nested)}, not an object')
    text, lost = clean(text)
    given = {key: value for key, value in record.items() if key not in _FIELDS}
    fields = metadata(source, {**given, **(nested or {})}, replaced + lost)
    return Document(_id(record, f"{source.name}#line={number}"), text, clean(title or "")[0], fields)


def _id(record: dict[str, object], otherwise: str) -> str:
    """The id that the record gives, as a string, or `otherwise` where it gives none."""
    key = "id" if record.get("id") is not None else "_id"
    value = record.get(key)
    if value is None:
        return otherwise
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise InvalidInput(f'"{key}" is {_kind(value)}, not a string or a number')
    if isinstance(value, float) and not math.isfinite(value):
        raise InvalidInput(f'"{key}" is {_kind(value)}')
    name, lost = clean(str(value))
    if lost or not name.strip():
        raise InvalidInput(f'"{key}" is empty' if not lost else f'"{key}" holds characters that are not text')
    return name


def _kind(value: object) -> str:
    """What a JSON value is, in words."""
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    if isinstance(value, float) and not math.isfinite(value):
        return json.dumps(value)
    names = {str: "a string", int: "a number", float: "a number", list: "a list", dict: "an object"}
    return names[type(value)]
