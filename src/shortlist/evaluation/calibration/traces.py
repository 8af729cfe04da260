"""What an adaptive pool would have done with each recorded query at any threshold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shortlist.evaluation.metrics.failures import keys_of
from shortlist.evaluation.metrics.measures import Grades, Measure, parse_cut
from shortlist.evaluation.metrics.outcomes import depth_of
from shortlist.evaluation.query_sets.query_set import Judged
from shortlist.evaluation.replay.replay import Recorded
from shortlist.search.pipeline import stage_one_share
from shortlist.search.stopping import StopRule, demand
from shortlist.types import Hit, Ranking

Floats = NDArray[np.float64]

OVERLAP = "overlap"
"""The loss that needs no judgments: the share of the whole pool's first k that is missing from the first k."""


@dataclass(frozen=True, slots=True)
class Trace:
    """One query at each point where a rule is asked, the last being the whole pool.

    `demands` are what the rule measures there, minus infinity at the last. `sizes` are how many passages were scored by
    then. `losses` are how far the measure falls there below the whole pool's ranking, 0 where it does not fall; `worst`
    is the largest loss there or at any later point, which bounds the loss and never rises with the size.
    """

    query_id: str
    demands: Floats
    sizes: NDArray[np.int64]
    losses: Floats
    worst: Floats

    def stop(self, threshold: float | None) -> int:
        """The point at which a rule with this threshold stops."""
        if threshold is None:
            return len(self.sizes) - 1
        reached = self.demands >= threshold
        return int(np.argmax(reached)) if reached.any() else len(self.sizes) - 1


def measure_of(name: str, k: int) -> Measure:
    """The measure whose loss is bounded; for "overlap" it is R@k, which `trace` holds against the whole pool's first k.

    Raises:
        InvalidInput: An unknown name, or one without a cutoff.
    """
    return Measure("R", k) if name == OVERLAP else parse_cut(name)


def trace(recorded: Recorded, judged: Judged, name: str, rule: StopRule, weights: Mapping[str, float]) -> Trace | None:
    """The trace of one query's pass; None where the reranker declined it, the pool is empty, or nothing is relevant.

    `name` is that of a measure, or "overlap".

    The rule's threshold has no part in it. The whole pool's scores serve for every part of it, so the reranker has to
    be pointwise.
    """
    measure = measure_of(name, rule.k)
    depth = max(depth_of([measure], rule.k, judged.level), rule.pool_size)
    ranking = recorded.search(rule.pool_size, depth, weights)
    pool = sorted((hit for hit in ranking.hits if hit.rerank_score is not None), key=lambda hit: hit.retrieval_rank)
    grades: Grades = judged.qrels[recorded.query_id]
    if name == OVERLAP:
        grades = dict.fromkeys(keys_of(ranking.hits, judged)[: rule.k], 1)
    if recorded.why_not or not pool or not any(grade > 0 for grade in grades.values()):
        return None
    steps = rule.steps(len(pool))
    values = [measure.of(_order(pool, done, ranking, judged), grades) for done in steps]
    losses = np.maximum(values[-1] - np.array(values), 0.0)
    return Trace(
        recorded.query_id,
        np.array([*(_demand(pool, done, weights, rule.k) for done in steps[:-1]), -np.inf]),
        np.array(steps, dtype=np.int64),
        losses,
        np.maximum.accumulate(losses[::-1])[::-1],
    )


def _order(pool: Sequence[Hit], done: int, ranking: Ranking, judged: Judged) -> list[str]:
    """The judged ids when only the first `done` of the pool are scored; the others follow in stage one's order."""
    scored = sorted(pool[:done], key=lambda hit: -hit.score)
    return keys_of([*scored, *pool[done:], *ranking.hits[len(pool) :]], judged)


def _demand(pool: Sequence[Hit], done: int, weights: Mapping[str, float], k: int) -> float:
    left = [stage_one_share(hit, weights) for hit in pool[done:]]
    return demand([(hit.score, hit.rerank_score or 0.0) for hit in pool[:done]], left, k)
