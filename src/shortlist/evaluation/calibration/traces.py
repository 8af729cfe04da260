"""The stops of a stop rule for each recorded query, at any threshold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shortlist.evaluation.metrics.measures import Grades, Measure, parse_with_cutoff
from shortlist.evaluation.metrics.outcomes import depth_of, judged_ids
from shortlist.evaluation.query_sets.query_set import Judged
from shortlist.evaluation.replay.replay import Recorded
from shortlist.search.order import stage_one_share
from shortlist.search.stopping import StopRule, demand
from shortlist.types import Hit, Ranking

Floats = NDArray[np.float64]

OVERLAP = "overlap"
"""The loss that needs no judgments: the share of the whole pool's first `top_k` that the answer lacks."""


@dataclass(frozen=True, slots=True)
class Trace:
    """One query at each check of a stop rule. The last check is the whole pool.

    `demands` holds the demand at each check (see `search.stopping.demand`), and minus infinity at the last check.
    `sizes` holds the number of scored passages at each check. `losses` holds the measure for the whole pool's ranking
    minus the measure at the check, or 0 if the measure does not fall. `worst` holds the largest loss at this or any
    later check. `worst` bounds the loss and never rises with the size.
    """

    query_id: str
    demands: Floats
    sizes: NDArray[np.int64]
    losses: Floats
    worst: Floats

    def stop(self, threshold: float | None) -> int:
        """Return the check at which a rule with this threshold stops."""
        if threshold is None:
            return len(self.sizes) - 1
        reached = self.demands >= threshold
        return int(np.argmax(reached)) if reached.any() else len(self.sizes) - 1


def measure_of(name: str, top_k: int) -> Measure:
    """Return the measure whose loss is bounded. "overlap" is the recall of the whole pool's first `top_k`.

    Raises:
        InvalidInput: An unknown name, or a name without a cutoff.
    """
    return Measure("R", top_k) if name == OVERLAP else parse_with_cutoff(name)


def trace_of(
    recorded: Recorded, judged: Judged, name: str, rule: StopRule, weights: Mapping[str, float]
) -> Trace | None:
    """Return the trace of one query, or None if the query was skipped, has an empty pool, or has nothing relevant.

    `name` is the name of a measure, or "overlap". The rule's threshold is not used. The reranker must be pointwise,
    because every part of the pool uses the scores of the whole pool.
    """
    measure = measure_of(name, rule.top_k)
    depth = max(depth_of([measure], rule.top_k, judged.level), rule.pool_size)
    ranking = recorded.search(rule.pool_size, depth, weights)
    pool = sorted((hit for hit in ranking.hits if hit.rerank_score is not None), key=lambda hit: hit.retrieval_rank)
    grades: Grades = judged.qrels[recorded.query_id]
    if name == OVERLAP:
        grades = dict.fromkeys(judged_ids(ranking.hits, judged)[: rule.top_k], 1)
    if recorded.skipped is not None or not pool or not any(grade > 0 for grade in grades.values()):
        return None
    steps = rule.steps(len(pool))
    values = [measure.of(_order(pool, done, ranking, judged), grades) for done in steps]
    losses = np.maximum(values[-1] - np.array(values), 0.0)
    return Trace(
        recorded.query_id,
        np.array([*(_demand(pool, done, weights, rule.top_k) for done in steps[:-1]), -np.inf]),
        np.array(steps, dtype=np.int64),
        losses,
        np.maximum.accumulate(losses[::-1])[::-1],
    )


def traces_of(
    recorded: Mapping[str, Recorded], judged: Judged, name: str, rule: StopRule, weights: Mapping[str, float]
) -> list[Trace]:
    """Return the trace of each query that has one: see `trace_of`."""
    traces = (trace_of(each, judged, name, rule, weights) for each in recorded.values())
    return [trace for trace in traces if trace is not None]


def _order(pool: Sequence[Hit], done: int, ranking: Ranking, judged: Judged) -> list[str]:
    """The judged ids if only the first `done` of the pool are scored. The others follow in stage one's order."""
    scored = sorted(pool[:done], key=lambda hit: -hit.score)
    return judged_ids([*scored, *pool[done:], *ranking.hits[len(pool) :]], judged)


def _demand(pool: Sequence[Hit], done: int, weights: Mapping[str, float], top_k: int) -> float:
    left = [stage_one_share(hit, weights) for hit in pool[done:]]
    return demand([(hit.score, hit.rerank_score or 0.0) for hit in pool[:done]], left, top_k)
