"""Several ranked lists to one. Pure functions of ids, ranks and scores."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

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


def weighted(lists: Sequence[Mapping[str, float]], weights: Sequence[float]) -> list[tuple[str, float]]:
    """Weighted sum of min-max scaled scores: `(id, score)`, highest first; an id that a list lacks gets 0 from it.

    A list whose scores are all equal counts 1 for each of its ids.

    Raises:
        InvalidInput: Not one weight a list.
    """
    if len(lists) != len(weights):
        raise InvalidInput(f"{len(lists)} lists need as many weights, not {len(weights)}")
    scores: dict[str, float] = {}
    for held, weight in zip(lists, weights, strict=True):
        low, high = min(held.values(), default=0.0), max(held.values(), default=0.0)
        for key, score in held.items():
            scaled = (score - low) / (high - low) if high > low else 1.0
            scores[key] = scores.get(key, 0.0) + weight * scaled
    return sorted(scores.items(), key=lambda item: -item[1])
