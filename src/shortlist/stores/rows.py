"""Rows of a store as passages."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

from shortlist.errors import InvalidInput
from shortlist.search.foreign.rows import id_of
from shortlist.search.metadata import fields_of
from shortlist.search.pool import Matches
from shortlist.stores.fields import Fields
from shortlist.stores.store import Row
from shortlist.text.validation import sound
from shortlist.types import Note, Passage


def passage_of(row: Row, fields: Fields, store: str) -> Passage:
    """Return the passage of a row.

    Nested metadata get names with dots, such as "author.name". Binary values and fields without a value are left out.

    Raises:
        InvalidInput: The id is neither text nor a whole number, or the text is missing or empty: the message names the
            id.
    """
    record = row.record
    key = id_of(record.get(fields.id) if fields.id else row.id, f"{store}: a row")
    text = record.get(fields.text)
    if not isinstance(text, str) or not text or text.isspace():
        state = "has no text" if isinstance(text, str) or text is None else f"has the text {text!r:.80}"
        known = "" if fields.text in record else f"; its fields are {', '.join(sorted(record)) or 'none'}"
        raise InvalidInput(f"{store}: passage {key!r} {state} in its field {fields.text!r}{known}")
    inner = record.get(fields.metadata) if fields.metadata else None
    own = {fields.text, fields.id, fields.vector, fields.metadata}
    metadata = fields_of({name: value for name, value in record.items() if name not in own})
    metadata |= fields_of(inner) if isinstance(inner, Mapping) else {}
    title = metadata.pop(fields.title, None) if fields.title else None
    document_id = metadata.pop(fields.document_id, None) if fields.document_id else None
    return Passage(
        key,
        sound(text),
        document_id=key if document_id is None else str(document_id),
        title="" if title is None else sound(str(title)),
        metadata=metadata,
    )


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
