"""The pool size and the blend that fit one's own queries, from one scoring pass."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from shortlist.errors import InvalidInput
from shortlist.evaluation import latency as timing
from shortlist.evaluation.checkpoint import Checkpoint
from shortlist.evaluation.evaluate import K, measures_of
from shortlist.evaluation.latency import Latency
from shortlist.evaluation.outcomes import depth_of
from shortlist.evaluation.query_set import Judged
from shortlist.evaluation.recommend import BUDGET, Held, Pick, choose_blend, falls_beyond, harm, held, picks
from shortlist.evaluation.scoring import PointwiseCheck, check_pointwise, run_each, score_all
from shortlist.evaluation.statistics import SEED
from shortlist.evaluation.sweep import Curve, Plan, from_pass, from_runs
from shortlist.pipeline import Shortlist

SIZES = (5, 10, 20, 30, 50, 75, 100)
BLENDS = (0.0, 0.25, 0.5, 1.0, 2.0, 4.0)
MEASURES = ("nDCG@10", "RR@10", "Success@10")
FEWEST_TO_SPLIT = 20
"""Below this many queries a half is too small to choose on, so all of them serve for both and the result says so."""


@dataclass(frozen=True, slots=True)
class Request:
    """What to tune. `measures[0]` decides. `blend` is the one in use, `shortlist.weights` being those at blend 1.

    `budget` is in seconds for one search. `timed` is how many queries are timed at each size; about 5 % of the
    pass's cost where None. `checkpoint` names a file for partial results; `about` is what else tells this run from
    others, such as the index and its size.
    """

    sizes: tuple[int, ...] = SIZES
    blends: tuple[float, ...] = BLENDS
    blend: float = 1.0
    measures: tuple[str, ...] = MEASURES
    k: int = K
    budget: float | None = None
    timed: int | None = None
    checkpoint: Path | None = None
    about: Mapping[str, Any] = field(default_factory=dict)
    seed: int = SEED


@dataclass(frozen=True, slots=True)
class Tuning:
    """What tuning found.

    `curve` covers all queries at the blend in `blend`; `curves` has one for each blend that was tried. `picks` were
    chosen on the queries `chosen_on`, `held` are the same on `reported_on`. `recommended` is the pick to follow;
    `rerank` is False where, over all queries, it does not gain on stage one alone. `method` says how the sizes were
    measured, `checked` whether the reranker proved pointwise. `warnings` are for the reader.
    """

    measure: str
    curve: Curve
    curves: tuple[Curve, ...]
    blend: float
    blend_why: str
    latency: Mapping[int, Latency]
    picks: tuple[Pick, ...]
    held: tuple[Held, ...]
    recommended: Pick
    rerank: bool
    warnings: tuple[str, ...]
    method: str
    checked: PointwiseCheck | None
    chosen_on: tuple[str, ...]
    reported_on: tuple[str, ...]
    resumed: int

    @property
    def settings(self) -> dict[str, int | float | bool]:
        """What to put under [search] in `shortlist.toml`."""
        if not self.rerank or self.recommended.size is None:
            return {"rerank": False}
        return {"rerank": True, "pool": self.recommended.size, "blend": self.blend}


def tune(
    shortlist: Shortlist,
    judged: Judged,
    request: Request | None = None,
    *,
    progress: Callable[[int, int], None] | None = None,
) -> Tuning:
    """Quality and time at every pool size, a recommended size under each rule, and warnings.

    A pointwise reranker scores the largest pool once and every smaller pool is read off that pass; any other reranker
    runs at each size, and so does one whose scores move between pools although it claims to be pointwise. The blend is
    tuned from the pass alone. Rules choose on one half of the queries and are reported on the other. `progress` is
    told how many passages were scored of how many; the total grows where sizes have to be run apart.

    Raises:
        InvalidInput: No reranker, a bad size, blend or measure, or a checkpoint of another run.
        BadScores: The reranker returned NaN, infinity or a wrong count.
    """
    asked = _checked(shortlist, judged, request or Request())
    measures = tuple(measures_of(asked.measures))
    plan = Plan(asked.sizes, measures, asked.k, depth_of(measures, asked.k, judged.level))
    kept = Checkpoint(asked.checkpoint, _about(shortlist, judged, asked, plan))
    timed = asked.timed or timing.how_many(len(judged.queries), asked.sizes)
    count = _Count(progress or (lambda done, total: None))
    curves, method, checked = _curves(shortlist, judged, asked, plan, kept, count, timed)
    clock = timing.measure(_at(shortlist, asked.blend), judged, asked.sizes, plan.depth, timed, count.add)
    found = _found(judged, asked, plan, curves, clock)
    kept.finish()
    return Tuning(method=method, checked=checked, resumed=kept.resumed, **found)


class _Count:
    """Passages done of passages to do."""

    def __init__(self, tell: Callable[[int, int], None]) -> None:
        self._tell = tell
        self.done = self.total = 0

    def expect(self, passages: int) -> None:
        self.total += passages

    def add(self, passages: int) -> None:
        self.done += passages
        self._tell(self.done, self.total)


def _curves(
    shortlist: Shortlist, judged: Judged, asked: Request, plan: Plan, kept: Checkpoint, count: _Count, timed: int
) -> tuple[list[Curve], str, PointwiseCheck | None]:
    """A curve for each blend, how they were made, and the check."""
    reranker = shortlist.reranker
    assert reranker is not None
    count.expect(timed * sum(asked.sizes))
    checked = None
    name = reranker.name
    if reranker.pointwise:
        count.expect(len(judged.queries) * max(asked.sizes))
        recorded = score_all(shortlist, judged, asked.sizes, plan.depth, kept, count.add)
        checked = check_pointwise(shortlist, list(recorded.values()), max(asked.sizes))
        if checked.holds:
            made = [
                from_pass(recorded, judged, plan, _weights(shortlist, blend), blend)
                for blend in (asked.blends if shortlist.weights else (asked.blend,))
            ]
            return made, f"one pass at {max(asked.sizes)}; every smaller pool read off it", checked
        method = (
            f"{name} says it is pointwise, but its scores move by up to {checked.largest_difference:.3g} between pools "
            f"(spread {checked.spread:.3g}): one run at each size"
        )
    else:
        method = f"{name} scores a pool as a whole: one run at each size"
    count.expect(len(judged.queries) * sum(asked.sizes))
    runs = run_each(_at(shortlist, asked.blend), judged, asked.sizes, plan.depth, kept, count.add)
    return [from_runs(runs, judged, plan, asked.blend)], method, checked


def _found(
    judged: Judged, asked: Request, plan: Plan, curves: Sequence[Curve], clock: Mapping[int, Latency]
) -> dict[str, Any]:
    """The fields of `Tuning` that follow from the curves."""
    measure = str(plan.measures[0])
    chosen, reported = _halves(len(judged.queries), asked.seed)
    blend, why = choose_blend([one.part(chosen) for one in curves], measure, asked.blend)
    if len(curves) == 1:
        why = f"{blend:g} stays: nothing to tune (no fitted weights, or a reranker that is not pointwise)"
    curve = next(one for one in curves if one.blend == blend)
    choose, report = curve.part(chosen), curve.part(reported)
    found = picks(choose, measure, clock, asked.budget)
    recommended = next((one for one in found if one.rule == BUDGET), found[0])
    harmful = harm(curve, measure)
    rerank = recommended.size not in harmful and _gain(curve, recommended, measure) > 0
    ids = curve.query_ids
    return {
        "measure": measure,
        "curve": curve,
        "curves": tuple(curves),
        "blend": blend,
        "blend_why": why,
        "latency": clock,
        "picks": tuple(found),
        "held": tuple(one for pick in found if (one := held(pick, report, measure)) is not None),
        "recommended": recommended,
        "rerank": rerank,
        "warnings": (*_warnings(choose, report, curve, measure, harmful), *_doubts(curve, recommended, measure)),
        "chosen_on": tuple(ids[place] for place in chosen),
        "reported_on": tuple(ids[place] for place in reported),
    }


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


def _weights(shortlist: Shortlist, blend: float) -> dict[str, float]:
    return {name: blend * weight for name, weight in shortlist.weights.items()}


def _at(shortlist: Shortlist, blend: float) -> Shortlist:
    return Shortlist(shortlist.retriever, shortlist.reranker, weights=_weights(shortlist, blend))


def _about(shortlist: Shortlist, judged: Judged, asked: Request, plan: Plan) -> dict[str, Any]:
    reranker = shortlist.reranker
    assert reranker is not None
    return {
        **asked.about,
        "queries": judged.fingerprint,
        "sizes": list(asked.sizes),
        "depth": plan.depth,
        "reranker": reranker.name,
        "weights": _weights(shortlist, asked.blend),
    }


def _checked(shortlist: Shortlist, judged: Judged, asked: Request) -> Request:
    """The request with sizes and blends in order, each once, and the current blend among them."""
    if shortlist.reranker is None:
        raise InvalidInput("there is no reranker to tune the pool for: name a cross-encoder")
    if not asked.sizes or min(asked.sizes) < 1:
        raise InvalidInput(f"pool sizes must be at least 1, not {list(asked.sizes)}")
    if len(judged.queries) < 2:
        raise InvalidInput("at least two judged queries are needed to tune anything")
    if asked.timed is not None and not 1 <= asked.timed <= len(judged.queries):
        raise InvalidInput(f"between 1 and {len(judged.queries)} queries can be timed, not {asked.timed}")
    blends = tuple(sorted({*asked.blends, asked.blend}))
    if not all(0 <= blend < float("inf") for blend in blends):
        raise InvalidInput(f"blends must be 0 or more, not {list(blends)}")
    return replace(asked, sizes=tuple(sorted(set(asked.sizes))), blends=blends)
