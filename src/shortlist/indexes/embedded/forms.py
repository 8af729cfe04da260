"""Filters and sparse vectors in the form of Qdrant Edge."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from shortlist.indexes.points import WORDS, parts_of
from shortlist.text.terms.bm25 import SparseVector
from shortlist.types import Where

if TYPE_CHECKING:
    import qdrant_edge


def sparse(vector: SparseVector) -> qdrant_edge.SparseVector:
    """Return the vector in the engine's form."""
    import qdrant_edge as engine

    return engine.SparseVector(indices=vector.indices, values=vector.values)


def condition(where: Where | None, form: int) -> qdrant_edge.Filter | None:
    """Return the engine's filter for `where`, or None if it has no fields. Raises as `parts_of` does."""
    import qdrant_edge as engine

    must, must_not = list[Any](), list[Any]()
    for part in parts_of(where, form):
        should: list[Any] = [engine.FieldCondition(WORDS, match=engine.MatchPrefix(start)) for start in part.prefixes]
        should += [
            engine.FieldCondition(key, range=engine.RangeFloat(**{limit.operator: limit.value for limit in limits}))
            for key, limits in part.ranges
        ]
        should += [engine.FieldCondition(WORDS, match=engine.MatchAny(part.words))] if part.words else []
        conditions = must_not if part.negated else must
        conditions.append(should[0] if len(should) == 1 else engine.Filter(should=should))
    return engine.Filter(must=must or None, must_not=must_not or None) if must or must_not else None
