"""The pool size, blend, fusion weight and threshold that fit one's own queries, from one scoring pass."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from shortlist.errors import InvalidInput
from shortlist.evaluation.evaluate import Evaluation, K, measures_of
from shortlist.evaluation.metrics import latency as timing
from shortlist.evaluation.metrics.counting import Count
from shortlist.evaluation.metrics.curves import Curves
from shortlist.evaluation.metrics.curves import measure as measure_curves
from shortlist.evaluation.metrics.latency import Latency
from shortlist.evaluation.metrics.outcomes import depth_of, measured
from shortlist.evaluation.query_sets.holdout import Halves, halves
from shortlist.evaluation.query_sets.query_set import Judged
from shortlist.evaluation.replay.checkpoint import Checkpoint
from shortlist.evaluation.tuning.blend import choose_blend
from shortlist.evaluation.tuning.fusion_weight import Fusion, Trial, tune_fusion
from shortlist.evaluation.tuning.recommend import BUDGET, Held, Pick, falls_beyond, harm, held, picks, undecided
from shortlist.evaluation.tuning.request import Request, checked
from shortlist.evaluation.tuning.sweep import Curve, Plan, scaled
from shortlist.evaluation.tuning.threshold import ScoreThreshold, results_of, tune_threshold
from shortlist.protocols import Fuses
from shortlist.search.pipeline import Shortlist

APART = "scores depend on the pool, and sizes were run apart"
NO_FUSION = Fusion(None, f"not tried: {APART}")
NO_THRESHOLD = ScoreThreshold(None, f"none: {APART}")


@dataclass(frozen=True, slots=True)
class Tuning:
    """What tuning found.

    `curve` covers all queries at the blend in `blend`; `curves` has one for each blend that was tried, and says how
    they were made. `picks` were chosen on the queries `chosen_on`, `held` are the same on `reported_on`.
    `recommended` is the pick to follow; `rerank` is False where, over all queries, it does not gain on stage one
    alone; `undecided` says why these queries can't tell, "" where they can. `threshold` was tuned at that size and
    blend, and `fusion` too, or at a smaller `fusion.size` where nothing was taken. `warnings` are for the reader.
    """

    measure: str
    curve: Curve
    curves: Curves
    blend: float
    blend_why: str
    latency: Mapping[int, Latency]
    picks: tuple[Pick, ...]
    held: tuple[Held, ...]
    recommended: Pick
    rerank: bool
    warnings: tuple[str, ...]
    chosen_on: tuple[str, ...]
    reported_on: tuple[str, ...]
    fusion: Fusion = NO_FUSION
    threshold: ScoreThreshold = NO_THRESHOLD
    undecided: str = ""

    @property
    def timing(self) -> str:
        """Where the times come from, in words."""
        if self.curves.recorded is None:
            return "times are of those runs"
        *smaller, largest = self.curve.sizes
        of = "times are of that pass"
        return (
            f"{of} at {largest}, and of {len(self.latency[smaller[0]].rerank)} queries at smaller pools"
            if smaller
            else of
        )

    @property
    def settings(self) -> dict[str, int | float | bool]:
        """What to put under [search] in `shortlist.toml`; nothing where it is undecided whether to rerank."""
        if self.undecided:
            return {}
        found: dict[str, int | float | bool] = {"rerank": self.rerank}
        if self.rerank and self.recommended.size is not None:
            found |= {"pool": self.recommended.size, **self._blended}
        if self.fusion.weight is not None and self.fusion.values:
            found["fusion"] = self.fusion.weight
        if self.threshold.value is not None:
            found["threshold"] = self.threshold.value
        return found

    @property
    def _blended(self) -> dict[str, float]:
        if not self.curves.derived:
            return {"blend": self.blend}
        if not self.blend:
            return {}
        weights = scaled(self.curves.weights, self.blend)
        return {"blend": 1.0, **{f"weight.{name}": weight for name, weight in weights.items()}}


def tune(
    shortlist: Shortlist,
    judged: Judged,
    request: Request | None = None,
    *,
    progress: Callable[[int, int], None] | None = None,
) -> Tuning:
    """Quality and time at every pool size, a recommended size under each rule, and warnings.

    A pointwise reranker scores the largest pool once and every smaller pool is read off that pass; any other reranker
    runs at each size, and so does one whose scores move between pools although it claims to be pointwise. The blend
    is tuned from the pass alone; where the pair of models has no fitted weights, a weight for the cosine is tried.
    Then the fusion weight, at the recommended size, and the threshold. Rules choose on one half of the queries and are
    reported on the other, which decides nothing but, together with the first, whether to rerank at all. `progress` is
    told how many passages were scored of how many; the total grows where more have to be.

    Raises:
        InvalidInput: No reranker, a bad size, blend or measure, or a checkpoint of another run.
        BadScores: The reranker returned NaN, infinity or a wrong count.
    """
    asked = checked(shortlist, judged, request or Request())
    reranker = shortlist.reranker
    assert reranker is not None
    measures = tuple(measures_of(asked.measures))
    plan = Plan(asked.sizes, measures, asked.k, depth_of(measures, asked.k, judged.level))
    count = Count(progress or (lambda done, total: None))
    curves, kept = measure_curves(shortlist, reranker, judged, asked, plan, count)
    at_blend = Shortlist(shortlist.retriever, reranker, weights=scaled(shortlist.weights, asked.blend))
    clock = timing.clock(at_blend, judged, asked, curves, count)
    parts = halves(len(judged.queries), asked.seed)
    found = _found(curves, asked, str(plan.measures[0]), clock, parts)
    found = _refined(found, shortlist, judged, asked, plan, kept, count)
    kept.finish()
    return found


def evaluation_at(
    found: Tuning, judged: Judged, size: int, *, k: int = K, about: Mapping[str, str] | None = None
) -> Evaluation:
    """What `evaluate` measures at this pool size and the tuned blend, read off the tuning's own pass.

    Outcomes carry no seconds: nothing was searched anew. `latency` has those.

    Raises:
        InvalidInput: A size that was not tuned.
    """
    if size not in found.curve.sizes:
        raise InvalidInput(f"pool {size} was not tuned; the sizes are {', '.join(map(str, found.curve.sizes))}")
    measures = measures_of(list(found.curve.reranked))
    outcomes = tuple(
        replace(measured(key, found.curves.ranking(key, size, found.blend), judged, measures, k), seconds={})
        for key in judged.queries
    )
    names = tuple(map(str, measures))
    return Evaluation("tune", judged.name, judged.fingerprint, size, k, names, outcomes, dict(about or {}))


def _refined(
    found: Tuning,
    shortlist: Shortlist,
    judged: Judged,
    asked: Request,
    plan: Plan,
    kept: Checkpoint,
    count: Count,
) -> Tuning:
    """With the fusion weight and the threshold tuned at the recommended size and blend."""
    recorded, size = found.curves.recorded, (found.recommended.size or 0) if found.rerank else 0
    if recorded is None:
        return found
    parts = halves(len(judged.queries), asked.seed)
    weights = scaled(found.curves.weights, found.blend)
    trial = Trial(
        judged, recorded, weights, plan, parts, kept, count, timing.left(found.curves, asked, len(judged.queries))
    )
    fusion = tune_fusion(shortlist, asked.fusions, trial, size)
    found = replace(found, fusion=fusion)
    if not size:
        return replace(found, threshold=ScoreThreshold(None, "none: it is for scores of a reranker"))
    if isinstance(shortlist.retriever, Fuses) and fusion.weight != shortlist.retriever.fusion:
        recorded = fusion.recorded
    rankings = [recorded[key].search(size, plan.depth, weights) for key in judged.queries]
    results = results_of(rankings, judged, list(judged.queries), asked.k)
    return replace(found, threshold=tune_threshold(results, parts))


def _found(curves: Curves, asked: Request, measure: str, clock: Mapping[int, Latency], parts: Halves) -> Tuning:
    """What the curves say."""
    blend, why = choose_blend(curves.by_blend, measure, curves.current, parts)
    curve = next(one for one in curves.by_blend if one.blend == blend)
    choose, report = curve.part(parts.chosen), curve.part(parts.reported)
    found = picks(choose, measure, clock, asked.budget)
    recommended = next((one for one in found if one.rule == BUDGET), found[0])
    harmful = harm(curve, measure)
    gains = recommended.size not in harmful and _gain(curve, recommended, measure) > 0
    return Tuning(
        measure=measure,
        curve=curve,
        curves=curves,
        blend=blend,
        blend_why=why,
        latency=clock,
        picks=tuple(found),
        held=tuple(one for pick in found if (one := held(pick, report, measure)) is not None),
        recommended=recommended,
        rerank=gains,
        warnings=(*_warnings(choose, report, curve, measure, harmful), *_doubts(curve, report, recommended, measure)),
        chosen_on=choose.query_ids,
        reported_on=report.query_ids,
        undecided="" if gains or recommended.size in harmful else undecided(curve, recommended, measure),
    )


def _warnings(choose: Curve, report: Curve, whole: Curve, measure: str, harmful: Sequence[int]) -> list[str]:
    out = []
    if harmful:
        sizes = ", ".join(map(str, harmful))
        out.append(f"reranking is worse than none at pool {sizes}: {measure} falls below stage one's, beyond chance")
    beyond = falls_beyond(choose, report, measure)
    if beyond is not None:
        out.append(f"{measure} falls beyond a pool of {beyond}: a larger pool costs time and quality")
    if choose.query_ids == report.query_ids:
        out.append(
            f"{len(whole.query_ids)} queries are too few to choose on one half and report on the other: every figure "
            "is from the queries that were chosen on, so it flatters"
        )
    return out


def _gain(curve: Curve, pick: Pick, measure: str) -> float:
    """The pick's mean over stage one's; 0 where the rule chose no size."""
    if pick.size is None:
        return 0.0
    place = curve.sizes.index(pick.size)
    return float(curve.means(measure)[place]) - float(curve.stage_one[measure].mean())


def _doubts(whole: Curve, report: Curve, pick: Pick, measure: str) -> list[str]:
    """What speaks against the recommended size although no test calls it harmful."""
    if pick.size is None:
        return [f"{pick.rule}: {pick.why}"]
    gain, unseen = _gain(whole, pick, measure), _gain(report, pick, measure)
    if gain <= 0:
        return [f"pool {pick.size} gains nothing over stage one: {measure} {gain:+.4f} over all queries"]
    if unseen < 0:
        return [
            f"pool {pick.size} is below stage one on the {len(report.query_ids)} queries that had no part in choosing "
            f"it: {measure} {unseen:+.4f}, and {gain:+.4f} over all; judge more queries before trusting it"
        ]
    return []
