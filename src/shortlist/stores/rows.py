"""Rows of a store as passages."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from numbers import Integral, Real
from typing import Any
from uuid import UUID

from shortlist.errors import InvalidInput
from shortlist.search.pool import Matches
from shortlist.stores.fields import Fields
from shortlist.stores.store import Row
from shortlist.text.validation import sound
from shortlist.types import Field, Note, Passage, Value


def passage_of(row: Row, fields: Fields, store: str) -> Passage:
    """Return the passage of a row.

    Nested metadata get names with dots, such as "author.name". Binary values and fields without a value are left out.

    Raises:
        InvalidInput: The id is neither text nor a whole number, or the text is missing or empty: the message names the
            id.
    """
    record = row.record
    key = id_of(record.get(fields.id) if fields.id else row.id, store)
    text = record.get(fields.text)
    if not isinstance(text, str) or not text.strip():
        state = "has no text" if isinstance(text, str) or text is None else f"has the text {text!r:.80}"
        raise InvalidInput(f"{store}: passage {key!r} {state} in its field {fields.text!r}")
    inner = record.get(fields.metadata) if fields.metadata else None
    own = {fields.text, fields.id, fields.vector, fields.metadata}
    metadata = dict(_flat({name: value for name, value in record.items() if name not in own}))
    metadata |= dict(_flat(inner)) if isinstance(inner, Mapping) else {}
    title = metadata.pop(fields.title, None) if fields.title else None
    document_id = metadata.pop(fields.document_id, None) if fields.document_id else None
    return Passage(
        key,
        sound(text),
        document_id=key if document_id is None else str(document_id),
        title="" if title is None else sound(str(title)),
        metadata=metadata,
    )


def id_of(key: Any, store: str) -> str:
    """Return an id of a store as text.

    Raises:
        InvalidInput: The id is neither text, nor a whole number, nor a UUID, or it is empty.
    """
    whole = isinstance(key, Integral) and not isinstance(key, bool)
    if not (whole or isinstance(key, str | UUID)) or not str(key).strip():
        raise InvalidInput(f"{store}: a row has the id {key!r:.80}: an id is text, a whole number or a UUID")
    return sound(str(key))


def matches(rows: Iterable[tuple[Row, float]], k: int, fields: Fields, store: str) -> Matches:
    """Return the passages of scored rows, highest score first, and equal scores by id. At most `k` are returned.

    Of several rows with one id, the one with the highest score is used, and a note counts the others.

    Raises:
        InvalidInput: See `passage_of`, or a score is not a finite number.
    """
    scored = [(passage_of(row, fields, store), _finite(score, row, store)) for row, score in rows]
    scored.sort(key=lambda pair: (-pair[1], pair[0].id))
    distinct: dict[str, tuple[Passage, float]] = {}
    for passage, score in scored:
        distinct.setdefault(passage.id, (passage, score))
    repeated = len(scored) - len(distinct)
    return Matches(list(distinct.values())[:k], [Note("repeated_rows", count=repeated)] if repeated else [])


def _finite(score: float, row: Row, store: str) -> float:
    if not math.isfinite(score):
        raise InvalidInput(f"{store}: the score of row {row.id!r:.80} is {score!r}, not a finite number")
    return float(score)


def _flat(record: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Field]]:
    for name, value in record.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{name}.")
        elif isinstance(value, list | tuple | set):
            values = [plain for plain in map(_plain, value) if plain is not None]
            if values:
                yield f"{prefix}{name}", values
        elif (plain := _plain(value)) is not None:
            yield f"{prefix}{name}", plain


def _plain(value: Any) -> Value | None:
    """Return a value of a store as one of ours; None for no value, NaN and binary values."""
    if value is None or isinstance(value, bytes | bytearray | memoryview):
        return None
    if isinstance(value, str | bool):
        return value
    if isinstance(value, Integral):
        return int(value)
    if isinstance(value, Real):
        return float(value) if math.isfinite(value) else None
    return value.isoformat() if hasattr(value, "isoformat") else str(value)
