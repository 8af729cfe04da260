"""The curve over pool sizes: what each size scores, query by query."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shortlist.evaluation.metrics import Measure
from shortlist.evaluation.outcomes import Outcome, measured
from shortlist.evaluation.query_set import Judged
from shortlist.evaluation.recorded import Recorded
from shortlist.types import Ranking

Values = NDArray[np.float64]


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
    recorded: Mapping[str, Recorded], judged: Judged, plan: Plan, weights: Mapping[str, float], blend: float
) -> Curve:
    """Every size read off one pass, with the signals' `weights` in the final score."""

    def at(size: int, query_id: str) -> Ranking:
        one = recorded[query_id]
        return one.search(size, plan.depth, weights) if size else one.search(plan.depth, plan.depth, {}, rerank=False)

    return _curve(at, judged, plan, blend)


def from_runs(runs: Mapping[int, Mapping[str, Ranking]], judged: Judged, plan: Plan, blend: float) -> Curve:
    """The curve of separate runs, with stage one alone as size 0."""
    return _curve(lambda size, query_id: runs[size][query_id], judged, plan, blend)


def _curve(at: Callable[[int, str], Ranking], judged: Judged, plan: Plan, blend: float) -> Curve:
    def row(size: int) -> list[Outcome]:
        return [measured(query_id, at(size, query_id), judged, plan.measures, plan.k) for query_id in judged.queries]

    alone, rows = row(0), [row(size) for size in plan.sizes]
    names = [str(one) for one in plan.measures]
    return Curve(
        blend=blend,
        sizes=plan.sizes,
        query_ids=tuple(judged.queries),
        stage_one={name: np.array([one.stage_one[name] for one in alone]) for name in names},
        reranked={name: np.array([[one.reranked[name] for one in made] for made in rows]) for name in names},
        ceiling={name: np.array([[one.ceiling[name] for one in made] for made in rows]) for name in names},
        recall=np.array([[one.recall for one in made] for made in rows]),
    )
