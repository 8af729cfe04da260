"""Rules that choose a pool size on some queries, a check on other queries, and warnings if reranking does harm."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from shortlist.evaluation.metrics.statistics import TIE, holm, paired
from shortlist.evaluation.query_sets.holdout import FEWEST_TO_SPLIT
from shortlist.evaluation.tuning.latency import FEWEST_FOR_P95, Latency
from shortlist.evaluation.tuning.sweep import Curve
from shortlist.types import Note

KEEP = 0.98
GAIN = 0.9
ALPHA = 0.05

RuleName: TypeAlias = Literal["near_best", "most_of_the_gain", "latency_budget"]


@dataclass(frozen=True, slots=True)
class Pick:
    """The pool size that one rule chose, and the reason. None: no size satisfies the rule."""

    rule: RuleName
    size: int | None
    reason: Note


@dataclass(frozen=True, slots=True)
class PickCheck:
    """A pick, measured on queries that did not influence it.

    `value` is the mean of the measure at the pick, `best` the highest mean of any size on these queries, and
    `stage_one` the mean without reranking. `cost` is the size of the pick divided by the largest size.
    """

    rule: RuleName
    size: int
    value: float
    best: float
    stage_one: float
    cost: float

    @property
    def kept(self) -> float:
        """The share of the best mean that the pick keeps; 1 if the best is 0."""
        return self.value / self.best if self.best else 1.0


def picks(
    curve: Curve, measure: str, latency: Mapping[int, Latency], budget_ms: float | None, queries: int
) -> list[Pick]:
    """Return the pick of each rule on these queries. The latency rule needs a budget. `queries` counts all queries."""
    chosen = [smallest_near_best(curve, measure), most_of_the_gain(curve, measure)]
    if budget_ms is not None:
        chosen.append(within_budget(curve, measure, latency, budget_ms, queries))
    return chosen


def smallest_near_best(curve: Curve, measure: str) -> Pick:
    """Return the smallest size that keeps 98 % of the best mean, and whose paired 95 % interval to the best reaches 0.

    With few queries, the intervals are so wide that any size satisfies the second condition.
    """
    values, best = curve.reranked[measure], curve.best(measure)
    means = curve.means(measure)
    for place, size in enumerate(curve.sizes[:best]):
        difference = paired(values[place], values[best]).difference
        if difference.high >= 0 and means[place] >= KEEP * means[best]:
            reason = Note(
                "near_best",
                measure=measure,
                value=float(means[place]),
                pool=size,
                best_pool=curve.sizes[best],
                best=float(means[best]),
                keep=KEEP,
                mean=difference.mean,
                low=difference.low,
                high=difference.high,
            )
            return Pick("near_best", size, reason)
    reason_code = "no_smaller_near" if best else "smallest_pool"
    return Pick(
        "near_best", curve.sizes[best], Note("best_pool", measure=measure, value=float(means[best]), reason=reason_code)
    )


def most_of_the_gain(curve: Curve, measure: str) -> Pick:
    """Return the smallest size with 90 % of the best gain over stage one. If no size gains, the pick has no size."""
    means, stage_one = curve.means(measure), float(curve.stage_one[measure].mean())
    best = curve.best(measure)
    gain = float(means[best]) - stage_one
    if gain <= 0:
        reason = Note("no_gain", measure=measure, best=float(means[best]), stage_one=stage_one)
        return Pick("most_of_the_gain", None, reason)
    place = next(place for place, mean in enumerate(means) if mean - stage_one >= GAIN * gain)
    reason = Note(
        "most_of_the_gain",
        measure=measure,
        gain=float(means[place]) - stage_one,
        best_pool=curve.sizes[best],
        best_gain=gain,
    )
    return Pick("most_of_the_gain", curve.sizes[place], reason)


def within_budget(curve: Curve, measure: str, latency: Mapping[int, Latency], budget_ms: float, queries: int) -> Pick:
    """Return the size with the highest mean among the sizes whose `decisive` time is within the budget.

    `queries` counts the queries of the whole set, which can be timed. The curve may have fewer.
    """
    fit = [place for place, size in enumerate(curve.sizes) if 1000 * latency[size].decisive <= budget_ms]
    if not fit:
        smallest = min(curve.sizes)
        reason = Note("over_budget", budget_ms=budget_ms, pool=smallest, **_times(latency[smallest], queries))
        return Pick("latency_budget", None, reason)
    means = curve.means(measure)
    place = max(fit, key=lambda place: (means[place], -curve.sizes[place]))
    size = curve.sizes[place]
    times = _times(latency[size], queries)
    reason = Note("within_budget", measure=measure, value=float(means[place]), budget_ms=budget_ms, **times)
    return Pick("latency_budget", size, reason)


def _times(latency: Latency, queries: int) -> dict[str, float | None]:
    """Return the values of a note. `queries_needed` is None if 95 of 100 is known, or cannot be known of `queries`."""
    all_timed = latency.searches >= queries - 1  # the first one may have warmed up
    p95 = latency.p95
    return {
        "searches": latency.searches,
        "p50_ms": 1000 * latency.whole(0.5),
        "p95_ms": None if p95 is None else 1000 * p95,
        "queries_needed": FEWEST_FOR_P95 if p95 is None and queries >= FEWEST_FOR_P95 and not all_timed else None,
    }


def check_pick(pick: Pick, curve: Curve, measure: str) -> PickCheck | None:
    """Return the pick measured on the queries of `curve`, or None if the rule chose no size."""
    if pick.size is None:
        return None
    means = curve.means(measure)
    return PickCheck(
        pick.rule,
        pick.size,
        float(means[curve.sizes.index(pick.size)]),
        float(means.max()),
        float(curve.stage_one[measure].mean()),
        pick.size / max(curve.sizes),
    )


def harmful_sizes(curve: Curve, measure: str) -> list[int]:
    """Return the sizes at which reranking is worse than none: a lower mean, and a p value below 0.05 after Holm."""
    pairs = [paired(values, curve.stage_one[measure]) for values in curve.reranked[measure]]
    adjusted = holm([pair.p for pair in pairs])
    return [
        size
        for size, pair, p in zip(curve.sizes, pairs, adjusted, strict=True)
        if pair.difference.mean < 0 and p < ALPHA
    ]


def undecided(curve: Curve, pick: Pick, measure: str) -> Note | None:
    """Return the reason why the queries cannot decide whether to rerank, or None if they can.

    Call this function for a pick that neither gains nor does harm. A pick without a size was rejected for its
    time, which is a decision.
    """
    queries = len(curve.query_ids)
    if pick.size is None:
        return None
    if queries < FEWEST_TO_SPLIT:
        return Note("too_few_to_decide", queries=queries, fewest=FEWEST_TO_SPLIT)
    place, stage_one = curve.sizes.index(pick.size), float(curve.stage_one[measure].mean())
    ceiling = float(curve.ceiling[measure][-1].mean())
    if min(stage_one, float(curve.means(measure)[place])) >= ceiling - TIE:
        return Note("at_ceiling", measure=measure, value=stage_one)
    return None


def falls_beyond(choose: Curve, report: Curve, measure: str) -> int | None:
    """Return the size beyond which quality falls, or None: the best size of `choose` beats the largest on `report`.

    The best size is chosen on one half and compared with the largest on the other (paired interval above 0), because
    the highest of several means is too high on the queries that it was chosen on.
    """
    best = choose.best(measure)
    if best == len(choose.sizes) - 1:
        return None
    values = report.reranked[measure]
    return choose.sizes[best] if paired(values[best], values[-1]).difference.low > 0 else None


def warnings_of(choose: Curve, report: Curve, measure: str, harmful: Sequence[int]) -> list[Note]:
    """Return notes about sizes that do harm, about quality that falls with the size, and about too few queries."""
    notes = []
    if harmful:
        notes.append(Note("harmful", measure=measure, pools=list(map(str, harmful))))
    beyond = falls_beyond(choose, report, measure)
    if beyond is not None:
        notes.append(Note("quality_falls", measure=measure, pool=beyond))
    if choose.query_ids == report.query_ids:
        notes.append(Note("not_split", queries=len(choose.query_ids)))
    return notes


def gain_of(curve: Curve, pick: Pick, measure: str) -> float:
    """Return the mean of the pick minus the mean of stage one; 0 if the rule chose no size."""
    if pick.size is None:
        return 0.0
    place = curve.sizes.index(pick.size)
    return float(curve.means(measure)[place]) - float(curve.stage_one[measure].mean())


def gain_warnings(curve: Curve, report: Curve, pick: Pick, measure: str) -> list[Note]:
    """Return the reasons against the recommended size although no test finds it harmful."""
    if pick.size is None:
        return [pick.reason, *_lost_to_budget(curve, measure)]
    gain, unseen = gain_of(curve, pick, measure), gain_of(report, pick, measure)
    if gain <= 0:
        return [Note("no_gain_at_pool", pool=pick.size, measure=measure, gain=gain)]
    if unseen < 0:
        queries = len(report.query_ids)
        return [
            Note("gain_not_confirmed", pool=pick.size, measure=measure, queries=queries, unseen_gain=unseen, gain=gain)
        ]
    return []


def _lost_to_budget(curve: Curve, measure: str) -> list[Note]:
    """Return what is lost without reranking, compared with the best pool. The list is empty if no pool gains."""
    best, stage_one = curve.best(measure), float(curve.stage_one[measure].mean())
    value = float(curve.means(measure)[best])
    if value <= stage_one:
        return []
    values = {"value": value, "stage_one": stage_one, "lost": value - stage_one}
    return [Note("lost_to_budget", measure=measure, pool=curve.sizes[best], **values)]
