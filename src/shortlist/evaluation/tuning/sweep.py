"""The curve over pool sizes: what each size scores, query by query."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from shortlist.evaluation.metrics.failures import keys_of
from shortlist.evaluation.metrics.measures import Measure
from shortlist.evaluation.metrics.outcomes import Outcome, measured
from shortlist.evaluation.query_sets.query_set import Judged
from shortlist.evaluation.replay.replay import Recorded
from shortlist.types import Ranking

Values = NDArray[np.float64]


def scaled(weights: Mapping[str, float], blend: float) -> dict[str, float]:
    """The weights times the blend."""
    return {name: blend * weight for name, weight in weights.items()}


@dataclass(frozen=True, slots=True)
class Plan:
    """What a sweep measures: at which sizes, by which measures, and where the failure split draws the line.

    `depth` is how many passages deep every ranking goes, whatever its pool.
    """

    sizes: tuple[int, ...]
    measures: tuple[Measure, ...]
    k: int
    depth: int


@dataclass(frozen=True, slots=True)
class Curve:
    """Per-query values at every pool size, at one blend.

    `reranked` and `ceiling` map a measure's name to a `(len(sizes), len(query_ids))` float64 array, `stage_one` to one
    of `(len(query_ids),)`. `recall` is R@pool, `(len(sizes), len(query_ids))`. All from 0 to 1.
    """

    blend: float
    sizes: tuple[int, ...]
    query_ids: tuple[str, ...]
    stage_one: Mapping[str, Values]
    reranked: Mapping[str, Values]
    ceiling: Mapping[str, Values]
    recall: Values

    def part(self, places: Sequence[int]) -> Curve:
        """The same curve over some of the queries, by their places."""
        chosen = list(places)
        return Curve(
            self.blend,
            self.sizes,
            tuple(self.query_ids[place] for place in chosen),
            {name: values[chosen] for name, values in self.stage_one.items()},
            {name: values[:, chosen] for name, values in self.reranked.items()},
            {name: values[:, chosen] for name, values in self.ceiling.items()},
            self.recall[:, chosen],
        )

    def means(self, measure: str) -> Values:
        """The reranked mean at each size."""
        means: Values = self.reranked[measure].mean(axis=1)
        return means

    def best(self, measure: str) -> int:
        """The place in `sizes` of the highest reranked mean, the smallest size where several share it."""
        return int(np.argmax(self.means(measure)))


def from_pass(
    recorded: Mapping[str, Recorded], judged: Judged, plan: Plan, weights: Mapping[str, float], blends: Sequence[float]
) -> list[Curve]:
    """A curve for each blend, every size read off one pass, with the signals' `weights` times the blend in the score.

    Pools do not depend on the blend, so what follows from them alone is read off once.
    """

    def at(blend: float) -> Callable[[int, str], Ranking]:
        shares = scaled(weights, blend)
        return lambda size, query_id: recorded[query_id].search(size, plan.depth, shares)

    def alone(query_id: str) -> Ranking:
        return recorded[query_id].search(plan.depth, plan.depth, {}, rerank=False)

    first = _curve(at(blends[0]), alone, judged, plan, blends[0])
    return [first, *(replace(first, blend=one, reranked=_reranked(at(one), judged, plan)) for one in blends[1:])]


def from_runs(runs: Mapping[int, Mapping[str, Ranking]], judged: Judged, plan: Plan, blend: float) -> Curve:
    """The curve of separate runs, with stage one alone as size 0."""
    return _curve(lambda size, query_id: runs[size][query_id], lambda query_id: runs[0][query_id], judged, plan, blend)


def _curve(
    at: Callable[[int, str], Ranking], alone: Callable[[str], Ranking], judged: Judged, plan: Plan, blend: float
) -> Curve:
    def outcome(query_id: str, ranking: Ranking) -> Outcome:
        return measured(query_id, ranking, judged, plan.measures, plan.k)

    first = [outcome(query_id, alone(query_id)) for query_id in judged.queries]
    rows = [[outcome(query_id, at(size, query_id)) for query_id in judged.queries] for size in plan.sizes]
    names = [str(one) for one in plan.measures]
    return Curve(
        blend=blend,
        sizes=plan.sizes,
        query_ids=tuple(judged.queries),
        stage_one={name: np.array([one.stage_one[name] for one in first]) for name in names},
        reranked={name: np.array([[one.reranked[name] for one in made] for made in rows]) for name in names},
        ceiling={name: np.array([[one.ceiling[name] for one in made] for made in rows]) for name in names},
        recall=np.array([[one.recall for one in made] for made in rows]),
    )


def _reranked(at: Callable[[int, str], Ranking], judged: Judged, plan: Plan) -> dict[str, Values]:
    """The final order's values alone."""
    found = np.zeros((len(plan.measures), len(plan.sizes), len(judged.queries)))
    for row, size in enumerate(plan.sizes):
        for column, query_id in enumerate(judged.queries):
            ranked = keys_of(at(size, query_id).hits[: plan.depth], judged)
            for which, one in enumerate(plan.measures):
                found[which, row, column] = one.of(ranked, judged.qrels[query_id])
    return {str(one): found[which] for which, one in enumerate(plan.measures)}
