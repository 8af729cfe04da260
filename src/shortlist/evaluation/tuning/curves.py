"""The curves of every blend: from one pass, or from a run at each size if scores depend on the pool."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from shortlist.config.weights import scaled
from shortlist.evaluation.metrics.outcomes import repeated_in, retriever_notes
from shortlist.evaluation.query_sets.query_set import Judged
from shortlist.evaluation.replay.checkpoint import Checkpoint
from shortlist.evaluation.replay.pool_sizes import Answers, answers_of, different_sizes, same_pools
from shortlist.evaluation.replay.replay import Recorded
from shortlist.evaluation.replay.scoring_pass import PassageCount, PointwiseCheck, rescore_some, run_each, score_all
from shortlist.evaluation.tuning.blend import derived_weights
from shortlist.evaluation.tuning.options import TuneOptions
from shortlist.evaluation.tuning.sweep import Curve, Plan, from_pass, from_runs
from shortlist.protocols import Fuses, Reranker
from shortlist.search.pool import is_approximate
from shortlist.search.scores import info_of
from shortlist.search.search import Search
from shortlist.types import Hit, Note, Ranking


@dataclass(frozen=True, slots=True)
class Curves:
    """One curve for each blend.

    `weights` are the weights at blend 1. `derived` is True if none were fitted. `current` is the current blend.
    `method` is a note about how the curves were made. `resumed` counts the pieces of an interrupted run. `depth` is the
    length of rankings. `left_out` has a note about the sizes that are no searches of their own, if there are any.

    `recorded` holds the pass of each query, None if each size was run separately. `runs` then holds the rankings of
    each size, at the current blend. `signals` are the signals of the hits.
    """

    by_blend: tuple[Curve, ...]
    weights: Mapping[str, float]
    derived: bool
    current: float
    method: Note
    checked: PointwiseCheck | None
    resumed: int
    depth: int
    recorded: Mapping[str, Recorded] | None = field(default=None, repr=False)
    runs: Mapping[int, Mapping[str, Ranking]] | None = field(default=None, repr=False)
    signals: frozenset[str] = frozenset()
    left_out: Sequence[Note] = ()

    @property
    def sizes(self) -> tuple[int, ...]:
        """The pool sizes of every curve."""
        return self.by_blend[0].sizes

    @property
    def used_weights(self) -> dict[str, float]:
        """The weights at blend 1 of the signals that the hits have. Other weights change no score."""
        return {name: weight for name, weight in self.weights.items() if name in self.signals}

    @property
    def one_blend(self) -> Note | None:
        """The reason why only the current blend can be measured, or None if other blends can."""
        if self.recorded is None:
            return Note("not_tried", setting="blend", reason="runs_apart")
        return None if self.used_weights else Note("not_tried", setting="blend", reason="no_signals")

    def ranking(self, query_id: str, size: int, blend: float) -> Ranking:
        """Return the ranking of a query at a size and a blend. Separate runs have only the current blend."""
        if self.recorded is not None:
            return self.recorded[query_id].search(size, self.depth, scaled(self.weights, blend))
        assert self.runs is not None
        return self.runs[size][query_id]

    def notes(self) -> list[Note]:
        """Return notes on sizes that are left out, on a limit of the retriever, and on ids that it repeats."""
        if self.recorded is not None:
            passes = self.recorded.values()
            limits, counts = [each.limited for each in passes], [each.repeated for each in passes]
        else:
            runs = self.runs or {}
            rankings = runs[max(runs)].values()
            limits = [ranking.note("retriever_limited") for ranking in rankings]
            counts = [repeated_in(ranking.notes) for ranking in rankings]
        return [*self.left_out, *retriever_notes(limits, counts)]


def measure_curves(
    search: Search, reranker: Reranker, judged: Judged, options: TuneOptions, plan: Plan, count: PassageCount
) -> tuple[Curves, Checkpoint]:
    """Return the curves, and the checkpoint with their scores."""
    checkpoint = Checkpoint(options.checkpoint, _about(search, reranker, judged, options, plan))
    info = info_of(reranker)
    checked = None
    method = Note("listwise", reranker=info.name)
    if info.pointwise:
        recorded = score_all(search, judged, plan.sizes, plan.depth, checkpoint, count)
        plan, left_out = _different(plan, [each.answers for each in recorded.values()])
        checked = rescore_some(search, reranker, list(recorded.values()), max(plan.sizes))
        count.add(checked.pairs, expected=0)
        if checked.holds:
            curves = _from_pass(search, recorded, judged, options, plan, checked, checkpoint.resumed)
            return replace(curves, left_out=left_out), checkpoint
        difference, spread = checked.largest_difference, checked.spread
        method = Note("not_pointwise", reranker=info.name, largest_difference=difference, spread=spread)
    else:
        plan, left_out = _different(plan, answers_of(search, judged, plan.sizes, plan.depth))
    runs = run_each(search, judged, plan.sizes, plan.depth, checkpoint, count)
    curves = _from_runs(search, runs, judged, plan, method)
    return replace(curves, checked=checked, resumed=checkpoint.resumed, left_out=left_out), checkpoint


def _different(plan: Plan, answers: Sequence[Answers]) -> tuple[Plan, list[Note]]:
    """The plan without the sizes that are no searches of their own, and a note about them."""
    sizes = different_sizes(answers, plan.sizes)
    return replace(plan, sizes=sizes), same_pools(answers, plan.sizes, sizes)


def _from_runs(
    search: Search, runs: Mapping[int, Mapping[str, Ranking]], judged: Judged, plan: Plan, method: Note
) -> Curves:
    """The curve of the current blend."""
    blend, weights = search.config.blend, weights_at_1(search)
    curve = from_runs(runs, judged, plan, blend)
    signals = _signals_of(ranking for rankings in runs.values() for ranking in rankings.values())
    return Curves((curve,), weights, False, blend, method, None, 0, plan.depth, runs=runs, signals=signals)


def _signals_of(lists: Iterable[Iterable[Hit]]) -> frozenset[str]:
    """Return the signals that any hit has."""
    return frozenset(name for hits in lists for hit in hits for name in hit.signals)


def weights_at_1(search: Search) -> dict[str, float]:
    """Return the weights of the final score at blend 1."""
    return search.weights_at(search.config.override({"blend": 1.0}))


def _from_pass(
    search: Search,
    recorded: Mapping[str, Recorded],
    judged: Judged,
    options: TuneOptions,
    plan: Plan,
    checked: PointwiseCheck,
    resumed: int,
) -> Curves:
    """A curve for each blend. Without fitted weights, the current blend is 0, and derived weights are tried."""
    weights = weights_at_1(search)
    fitted = bool(weights)
    if not fitted:
        weights = derived_weights(list(recorded.values()))
    current = search.config.blend if fitted else 0.0
    signals = _signals_of(answer for each in recorded.values() for answer in each.answers.values())
    blends = sorted({*options.blends, current}) if signals & weights.keys() else [current]
    curves = tuple(from_pass(recorded, judged, plan, weights, blends))
    method = Note(
        "one_pass",
        pool=max(plan.sizes),
        largest_difference=checked.largest_difference,
        approximate=is_approximate(search.retriever),
    )
    return Curves(curves, weights, not fitted, current, method, checked, resumed, plan.depth, recorded, signals=signals)


def _about(search: Search, reranker: Reranker, judged: Judged, options: TuneOptions, plan: Plan) -> dict[str, Any]:
    """What the scores depend on, for the checkpoint."""
    return {
        **options.about,
        "queries": judged.resolved,
        "sizes": list(plan.sizes),
        "depth": plan.depth,
        "reranker": info_of(reranker).name,
        "fusion": search.retriever.fusion if isinstance(search.retriever, Fuses) else None,
        "weights": search.weights_at(),
        **({} if search.config.expand is None else {"expand": search.config.expand}),
    }
