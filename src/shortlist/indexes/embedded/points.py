"""Passages to Qdrant points and back, and filters.

Whatever a filter may ask for is stored a second time as a list of words, such as `"year":2024`, under one key that the
engine indexes. So a filter of a thousand values costs the same as one of a single value, where comparing the
metadata itself would read every passage once for each value; and the engine's own ideas of what equals what (True and
1, 2.0 and 2) don't come in.
"""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Iterator, Mapping
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

from shortlist.errors import InvalidInput
from shortlist.types import PATH, Passage, Value, Where

if TYPE_CHECKING:
    import qdrant_edge

NAMESPACE = uuid.UUID("6f1c2f6e-54a3-4f0c-9d0e-0d2b6f0f4c11")
OWN_FIELDS = ("document_id", "title")
WORDS = "words"
"""The payload key that holds what filters may ask for."""
LONGEST_WORD = 100
"""Characters; longer ones are stored as their hash."""
LARGEST_INT, LONGEST_INT = 2**63, 1024
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
        WORDS: sorted(set(_words_of(passage))),
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
        InvalidInput: `where` is no mapping, or a value is neither text, a number, true or false, nor a list of them.
    """
    import qdrant_edge as engine

    if where is None:
        return None
    if not isinstance(where, Mapping):
        raise InvalidInput(f"where is {where!r}; give a mapping of fields to values, such as {{'year': 2024}}")
    must: list[Any] = []
    for field, wanted in where.items():
        values = list(wanted) if isinstance(wanted, (list, tuple, set, frozenset)) else [wanted]
        if not values:
            raise InvalidInput(f"where: the list for {field!r} is empty, so nothing could ever match")
        words = {_word(field, same) for value in values for same in _alike(field, value)}
        must.append(engine.FieldCondition(WORDS, match=engine.MatchAny(sorted(words))))
    return engine.Filter(must=must) if must else None


def _words_of(passage: Passage) -> Iterator[str]:
    """Its document's id, its title and the headings above it, and its metadata. A field of these names adds to them."""
    yield _word("document_id", passage.document_id)
    parts = passage.title.split(PATH)
    yield from (_word("title", PATH.join(parts[: depth + 1])) for depth in range(len(parts)))
    for field, held in passage.metadata.items():
        yield from (_word(field, value) for value in (held if isinstance(held, list) else [held]))


def _word(field: str, value: Value) -> str:
    """The field and its value as one text in ASCII; the same for numbers that are equal."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    word = f"{json.dumps(field)}:{json.dumps(value)}"
    return word if len(word) <= LONGEST_WORD else f"#{blake2b(word.encode(), digest_size=16).hexdigest()}"


def _alike(field: str, value: Value) -> list[Value]:
    """The value and what equals it: CSV files and front matter hold numbers, true and false as text."""
    if isinstance(value, bool):
        word = str(value)
        return [value, word.lower(), word, word.upper()]
    if isinstance(value, float):
        return [value, str(value), *([str(int(value))] if value.is_integer() else [])]
    if isinstance(value, int):
        if value.bit_length() > LONGEST_INT:
            raise InvalidInput(
                f"where: {field} is a number of more than {LONGEST_INT} bits; no passage holds such a one"
            )
        return [value, str(value), f"{value}.0"]
    if not isinstance(value, str):
        raise InvalidInput(
            f"where: {field}={value!r} is a {type(value).__name__}; give text, a number, true or false, or a list of "
            "these"
        )
    if value.lower() in ("true", "false"):
        return [value, value.lower() == "true"]
    return [value, json.loads(value)] if NUMBER.fullmatch(value) else [value]
