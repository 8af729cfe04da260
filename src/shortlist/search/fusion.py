"""Reciprocal rank fusion of several ranked lists into one list."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from shortlist.errors import InvalidInput

RRF_K = 60
SHARE_IN_TIES = 0.3
"""The weight of "bm25_share" next to the cosine among equal fused scores."""


def rrf(
    lists: Sequence[Sequence[str]],
    k: int = RRF_K,
    weights: Sequence[float] | None = None,
    ties: Mapping[str, float] | None = None,
) -> list[tuple[str, float]]:
    """Return `(id, score)` pairs by reciprocal rank fusion, highest first.

    A score is the sum of `weight / (k + rank)` over the lists, with ranks from 1 and weights of 1 if none are given.
    Among equal scores, the id with the higher number in `ties` comes first, and an id without a number comes last. If
    these numbers are equal, too, the order is that of the first appearance. No lists, or only empty ones, give an empty
    list. Ids that only lists of weight 0 contain come last, with a score of 0.

    Raises:
        InvalidInput: The number of weights differs from the number of lists.

    Source:
        Cormack, Clarke and Buettcher, "Reciprocal Rank Fusion outperforms Condorcet and individual Rank Learning
        Methods", SIGIR 2009, which also sets k = 60.
    """
    shares = [1.0] * len(lists) if weights is None else list(weights)
    if len(shares) != len(lists):
        raise InvalidInput(f"{len(lists)} lists need {len(lists)} weights, not {len(shares)}")
    scores: dict[str, float] = {}
    for ids, share in zip(lists, shares, strict=True):
        for rank, key in enumerate(dict.fromkeys(ids), start=1):
            scores[key] = scores.get(key, 0.0) + share / (k + rank)
    numbers = ties or {}
    return sorted(scores.items(), key=lambda item: (-item[1], -numbers.get(item[0], -math.inf)))
