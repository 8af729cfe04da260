"""Metadata as values that an index can store."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from shortlist.documents.decoding import clean
from shortlist.documents.source import Source
from shortlist.types import Field, Value

_RESERVED = frozenset({"source", "format", "text_start", "replaced_bytes"})
_LARGEST_INT = 2**63
_DEEPEST = 20


def metadata(
    source: Source, fields: Mapping[str, object] | None = None, replaced_bytes: int = 0, text_start: int = 0
) -> dict[str, Field]:
    """Return the metadata of a document: "source", "format" and the values of the given fields.

    "text_start" and "replaced_bytes" are included if they are not 0. A field with a reserved name gets the prefix
    "given_", such as "given_source". Nulls are left out. A list or tuple of values becomes a list. A field in an object
    gets a name with dots, such as "size.width". Nested lists, NaN, infinities and integers beyond 64 bits become JSON
    text, and so do objects in a list, or more than 20 deep.
    """
    out: dict[str, Field] = {"source": source.name, "format": source.format}
    for name, stored in values(fields or {}):
        put(out, f"given_{name}" if name in _RESERVED else name, stored)
    if text_start:
        out["text_start"] = text_start
    if replaced_bytes:
        out["replaced_bytes"] = replaced_bytes
    return out


def values(fields: Mapping[Any, object], path: str = "", depth: int = 0) -> Iterator[tuple[str, Field]]:
    """Yield the fields of an object, and of the objects in it, with their full names, without nulls.

    Raises:
        TypeError: As `value`.
    """
    for key, content in fields.items():
        name = f"{path}{clean(str(key))[0]}"
        if isinstance(content, Mapping) and content and depth < _DEEPEST:
            yield from values(content, f"{name}.", depth + 1)
        elif (stored := value(content)) is not None:
            yield name, stored


def put(fields: dict[str, Field], name: str, stored: Field) -> None:
    """Add a field. If an object and a name with a dot give one field two values, the field has both."""
    own = fields.get(name)
    if own is None or "." not in name:
        fields[name] = stored
    else:
        fields[name] = [*(own if isinstance(own, list) else [own]), *(stored if isinstance(stored, list) else [stored])]


def value(content: object) -> Field | None:
    """Return the value to store for a field, or None if the field is left out.

    Raises:
        TypeError: JSON has no representation of `content`. Content from a file never has such a type.
    """
    return _list(content) if isinstance(content, list | tuple) else _value(content)


def _list(content: Sequence[object]) -> Field:
    """Return the list, or JSON text if an item is nested or null."""
    if any(item is None or isinstance(item, list | tuple | dict) for item in content):
        return clean(json.dumps(content, ensure_ascii=False))[0]
    return [stored for item in content if (stored := _value(item)) is not None]


def _value(content: object) -> Value | None:
    if content is None or isinstance(content, bool):
        return content
    if isinstance(content, str):
        return clean(content)[0]
    if isinstance(content, int) and -_LARGEST_INT <= content < _LARGEST_INT:
        return content
    if isinstance(content, float) and math.isfinite(content):
        return content
    return clean(json.dumps(content, ensure_ascii=False))[0]
