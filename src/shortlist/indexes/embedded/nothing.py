"""Why a search found nothing."""

from __future__ import annotations

from shortlist.indexes.embedded.index import EmbeddedIndex


def why_nothing(index: EmbeddedIndex) -> str:
    """What the index says about a search that found nothing; "" where only the query can be the reason."""
    return "" if len(index) else "the index is empty: add files with: shortlist add PATH --index DIR"
