"""The curve over pool sizes: the value of each size for each query."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from shortlist.config.weights import scaled
from shortlist.errors import InvalidInput
from shortlist.evaluation.metrics.measures import Measure
from shortlist.evaluation.metrics.outcomes import Outcome, judged_ids, measured
from shortlist.evaluation.query_sets.holdout import Values
from shortlist.evaluation.query_sets.query_set import Judged
from shortlist.evaluation.replay.replay import Recorded
from shortlist.reprs import short_repr
from shortlist.types import Ranking


@dataclass(frozen=True, slots=True)
class Plan:
    """The plan of a sweep: pool sizes, measures, and the cutoff of the failure split.

    `depth` is the length of every ranking, for every pool size.
    """

    sizes: tuple[int, ...]
    measures: tuple[Measure, ...]
    cutoff: int
    depth: int


@dataclass(frozen=True, slots=True)
class Curve:
    """The values of each query at every pool size, at one blend. All values are from 0 to 1.

    `reranked` and `ceiling` map a measure's name to a `(len(sizes), len(query_ids))` float64 array, `stage_one` to an
    array of `(len(query_ids),)`. `recall` is the recall of the pool, `(len(sizes), len(query_ids))`.
    """

    blend: float
    sizes: tuple[int, ...]
    query_ids: tuple[str, ...]
    stage_one: Mapping[str, Values]
    reranked: Mapping[str, Values]
    ceiling: Mapping[str, Values]
    recall: Values

    def __repr__(self) -> str:
        facts = {"blend": self.blend, "sizes": self.sizes, "queries": len(self.query_ids)}
        return short_repr(self, None, {**facts, "measures": list(self.reranked)})

    def part(self, places: Sequence[int]) -> Curve:
        """Return the curve over the queries at these places."""
        chosen = list(places)
        return replace(
            self,
            query_ids=tuple(self.query_ids[place] for place in chosen),
            stage_one={name: values[chosen] for name, values in self.stage_one.items()},
            reranked={name: values[:, chosen] for name, values in self.reranked.items()},
            ceiling={name: values[:, chosen] for name, values in self.ceiling.items()},
            recall=self.recall[:, chosen],
        )

    def means(self, measure: str) -> Values:
        """Return the reranked mean at each size.

        Raises:
            InvalidInput: The measure was not measured.
        """
        if measure not in self.reranked:
            raise InvalidInput(f"{measure} was not measured: the curve has {', '.join(self.reranked)}", field="measure")
        means: Values = self.reranked[measure].mean(axis=1)
        return means

    def best(self, measure: str) -> int:
        """Return the place in `sizes` of the highest reranked mean. If several are equal, return the smallest size."""
        return int(np.argmax(self.means(measure)))


def from_pass(
    recorded: Mapping[str, Recorded], judged: Judged, plan: Plan, weights: Mapping[str, float], blends: Sequence[float]
) -> list[Curve]:
    """Return a curve for each blend.

    All sizes are computed from one pass. The final scores use `weights` times the blend.

    Pools do not depend on the blend, so values that depend only on the pool are computed once.
    """

    def at(blend: float) -> Callable[[int, str], Ranking]:
        shares = scaled(weights, blend)
        return lambda size, query_id: recorded[query_id].search(size, plan.depth, shares)

    def stage_one(query_id: str) -> Ranking:
        return recorded[query_id].search(plan.depth, plan.depth, {}, rerank=False)

    first = _curve(at(blends[0]), stage_one, judged, plan, blends[0])
    others = [replace(first, blend=blend, reranked=_reranked(at(blend), judged, plan)) for blend in blends[1:]]
    return [first, *others]


def from_runs(runs: Mapping[int, Mapping[str, Ranking]], judged: Judged, plan: Plan, blend: float) -> Curve:
    """Return the curve of separate runs. Size 0 is stage one alone."""
    return _curve(lambda size, query_id: runs[size][query_id], lambda query_id: runs[0][query_id], judged, plan, blend)


def _curve(
    at: Callable[[int, str], Ranking], stage_one: Callable[[str], Ranking], judged: Judged, plan: Plan, blend: float
) -> Curve:
    def outcome(query_id: str, ranking: Ranking) -> Outcome:
        return measured(query_id, ranking, judged, plan.measures, plan.cutoff)

    first = [outcome(query_id, stage_one(query_id)) for query_id in judged.queries]
    rows = [[outcome(query_id, at(size, query_id)) for query_id in judged.queries] for size in plan.sizes]
    names = [str(measure) for measure in plan.measures]
    return Curve(
        blend=blend,
        sizes=plan.sizes,
        query_ids=tuple(judged.queries),
        stage_one={name: np.array([each.stage_one[name] for each in first]) for name in names},
        reranked={name: np.array([[each.reranked[name] for each in row] for row in rows]) for name in names},
        ceiling={name: np.array([[each.ceiling[name] for each in row] for row in rows]) for name in names},
        recall=np.array([[each.recall for each in row] for row in rows]),
    )


def _reranked(at: Callable[[int, str], Ranking], judged: Judged, plan: Plan) -> dict[str, Values]:
    """The values of the final order, without the values that do not depend on the blend."""
    values = np.zeros((len(plan.measures), len(plan.sizes), len(judged.queries)))
    for row, size in enumerate(plan.sizes):
        for column, query_id in enumerate(judged.queries):
            ids = judged_ids(at(size, query_id).hits[: plan.depth], judged)
            for place, measure in enumerate(plan.measures):
                values[place, row, column] = measure.of(ids, judged.qrels[query_id])
    return {str(measure): values[place] for place, measure in enumerate(plan.measures)}
