"""The pool size and the blend that fit one's own queries, from one scoring pass."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from shortlist.errors import InvalidInput
from shortlist.evaluation import latency as timing
from shortlist.evaluation.blend import choose_blend
from shortlist.evaluation.curves import Count, Curves
from shortlist.evaluation.curves import measure as measure_curves
from shortlist.evaluation.evaluate import Evaluation, K, measures_of
from shortlist.evaluation.latency import Latency
from shortlist.evaluation.outcomes import depth_of, measured
from shortlist.evaluation.query_set import Judged
from shortlist.evaluation.recommend import BUDGET, Held, Pick, falls_beyond, harm, held, picks
from shortlist.evaluation.request import Request, checked
from shortlist.evaluation.sweep import Curve, Plan, scaled
from shortlist.pipeline import Shortlist

FEWEST_TO_SPLIT = 20
"""Below this many queries a half is too small to choose on, so all of them serve for both and the result says so."""


@dataclass(frozen=True, slots=True)
class Tuning:
    """What tuning found.

    `curve` covers all queries at the blend in `blend`; `curves` has one for each blend that was tried, and says how
    they were made. `picks` were chosen on the queries `chosen_on`, `held` are the same on `reported_on`.
    `recommended` is the pick to follow; `rerank` is False where, over all queries, it does not gain on stage one
    alone. `warnings` are for the reader.
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

    @property
    def settings(self) -> dict[str, int | float | bool]:
        """What to put under [search] in `shortlist.toml`."""
        if not self.rerank or self.recommended.size is None:
            return {"rerank": False}
        found: dict[str, int | float | bool] = {"rerank": True, "pool": self.recommended.size}
        if not self.curves.derived:
            return {**found, "blend": self.blend}
        if not self.blend:
            return found
        weights = scaled(self.curves.weights, self.blend)
        return {**found, "blend": 1.0, **{f"weight.{name}": weight for name, weight in weights.items()}}


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
    Rules choose on one half of the queries and are reported on the other. `progress` is told how many passages were
    scored of how many; the total grows where sizes have to be run apart.

    Raises:
        InvalidInput: No reranker, a bad size, blend or measure, or a checkpoint of another run.
        BadScores: The reranker returned NaN, infinity or a wrong count.
    """
    asked = checked(shortlist, judged, request or Request())
    reranker = shortlist.reranker
    assert reranker is not None
    measures = tuple(measures_of(asked.measures))
    plan = Plan(asked.sizes, measures, asked.k, depth_of(measures, asked.k, judged.level))
    timed = asked.timed or timing.how_many(len(judged.queries), asked.sizes)
    count = Count(progress or (lambda done, total: None))
    count.expect(timed * sum(asked.sizes))
    curves, kept = measure_curves(shortlist, reranker, judged, asked, plan, count)
    at_blend = Shortlist(shortlist.retriever, reranker, weights=scaled(shortlist.weights, asked.blend))
    clock = timing.measure(at_blend, judged, asked.sizes, plan.depth, timed, count.add)
    kept.finish()
    return _found(curves, asked, str(plan.measures[0]), clock)


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


def _found(curves: Curves, asked: Request, measure: str, clock: Mapping[int, Latency]) -> Tuning:
    """What the curves say."""
    chosen, reported = _halves(len(curves.by_blend[0].query_ids), asked.seed)
    blend, why = choose_blend([one.part(chosen) for one in curves.by_blend], measure, curves.current)
    if len(curves.by_blend) == 1:
        why = f"{blend:g} stays: there is no other to try"
    curve = next(one for one in curves.by_blend if one.blend == blend)
    choose, report = curve.part(chosen), curve.part(reported)
    found = picks(choose, measure, clock, asked.budget)
    recommended = next((one for one in found if one.rule == BUDGET), found[0])
    harmful = harm(curve, measure)
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
        rerank=recommended.size not in harmful and _gain(curve, recommended, measure) > 0,
        warnings=(*_warnings(choose, report, curve, measure, harmful), *_doubts(curve, recommended, measure)),
        chosen_on=choose.query_ids,
        reported_on=report.query_ids,
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


def _doubts(curve: Curve, pick: Pick, measure: str) -> list[str]:
    """What speaks against the recommended size although no test calls it harmful."""
    if pick.size is None:
        return [f"{pick.rule}: {pick.why}"]
    gain = _gain(curve, pick, measure)
    if gain > 0:
        return []
    return [f"pool {pick.size} gains nothing over stage one: {measure} {gain:+.4f} over all queries"]


def _halves(queries: int, seed: int) -> tuple[list[int], list[int]]:
    """Places of the queries to choose on and of those to report on, each in order; the same ones where too few."""
    if queries < FEWEST_TO_SPLIT:
        return list(range(queries)), list(range(queries))
    drawn = np.random.default_rng(seed).permutation(queries).tolist()
    return sorted(drawn[: queries // 2]), sorted(drawn[queries // 2 :])
