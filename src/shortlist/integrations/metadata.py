"""The scores and ranks of both stages as metadata of a framework's documents."""

from __future__ import annotations

from typing import Any

from shortlist.search.ranked import Ranked
from shortlist.types import Hit

ADDED = (
    *("score", "rank", "rerank_score", "retrieval_score", "retrieval_rank", "probability", "duplicates"),
    *("document_id", "title"),
)
"""The fields that are added to the metadata. They replace fields with the same names."""


def metadata_of(hit: Hit) -> dict[str, Any]:
    """Return the hit's own metadata with its scores, its ranks, its title and its document, without missing values."""
    added = {
        "score": hit.score,
        "rank": hit.rank,
        "rerank_score": hit.rerank_score,
        "retrieval_score": hit.retrieval_score,
        "retrieval_rank": hit.retrieval_rank,
        "probability": hit.probability,
        "duplicates": list(hit.duplicates) or None,
        "document_id": hit.document_id,
        "title": hit.title or None,
    }
    return {**hit.metadata, **_present(added)}


def metadata_of_ranked(item: Ranked, own: dict[str, Any], retrieval_score: float | None = None) -> dict[str, Any]:
    """Return a document's own metadata with its scores and ranks. `retrieval_score` is the one that stage one gave."""
    added = {
        "score": item.score,
        "rank": item.rank,
        "rerank_score": item.rerank_score,
        "retrieval_score": retrieval_score,
        "retrieval_rank": item.retrieval_rank,
    }
    return {**own, **_present(added)}


def _present(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}
