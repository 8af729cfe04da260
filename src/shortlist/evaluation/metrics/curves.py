"""The curves of every blend: from one pass, or from a run at each size where scores depend on the pool."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from shortlist.evaluation.metrics.counting import Count
from shortlist.evaluation.query_sets.query_set import Judged
from shortlist.evaluation.replay.checkpoint import Checkpoint
from shortlist.evaluation.replay.replay import Recorded
from shortlist.evaluation.replay.scoring_pass import PointwiseCheck, check_pointwise, run_each, score_all
from shortlist.evaluation.tuning.blend import derived
from shortlist.evaluation.tuning.request import Request
from shortlist.evaluation.tuning.sweep import Curve, Plan, from_pass, from_runs, scaled
from shortlist.protocols import Fuses, Reranker
from shortlist.search.pipeline import Shortlist
from shortlist.types import Ranking


@dataclass(frozen=True, slots=True)
class Curves:
    """One curve a blend.

    `weights` are those at blend 1, `derived` says that none were fitted; `current` is the blend in use. `method` says
    how they were made. `resumed` counts what an interrupted run had done. `depth` is how far rankings go.

    `recorded` holds the pass of each query, None where sizes were run apart; `runs` then holds the rankings of each
    size, at the blend in use.
    """

    by_blend: tuple[Curve, ...]
    weights: Mapping[str, float]
    derived: bool
    current: float
    method: str
    checked: PointwiseCheck | None
    resumed: int
    depth: int
    recorded: Mapping[str, Recorded] | None = field(default=None, repr=False)
    runs: Mapping[int, Mapping[str, Ranking]] | None = field(default=None, repr=False)

    def ranking(self, query_id: str, size: int, blend: float) -> Ranking:
        """The ranking of a query at a size and a blend, read off as the curves were.

        Where sizes were run apart, the blend in use is the only one.
        """
        if self.recorded is not None:
            return self.recorded[query_id].search(size, self.depth, scaled(self.weights, blend))
        assert self.runs is not None
        return self.runs[size][query_id]


def measure(
    shortlist: Shortlist, reranker: Reranker, judged: Judged, asked: Request, plan: Plan, count: Count
) -> tuple[Curves, Checkpoint]:
    """The curves, and the checkpoint that holds what was scored for them."""
    kept = Checkpoint(asked.checkpoint, _about(shortlist, reranker, judged, asked, plan))
    checked = None
    method = f"{reranker.name} scores a pool as a whole: one run at each size"
    if reranker.pointwise:
        count.expect(len(judged.queries) * max(plan.sizes))
        recorded = score_all(shortlist, judged, plan.sizes, plan.depth, kept, count.add)
        checked = check_pointwise(shortlist, list(recorded.values()), max(plan.sizes))
        if checked.holds:
            return _from_pass(shortlist, recorded, judged, asked, plan, checked, kept.resumed), kept
        method = (
            f"{reranker.name} says it is pointwise, but its scores move by up to {checked.largest_difference:.3g} "
            f"between pools (spread {checked.spread:.3g}): one run at each size"
        )
    count.expect(len(judged.queries) * sum(plan.sizes))
    at_blend = Shortlist(shortlist.retriever, reranker, weights=scaled(shortlist.weights, asked.blend))
    runs = run_each(at_blend, judged, plan.sizes, plan.depth, kept, count.add)
    curve = from_runs(runs, judged, plan, asked.blend)
    made = Curves((curve,), shortlist.weights, False, asked.blend, method, checked, kept.resumed, plan.depth, runs=runs)
    return made, kept


def _from_pass(
    shortlist: Shortlist,
    recorded: Mapping[str, Recorded],
    judged: Judged,
    asked: Request,
    plan: Plan,
    checked: PointwiseCheck,
    resumed: int,
) -> Curves:
    """A curve for each blend; where no weights were fitted, the blend in use is 0 and derived weights are tried."""
    fitted = bool(shortlist.weights)
    weights = dict(shortlist.weights) if fitted else derived(list(recorded.values()))
    current = asked.blend if fitted else 0.0
    blends = sorted({*asked.blends, current}) if weights else [current]
    made = tuple(from_pass(recorded, judged, plan, weights, blends))
    method = f"one pass at {max(plan.sizes)}; every smaller pool read off it"
    if checked.largest_difference:
        method += f" (scores of the same pairs move by up to {checked.largest_difference:.1e} between pools)"
    return Curves(made, weights, not fitted, current, method, checked, resumed, plan.depth, recorded)


def _about(shortlist: Shortlist, reranker: Reranker, judged: Judged, asked: Request, plan: Plan) -> dict[str, Any]:
    return {
        **asked.about,
        "queries": judged.resolved,
        "sizes": list(plan.sizes),
        "depth": plan.depth,
        "reranker": reranker.name,
        "fusion": shortlist.retriever.fusion if isinstance(shortlist.retriever, Fuses) else None,
        "weights": scaled(shortlist.weights, asked.blend),
    }
