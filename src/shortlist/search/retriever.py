"""An adapter that makes a retriever of any object or function."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Iterable, Mapping, Sequence, Sized
from dataclasses import replace
from typing import Any, cast

from shortlist.errors import InvalidInput
from shortlist.protocols import Retriever
from shortlist.reprs import short_repr
from shortlist.search.pool import Retrieved
from shortlist.text.validation import checked_text, item_name, sound
from shortlist.types import Hit, Note, Passage, Where

Rows = Iterable[Any]
"""A row of such a function: an `(id, text)` or `(id, text, score)` tuple, or a dict with the same keys."""


def checked_query(query: str, k: int) -> str:
    """Return the query as `checked_text` does.

    Raises:
        InvalidInput: The query is empty or not a string, or k is below 1.
    """
    if k < 1:
        raise InvalidInput(f"k must be at least 1, not {k}")
    return checked_text(query)


def as_retriever(part: Any, name: str) -> Retriever:
    """Return `part` as a retriever. `name` is the name of the part in error messages.

    `part` is an object with `protocols.Retriever.retrieve`, which is returned unchanged, or a function
    `(query, k) -> rows`: see `RowsRetriever`.

    Raises:
        InvalidInput: The part is neither.
    """
    if not isinstance(part, type):
        if callable(getattr(part, "retrieve", None)):
            return cast("Retriever", part)
        if callable(part):
            return RowsRetriever(part, name)
    raise InvalidInput(
        f"{name} is {part!r:.80}: a retriever is an object with a method retrieve(query, k, where), or a function "
        "(query, k) that returns rows of id, text and score"
    )


class RowsRetriever:
    """A function `(query, k) -> rows` as a retriever. Satisfies `protocols.Retriever`.

    A row is a tuple `(id, text)` or `(id, text, score)`, or a dict with "id", "text" and optionally "score", "title",
    "document_id" and "metadata", or a `Hit`. The order of the rows is the ranking. Results show the scores, but the
    scores do not change the order. A row without a score gets 1 / rank. Of several rows with one id, the first is used,
    and a note counts the others. Rows after the first `k` hits are not read.

    A function with a parameter `where` receives the filter. Any other function cannot filter.
    """

    def __init__(self, function: Callable[..., Rows], name: str) -> None:
        self.name = name
        self._function = function
        self._filters = _has_parameter(function, "where")

    @property
    def function_name(self) -> str:
        """The name of the function, or that of its class if it has none."""
        return str(getattr(self._function, "__name__", type(self._function).__name__))

    def __repr__(self) -> str:
        return short_repr(self, self.function_name, {})

    def retrieve(self, query: str, k: int, where: Where | None = None) -> Retrieved:
        """Return at most `k` hits, in the order of the rows, with a note if rows repeat the ids of earlier rows.

        Raises:
            InvalidInput: An empty query, k below 1, a filter for a function without `where`, or a row that cannot be
                used: the message names its id.
        """
        query = checked_query(query, k)
        if where and not self._filters:
            raise InvalidInput(f"{self.name} has no parameter where, so it cannot filter", field="where")
        rows = self._function(query, k, where=where) if self._filters else self._function(query, k)
        if rows is None or isinstance(rows, str | bytes | Mapping) or not isinstance(rows, Iterable):
            raise InvalidInput(f"{self.name} returned {rows!r:.80}: it must return a list of rows")
        hits: dict[str, Hit] = {}
        repeated = 0
        total = len(rows) if isinstance(rows, Sized) else None
        for place, row in enumerate(rows):
            if len(hits) == k:
                break
            hit = self._hit(row, item_name("row", place, total), len(hits) + 1)
            repeated += hit.id in hits
            hits.setdefault(hit.id, hit)
        return Retrieved(hits.values(), [Note("repeated_rows", count=repeated)] if repeated else [])

    def _hit(self, row: Any, name: str, rank: int) -> Hit:
        if isinstance(row, Hit):
            return replace(row, rank=rank, retrieval_rank=rank)
        fields = self._fields(row, name)
        key, text = fields["id"], fields.get("text")
        if isinstance(key, bool) or not isinstance(key, str | int) or not str(key).strip():
            raise InvalidInput(f"{self.name}: {name} has the id {key!r:.80}: an id is a string or a whole number")
        if not isinstance(text, str) or not text.strip():
            raise InvalidInput(f"{self.name}: passage {str(key)!r} has no text")
        metadata = fields.get("metadata") or {}
        if not isinstance(metadata, Mapping):
            raise InvalidInput(f"{self.name}: the metadata of passage {str(key)!r} is {metadata!r:.80}, not a dict")
        score = self._score(fields.get("score"), str(key), rank)
        passage = Passage(
            sound(str(key)),
            sound(text),
            document_id=str(fields.get("document_id") or key),
            title=str(fields.get("title") or ""),
            metadata=metadata,
        )
        return Hit(passage, score, rank, score, rank)

    def _fields(self, row: Any, name: str) -> Mapping[str, Any]:
        if isinstance(row, Mapping) and "id" in row:
            return row
        if isinstance(row, Sequence) and not isinstance(row, str | bytes) and len(row) in (2, 3):
            return dict(zip(("id", "text", "score"), row, strict=False))
        raise InvalidInput(
            f"{self.name}: {name} is {row!r:.80}: give (id, text, score) tuples, or dicts with id, text and score"
        )

    def _score(self, score: Any, key: str, rank: int) -> float:
        if score is None:
            return 1.0 / rank
        try:
            number = float(score)
        except (TypeError, ValueError, OverflowError):
            number = math.nan
        if isinstance(score, str) or not math.isfinite(number):
            raise InvalidInput(f"{self.name}: the score of passage {key!r} is {score!r:.80}, not a finite number")
        return number


def _has_parameter(function: Callable[..., Any], name: str) -> bool:
    try:
        return name in inspect.signature(function).parameters
    except (TypeError, ValueError):  # a function written in C may have no signature
        return False
