"""Filters and sparse vectors in the form of Qdrant Edge."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from shortlist.indexes.points import WORDS, filter_words
from shortlist.text.terms.bm25 import SparseVector
from shortlist.types import Where

if TYPE_CHECKING:
    import qdrant_edge


def sparse(vector: SparseVector) -> qdrant_edge.SparseVector:
    """Return the vector in the engine's form."""
    import qdrant_edge as engine

    return engine.SparseVector(indices=vector.indices, values=vector.values)


def condition(where: Where | None) -> qdrant_edge.Filter | None:
    """Return the engine's filter for `where`, or None if it has no fields. Raises as `filter_words` does."""
    import qdrant_edge as engine

    must: list[Any] = [engine.FieldCondition(WORDS, match=engine.MatchAny(words)) for words in filter_words(where)]
    return engine.Filter(must=must) if must else None
