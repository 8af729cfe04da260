"""Filters and ids in the form of Qdrant."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from shortlist.search.filters import Bound
from shortlist.search.filters.moments import iso_of
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
    """Return Qdrant's filter of one field. A list matches by each of its values.

    Qdrant compares numbers with numbers, and reads the dates of texts. A number that is text is not compared.
    """
    from qdrant_client import models

    keys = [condition.field, *([f"{container}.{condition.field}"] if container else [])]
    should: list[Any] = []
    for key in (key if PLAIN_KEY.fullmatch(key) else f'"{key}"' for key in keys):
        if condition.operator == "prefix":
            should += [
                models.FieldCondition(key=key, match=models.MatchPrefix(prefix=text)) for text in condition.texts
            ]
        else:
            should += _orders(key, condition) if condition.is_order else _equals(key, condition)
    return models.Filter(must_not=should) if condition.operator == "nin" else models.Filter(should=should)


def _equals(key: str, condition: Condition) -> list[Any]:
    from qdrant_client import models

    whole = [number for number in condition.numbers if isinstance(number, int)]
    tests: list[Any] = [
        models.FieldCondition(key=key, match=models.MatchAny(any=values))
        for values in (condition.texts, whole)
        if values
    ]
    tests += [models.FieldCondition(key=key, match=models.MatchValue(value=flag)) for flag in condition.flags]
    tests += [models.FieldCondition(key=key, range=_dates(period)) for period in condition.periods]
    return tests + [
        models.FieldCondition(key=key, range=models.Range(gte=number, lte=number)) for number in condition.numbers
    ]


def _orders(key: str, condition: Condition) -> list[Any]:
    from qdrant_client import models

    tests: list[Any] = []
    if condition.number is not None:
        limit = condition.number
        tests.append(models.FieldCondition(key=key, range=models.Range(**{limit.operator: limit.value})))
    if condition.moment is not None:
        tests.append(models.FieldCondition(key=key, range=_dates([condition.moment])))
    return tests


def _dates(limits: Sequence[Bound]) -> models.DatetimeRange:
    from qdrant_client import models

    dates = {limit.operator: datetime.fromisoformat(iso_of(limit.value).replace("Z", "+00:00")) for limit in limits}
    return models.DatetimeRange(**dates)
