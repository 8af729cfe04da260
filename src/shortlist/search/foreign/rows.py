"""Rows of a foreign retriever as hits."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from numbers import Integral
from typing import Any, Literal, TypeAlias
from uuid import UUID

from shortlist.errors import InvalidInput
from shortlist.search.metadata import fields_of
from shortlist.search.texts import named_text, reader
from shortlist.text.validation import sound
from shortlist.types import Hit

Direction: TypeAlias = Literal["higher", "lower", "unknown"]
"""Which of two scores is better: the higher one, the lower one (a distance), or nobody knows."""

DISTANCE = "distance"
"""The signal with the number of a row whose lower scores are better."""
RAW_SCORE = "raw_score"
"""The signal with the number of a row whose direction is unknown."""
IDS = ("id", "_id", "node_id")
"""The fields that may hold an id."""
DOCUMENT_IDS = ("document_id", "ref_doc_id")
"""The fields that may hold the id of the document (LlamaIndex: ref_doc_id)."""
DOCUMENT_IDS_OF_METADATA = ("document_id", "source_id")
"""The fields of the metadata that may hold the id of the document (Haystack: source_id)."""
HASH_LENGTH = 16


def id_of(key: Any, label: str) -> str:
    """Return an id as text. `label` is the name of its row in the error.

    Raises:
        InvalidInput: The id is neither text, nor a whole number, nor a UUID, or it is empty.
    """
    usable = isinstance(key, str | UUID) or (isinstance(key, Integral) and not isinstance(key, bool))
    if not usable or not str(key).strip():
        raise InvalidInput(f"{label} has the id {key!r:.80}: an id is text, a whole number or a UUID")
    return sound(str(key))


def finite_score(score: Any, label: str) -> float:
    """Return a score as a number. `label` is its name in the error.

    Raises:
        InvalidInput: The score is not a finite number.
    """
    try:
        number = math.nan if isinstance(score, str) else float(score)
    except (TypeError, ValueError, OverflowError):
        number = math.nan
    if not math.isfinite(number):
        raise InvalidInput(f"{label} is {score!r:.80}, not a finite number")
    return number


def text_id(text: str) -> str:
    """Return the id of a text without an id: the start of its SHA-256."""
    return hashlib.sha256(text.encode()).hexdigest()[:HASH_LENGTH]


@dataclass(frozen=True, slots=True)
class Row:
    """The fields of a row, unchecked. None is a field that is missing."""

    text: Any = None
    id: Any = None
    score: Any = None
    title: Any = None
    document_id: Any = None
    metadata: Any = None


def row_of(item: Any) -> Row | None:
    """Return the fields of a string, a tuple, a record or an object with text; None for anything else.

    A tuple is `(id, text)`, `(id, text, score)`, or `(object with text, score)`. The names of a record take precedence
    over its order, if it has both (rows of sqlite3, SQLAlchemy or a named tuple).
    """
    if isinstance(item, str):
        return Row(item)
    names = _names(item)
    if names is not None:
        row = _named(names.get)
        if row is not None and (isinstance(item, Mapping) or (row.id is not None and row.text is not None)):
            return row
    if isinstance(item, Sequence) and not isinstance(item, bytes):
        return _tuple(item)
    return _named(reader(item))


def _names(item: Any) -> Mapping[str, Any] | None:
    """The record as a mapping; None if the item has no names."""
    if isinstance(item, Mapping):
        return item
    if callable(getattr(item, "_asdict", None)):
        return dict(item._asdict())
    return {key: item[key] for key in item.keys()} if callable(getattr(item, "keys", None)) else None  # noqa: SIM118


def _tuple(item: Sequence[Any]) -> Row | None:
    if len(item) == 2 and not isinstance(item[0], str):
        inner = row_of(item[0])
        if inner is not None:
            return replace(inner, score=item[1])
    return Row(item[1], item[0], item[2] if len(item) == 3 else None) if len(item) in (2, 3) else None


def _named(read: Callable[[str], Any]) -> Row | None:
    """The row with these fields; None if it has neither a text nor an id."""
    text = named_text(read)
    key = next((value for name in IDS if (value := read(name)) is not None), None)
    if text is None and key is None:
        return None
    metadata = next((value for name in ("metadata", "meta") if (value := read(name)) is not None), None)
    inner = metadata if isinstance(metadata, Mapping) else {}
    document_ids = [*map(read, DOCUMENT_IDS), *map(inner.get, DOCUMENT_IDS_OF_METADATA)]
    document_id = next((value for value in document_ids if value not in (None, "")), None)
    title = text.title if text is not None else None
    return Row(None if text is None else text.text, key, read("score"), title, document_id, metadata)


@dataclass(frozen=True, slots=True)
class RowReader:
    """Makes hits of the rows of the retriever `name`, whose scores have this direction."""

    name: str
    direction: Direction = "higher"

    def hit(self, item: Any, label: str, rank: int) -> Hit:
        """Return the row with this rank as a hit. `label` is the name of the row in errors, such as "row 3 of 5".

        A row without an id gets the one of `text_id`. A row without a score gets 1 / rank. If lower scores are better,
        the hit has minus the score, and the score itself as signal "distance". If the direction is unknown, the hit has
        1 / rank, and the score as signal "raw_score".

        Raises:
            InvalidInput: The row cannot be used: no text, an id or a score of a wrong type, or metadata without names.
        """
        if isinstance(item, Hit):
            self._check_text(item.text, item.id, label)
            return item
        row = row_of(item)
        if row is None:
            raise InvalidInput(
                f"{self.name}: {label} is {item!r:.80}: give (id, text, score) tuples, or strings, dicts or objects "
                "with a text"
            )
        key = None if row.id is None else id_of(row.id, f"{self.name}: {label}")
        text = self._check_text(row.text, key, label)
        key = text_id(text) if key is None else key
        if not isinstance(row.metadata or {}, Mapping):
            raise InvalidInput(f"{self.name}: the metadata of passage {key!r} is {row.metadata!r:.80}, not a dict")
        score, signals = self._scores(row.score, key, rank)
        return Hit.of(
            key,
            text,
            score,
            title=sound(row.title or ""),
            document_id=str(row.document_id or key),
            metadata=fields_of(row.metadata or {}),
            signals=signals,
        )

    def _check_text(self, text: Any, key: str | None, label: str) -> str:
        if isinstance(text, str) and text.strip():
            return sound(text)
        passage = label if key is None else f"passage {key!r}"
        state = "has no text" if text is None or isinstance(text, str) else f"has the text {text!r:.80}"
        raise InvalidInput(f"{self.name}: {passage} {state}")

    def _scores(self, score: Any, key: str, rank: int) -> tuple[float, dict[str, float]]:
        """The score of stage one and the signals."""
        if score is None:
            return 1 / rank, {}
        number = finite_score(score, f"{self.name}: the score of passage {key!r}")
        if self.direction == "unknown":
            return 1 / rank, {RAW_SCORE: number}
        return (-number, {DISTANCE: number}) if self.direction == "lower" else (number, {})
