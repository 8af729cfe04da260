"""Fusion of the two lists of stage one: by a weighted sum of scores, or by reciprocal rank."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from shortlist.errors import InvalidInput

RRF_K = 60
SHARE_WEIGHT = 0.3
"""The weight of "bm25_share" in a sum with the cosine. It is the ratio of both in the packaged default score."""
ROUNDING = 1e-5
"""By how much two computations of one cosine may differ."""


def added(cosine: float, share: float, fusion: float = 0.5) -> float:
    """Return the sum of a cosine and 0.3 x a BM25 share, by the weight `fusion` of the cosine: see `sums`."""
    return 2 * fusion * cosine + 2 * (1 - fusion) * SHARE_WEIGHT * share


def name_of_sum(fusion: float) -> str:
    """Return the sum of `added` in words, such as "cosine + 0.3 x BM25 share"."""
    factors = {"cosine": 2 * fusion, "BM25 share": 2 * (1 - fusion) * SHARE_WEIGHT}
    return " + ".join(name if factor == 1 else f"{factor:g} x {name}" for name, factor in factors.items())


def sums(dense: Mapping[str, float], shares: Mapping[str, float], fusion: float) -> dict[str, float]:
    """Return the fused score of each id that has a cosine: id -> cosine + 0.3 x BM25 share at a `fusion` of 0.5.

    `dense` has cosines, and `shares` has the BM25 score divided by the query's highest, 0 to 1. An id without a share
    has a share of 0. `fusion` is the weight of the cosine, 0 to 1: at 1 the score is twice the cosine, at 0 it is 0.6
    times the share. The score of an id does not depend on other ids, except for the highest BM25 score.

    Source:
        Bruch, Gai and Ingber, "An Analysis of Fusion Functions for Hybrid Retrieval" (arXiv 2210.11934), which finds
        such a sum better than reciprocal ranks.
    """
    return {key: added(cosine, shares.get(key, 0.0), fusion) for key, cosine in dense.items()}


def may_rank(
    dense: Mapping[str, float], shares: Mapping[str, float], fusion: float, *, lowest: float, k: int
) -> list[str]:
    """Return the ids that have a share and no cosine, and may be among the first `k` by `sums`.

    `lowest` is the lowest cosine of the list of vectors: an id that is not in this list has no higher cosine.
    """
    scores = sorted(sums(dense, shares, fusion).values(), reverse=True)
    least = scores[k - 1] if len(scores) >= k else -math.inf
    highest = sums({key: lowest + ROUNDING for key in shares if key not in dense}, shares, fusion)
    return [key for key, score in highest.items() if score >= least]


def rrf(
    lists: Sequence[Sequence[str]], k: int = RRF_K, weights: Sequence[float] | None = None
) -> list[tuple[str, float]]:
    """Return `(id, score)` pairs by reciprocal rank fusion, highest first.

    A score is the sum of `weight / (k + rank)` over the lists, with ranks from 1 and weights of 1 if none are given.
    Equal scores are in the order of their first appearance. No lists, or only empty ones, give an empty list. Ids that
    only lists of weight 0 contain come last, with a score of 0.

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
    return sorted(scores.items(), key=lambda item: -item[1])
