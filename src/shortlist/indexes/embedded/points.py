"""Passages to Qdrant points and back, and filters."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from shortlist.errors import InvalidInput
from shortlist.types import Passage, Value, Where

if TYPE_CHECKING:
    import qdrant_edge

NAMESPACE = uuid.UUID("6f1c2f6e-54a3-4f0c-9d0e-0d2b6f0f4c11")
OWN_FIELDS = ("document_id", "title")
LARGEST_INT = 2**63
LARGEST_EXACT = 2**53
"""Below it, floats tell every whole number from its neighbours."""
NUMBER = re.compile(r"-?(?:0|[1-9][0-9]{0,18})(?:\.[0-9]{1,30})?")
"""Text that is read as a number in a filter. "007" is none: it may be part of a name."""


def point_id(passage_id: str) -> str:
    """The engine's id of a passage: the same for the same passage id, always."""
    return str(uuid.uuid5(NAMESPACE, passage_id))


def payload(passage: Passage) -> dict[str, Any]:
    """What is stored beside the vectors."""
    return {
        "id": passage.id,
        "text": passage.text,
        "document_id": passage.document_id,
        "title": passage.title,
        "start": passage.start,
        "end": passage.end,
        "metadata": dict(passage.metadata),
        "flags": [
            _flag(name, value)
            for name, held in passage.metadata.items()
            for value in (held if isinstance(held, list) else [held])
            if isinstance(value, bool)
        ],
    }


def passage(stored: Mapping[str, Any]) -> Passage:
    """The passage that `payload` made this from."""
    return Passage(
        stored["id"],
        stored["text"],
        stored["document_id"],
        stored["title"],
        stored["start"],
        stored["end"],
        stored["metadata"],
    )


def condition(where: Where | None) -> qdrant_edge.Filter | None:
    """The engine's filter for `where`; None when there is nothing to filter. `types.Where` says what equals what.

    Raises:
        InvalidInput: A value is neither text, a number, true or false, nor a list of them; or the field's name can't
            be written in the engine's paths.
    """
    import qdrant_edge as engine

    if not where:
        return None
    must: list[Any] = []
    for field, wanted in where.items():
        key = field if field in OWN_FIELDS else f'metadata."{field}"'
        if '"' in field or "\\" in field:
            raise InvalidInput(
                f"where: the field {field!r} has a quote or a backslash in its name: it can't be asked for"
            )
        values = wanted if isinstance(wanted, list) else [wanted]
        if not values:
            raise InvalidInput(f"where: the list for {field!r} is empty, so nothing could ever match")
        any_of: list[Any] = [
            one for value in values for same in _alike(field, value) for one in _matches(key, field, same)
        ]
        must.append(engine.Filter(should=any_of))
    return engine.Filter(must=must)


def _alike(field: str, value: Value) -> list[Value]:
    """The value and what equals it: CSV files and front matter hold numbers, true and false as text."""
    if isinstance(value, bool):
        word = str(value)
        return [value, word.lower(), word, word.upper()]
    if isinstance(value, int) and abs(value) >= LARGEST_EXACT:
        return [value, str(value)] if -LARGEST_INT <= value < LARGEST_INT else [str(value)]
    if isinstance(value, (int, float)):
        whole = [str(int(value))] if float(value).is_integer() else []
        return [value, str(float(value)), *whole]
    if not isinstance(value, str):
        raise InvalidInput(f"where: {field}={value!r} is a {type(value).__name__}; give text, a number, true or false")
    if value.lower() in ("true", "false"):
        return [value, value.lower() == "true"]
    number = json.loads(value) if NUMBER.fullmatch(value) else None
    return [value] if number is None or not -LARGEST_INT <= number < LARGEST_INT else [value, number]


def _matches(key: str, field: str, value: Value) -> list[Any]:
    import qdrant_edge as engine

    if isinstance(value, bool):
        # Qdrant Edge 0.9.0 takes True for the number 1, so booleans are stored a second time as words.
        return [engine.FieldCondition("flags", match=engine.MatchValue(_flag(field, value)))]
    if isinstance(value, float) or (isinstance(value, int) and abs(value) < LARGEST_EXACT):
        # Qdrant Edge 0.9.0 does not find a stored 2.0 by the value 2; a range compares both as floats.
        return [engine.FieldCondition(key, range=engine.RangeFloat(gte=float(value), lte=float(value)))]
    return [engine.FieldCondition(key, match=engine.MatchValue(value))]


def _flag(field: str, value: bool) -> str:
    return f"{field}={str(value).lower()}"
