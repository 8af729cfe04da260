"""Several ranked lists to one. A pure function of ids and ranks."""

from __future__ import annotations

from collections.abc import Sequence

from shortlist.errors import InvalidInput

RRF_K = 60


def rrf(
    lists: Sequence[Sequence[str]], k: int = RRF_K, weights: Sequence[float] | None = None
) -> list[tuple[str, float]]:
    """Reciprocal rank fusion: `(id, sum of weight / (k + rank))`, highest first; ranks count from 1, weights are 1.

    Ties keep the order of first appearance. No lists, or only empty ones, give an empty list. What only lists of weight
    0 hold comes last, with 0.

    Raises:
        InvalidInput: Not one weight a list.

    Source:
        Cormack, Clarke and Buettcher, "Reciprocal Rank Fusion outperforms Condorcet and individual Rank
        Learning Methods", SIGIR 2009, which also sets k = 60.
    """
    shares = [1.0] * len(lists) if weights is None else list(weights)
    if len(shares) != len(lists):
        raise InvalidInput(f"{len(lists)} lists need as many weights, not {len(shares)}")
    scores: dict[str, float] = {}
    for ids, share in zip(lists, shares, strict=True):
        for rank, key in enumerate(dict.fromkeys(ids), start=1):
            scores[key] = scores.get(key, 0.0) + share / (k + rank)
    return sorted(scores.items(), key=lambda item: -item[1])
