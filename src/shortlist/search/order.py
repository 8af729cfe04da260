"""The order of an answer. No other module turns scores into a ranked list."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from shortlist.config.weights import Weights
from shortlist.text.negation import is_negated
from shortlist.types import Hit, Scores


def stage_one_share(hit: Hit, weights: Mapping[str, float]) -> float:
    """Return the part of stage one in the hit's final score: the weighted sum of its signals."""
    return sum(weight * hit.signals.get(name, 0.0) for name, weight in weights.items())


def weights_for(query: str, weights: Mapping[str, float]) -> Mapping[str, float]:
    """Return the weights of the signals for this query. Fitted weights have a factor if it excludes something."""
    if isinstance(weights, Weights) and weights.negated != 1 and is_negated(query):
        return weights.times(weights.negated)
    return weights


def best_first(scores: Sequence[float], exits_left: Sequence[int] = ()) -> list[int]:
    """Return the places of the scores, fewest exits left first, then best first. Equal scores keep their order."""
    left = exits_left or [0] * len(scores)
    return sorted(range(len(scores)), key=lambda place: (left[place], -scores[place]))


def ordered(pool: Sequence[Hit], scores: Scores, weights: Mapping[str, float]) -> list[Hit]:
    """Return the hits with their scores, best first, with ranks from 1. Equal scores keep the order of the pool.

    `scores` belong to the first hits of the pool. A hit's final score is its raw score plus, for each signal in
    `weights`, the weight times the hit's signal; a missing signal adds 0. No score depends on the other hits. A hit
    with exits left was not scored to the end: it has no `rerank_score`, and follows the hits with fewer exits left. The
    hits without a score come last, in the order of the pool.
    """
    scored = pool[: len(scores)]
    left = scores.exits_left or [0] * len(scored)
    final = [score + stage_one_share(hit, weights) for hit, score in zip(scored, scores, strict=True)]
    ranked = [
        replace(
            scored[place],
            score=final[place],
            rank=rank,
            rerank_score=None if left[place] else scores[place],
            truncated=scores.truncated[place],
        )
        for rank, place in enumerate(best_first(final, left), start=1)
    ]
    return [*ranked, *pool[len(scores) :]]
