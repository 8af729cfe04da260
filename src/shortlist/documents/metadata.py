"""Metadata as the rest of the package can hold it."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence

from shortlist.documents.decoding import clean
from shortlist.documents.source import Source
from shortlist.types import Field, Value

_RESERVED = frozenset({"source", "format", "text_start", "replaced_bytes"})
_LARGEST_INT = 2**63


def metadata(
    source: Source, given: Mapping[str, object] | None = None, replaced_bytes: int = 0, text_start: int = 0
) -> dict[str, Field]:
    """The metadata of a document: "source", "format", "text_start" where it isn't 0, and the given fields as values.

    A given field named like one of ours is kept as `given_source` and so on. Nulls are left out; a list or tuple of
    values is a list. Other ones, objects, NaN, infinities and integers beyond 64 bits become JSON text.
    """
    fields: dict[str, Field] = {"source": source.name, "format": source.format}
    for key, content in (given or {}).items():
        held = value(content)
        if held is not None:
            fields[f"given_{key}" if key in _RESERVED else clean(key)[0]] = held
    if text_start:
        fields["text_start"] = text_start
    if replaced_bytes:
        fields["replaced_bytes"] = replaced_bytes
    return fields


def value(content: object) -> Field | None:
    """What is held for a given field; None where nothing is.

    Raises:
        TypeError: JSON has no word for it; what was read from a file never is of such a type.
    """
    return _list(content) if isinstance(content, list | tuple) else _value(content)


def _list(content: Sequence[object]) -> Field:
    """The list, or JSON text where something in it is no value."""
    if any(one is None or isinstance(one, list | tuple | dict) for one in content):
        return clean(json.dumps(content, ensure_ascii=False))[0]
    return [held for one in content if (held := _value(one)) is not None]


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
