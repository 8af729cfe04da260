"""Filters and ids in the form of Qdrant."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from uuid import UUID

from shortlist.stores.filters import Condition

if TYPE_CHECKING:
    from qdrant_client import models

PLAIN_KEY = re.compile(r"[A-Za-z0-9_\-.\[\]]+")
"""A key of a payload that needs no quotes."""


def is_int(key: str) -> bool:
    """Return whether the text is a whole number from 0."""
    return key.isascii() and key.isdigit()


def point_id(key: str) -> int | str | None:
    """Return an id as Qdrant has it: a whole number or a UUID. None for any other text."""
    if is_int(key):
        return int(key)
    try:
        return str(UUID(key))
    except ValueError:
        return None


def filter_of(condition: Condition, container: str) -> models.Filter:
    """Return Qdrant's filter of one field. A list matches by each of its values."""
    from qdrant_client import models

    keys = [condition.field, *([f"{container}.{condition.field}"] if container else [])]
    should: list[Any] = []
    for key in (key if PLAIN_KEY.fullmatch(key) else f'"{key}"' for key in keys):
        whole = [number for number in condition.numbers if isinstance(number, int)]
        should += [
            models.FieldCondition(key=key, match=models.MatchAny(any=values))
            for values in (condition.texts, whole)
            if values
        ]
        should += [models.FieldCondition(key=key, match=models.MatchValue(value=flag)) for flag in condition.flags]
        should += [
            models.FieldCondition(key=key, range=models.Range(gte=number, lte=number)) for number in condition.numbers
        ]
    return models.Filter(should=should)
