"""Texts to the terms of BM25, and the weights of a passage's terms."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import qdrant_edge

TERM_SATURATION, LENGTH_WEIGHT = 1.2, 0.75


def term_counts(text: str) -> qdrant_edge.SparseVector:
    """Return how often each term is in the text."""
    import qdrant_edge as engine

    counter = engine.Bm25(engine.Bm25Config(k=TERM_SATURATION, b=0.0, language="english"))
    terms = counter.embed_document(text)
    # With b = 0 the weight of a term is tf * (k + 1) / (tf + k). This inverts it.
    counts = [weight * TERM_SATURATION / (TERM_SATURATION + 1 - weight) for weight in terms.values]
    return engine.SparseVector(indices=terms.indices, values=[float(round(count)) for count in counts])


def bm25_of(average_length: float) -> qdrant_edge.Bm25:
    """Return the weights of terms for passages of this mean length; 0 means that the length is unknown."""
    import qdrant_edge as engine

    return engine.Bm25(
        engine.Bm25Config(k=TERM_SATURATION, b=LENGTH_WEIGHT, avg_len=average_length or 100.0, language="english")
    )
