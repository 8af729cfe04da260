"""Filters in the form of Qdrant's client."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from shortlist.indexes.points import WORDS, parts_of
from shortlist.types import Where

if TYPE_CHECKING:
    from qdrant_client import models


def condition(where: Where | None, form: int) -> models.Filter | None:
    """Return Qdrant's filter for `where`, or None if it has no fields. Raises as `parts_of` does."""
    from qdrant_client import models

    must, must_not = list[Any](), list[Any]()
    for part in parts_of(where, form):
        should: list[Any] = [
            models.FieldCondition(key=WORDS, match=models.MatchPrefix(prefix=start)) for start in part.prefixes
        ]
        should += [
            models.FieldCondition(key=key, range=models.Range(**{limit.operator: limit.value for limit in limits}))
            for key, limits in part.ranges
        ]
        should += [models.FieldCondition(key=WORDS, match=models.MatchAny(any=part.words))] if part.words else []
        conditions = must_not if part.negated else must
        conditions.append(should[0] if len(should) == 1 else models.Filter(should=should))
    return models.Filter(must=must or None, must_not=must_not or None) if must or must_not else None
