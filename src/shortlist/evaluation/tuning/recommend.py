"""A pool size chosen by rule on some queries, held against others, and warnings where reranking does harm."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from shortlist.evaluation.metrics.latency import Latency
from shortlist.evaluation.metrics.statistics import TIE, holm, paired
from shortlist.evaluation.query_sets.holdout import FEWEST_TO_SPLIT
from shortlist.evaluation.tuning.sweep import Curve

KEEP = 0.98
GAIN = 0.9
SLOWEST = 0.95
"""The share of searches that have to stay within a latency budget."""
ALPHA = 0.05

INTERVAL, BUDGET, NINETY = "within the interval of the best", "latency budget", "90 % of the gain"


@dataclass(frozen=True, slots=True)
class Pick:
    """What one rule chose; `size` None where no size satisfies it. `why` says it in words."""

    rule: str
    size: int | None
    why: str


@dataclass(frozen=True, slots=True)
class Held:
    """A pick on queries that had no part in choosing it.

    `value` is the measure's mean at the pick, `best` the highest mean of any size on these queries, `none` the mean
    of stage one alone. `cost` is the pick's pool over the largest.
    """

    rule: str
    size: int
    value: float
    best: float
    none: float
    cost: float

    @property
    def kept(self) -> float:
        """The share of the best mean that the pick keeps; 1 where the best is 0."""
        return self.value / self.best if self.best else 1.0


def picks(curve: Curve, measure: str, latency: Mapping[int, Latency], budget: float | None) -> list[Pick]:
    """What each rule chooses on these queries; the latency rule is left out without a `budget` in seconds."""
    out = [smallest_within(curve, measure), ninety(curve, measure)]
    if budget is not None:
        out.append(within_budget(curve, measure, latency, budget))
    return out


def smallest_within(curve: Curve, measure: str) -> Pick:
    """The smallest size whose paired 95 % interval to the best reaches 0, and that keeps 98 % of the best mean.

    The second condition holds the rule upright with few queries, whose intervals are wide enough for any size.
    """
    values, best = curve.reranked[measure], curve.best(measure)
    means = curve.means(measure)
    for place, size in enumerate(curve.sizes[:best]):
        behind = paired(values[place], values[best]).difference
        if behind.high >= 0 and means[place] >= KEEP * means[best]:
            return Pick(
                INTERVAL,
                size,
                f"the smallest pool that can't be told from the best ({curve.sizes[best]}: {measure} "
                f"{means[best]:.4f}) and keeps {KEEP:.0%} of it: {means[place]:.4f}, "
                f"{behind.mean:+.4f} [{behind.low:+.4f}, {behind.high:+.4f}]",
            )
    why = "no smaller one comes near it" if best else "it is the smallest pool tried, and no larger one is better"
    return Pick(INTERVAL, curve.sizes[best], f"the best pool, {measure} {means[best]:.4f}; {why}")


def ninety(curve: Curve, measure: str) -> Pick:
    """The smallest size with 90 % of the best gain over stage one; none where no size gains."""
    means, none = curve.means(measure), float(curve.stage_one[measure].mean())
    best = curve.best(measure)
    gain = float(means[best]) - none
    if gain <= 0:
        return Pick(NINETY, None, f"no pool gains: {measure} {means[best]:.4f} at best, {none:.4f} without reranking")
    place = next(place for place, mean in enumerate(means) if mean - none >= GAIN * gain)
    return Pick(
        NINETY,
        curve.sizes[place],
        f"{means[place] - none:+.4f} {measure} over stage one; the best pool ({curve.sizes[best]}) gains {gain:+.4f}",
    )


def within_budget(curve: Curve, measure: str, latency: Mapping[int, Latency], budget: float) -> Pick:
    """The size with the highest mean among those whose p95 search time is within `budget` seconds."""
    fit = [place for place, size in enumerate(curve.sizes) if latency[size].whole(SLOWEST) <= budget]
    if not fit:
        fastest = min(curve.sizes)
        return Pick(
            BUDGET,
            None,
            f"no pool keeps to {budget * 1000:.0f} ms: {fastest} takes {latency[fastest].whole(SLOWEST) * 1000:.0f} ms "
            "in 95 of 100 searches",
        )
    means = curve.means(measure)
    place = max(fit, key=lambda one: (means[one], -curve.sizes[one]))
    size = curve.sizes[place]
    return Pick(
        BUDGET,
        size,
        f"{measure} {means[place]:.4f} within {budget * 1000:.0f} ms: {latency[size].whole(SLOWEST) * 1000:.0f} ms in "
        "95 of 100 searches",
    )


def held(pick: Pick, curve: Curve, measure: str) -> Held | None:
    """The pick on the queries of `curve`; None where the rule chose no size."""
    if pick.size is None:
        return None
    means = curve.means(measure)
    return Held(
        pick.rule,
        pick.size,
        float(means[curve.sizes.index(pick.size)]),
        float(means.max()),
        float(curve.stage_one[measure].mean()),
        pick.size / max(curve.sizes),
    )


def harm(curve: Curve, measure: str) -> list[int]:
    """The sizes at which reranking is worse than none: a lower mean, and a p value below .05 after Holm."""
    found = [paired(values, curve.stage_one[measure]) for values in curve.reranked[measure]]
    adjusted = holm([one.p for one in found])
    return [
        size for size, one, p in zip(curve.sizes, found, adjusted, strict=True) if one.difference.mean < 0 and p < ALPHA
    ]


def undecided(curve: Curve, pick: Pick, measure: str) -> str:
    """Why a pick that gains nothing, yet does no harm that a test finds, says nothing of reranking; "" where it does.

    A pick without a size was left out for its time, which is a reason of its own.
    """
    queries = len(curve.query_ids)
    if pick.size is None:
        return ""
    if queries < FEWEST_TO_SPLIT:
        return f"{queries} queries are too few to say whether to rerank: it takes {FEWEST_TO_SPLIT}"
    place, none = curve.sizes.index(pick.size), float(curve.stage_one[measure].mean())
    if min(none, float(curve.means(measure)[place])) >= float(curve.ceiling[measure][-1].mean()) - TIE:
        return (
            f"with reranking and without, {measure} is at the ceiling, {none:.4f}: these queries can't say whether to "
            "rerank. Judge harder ones"
        )
    return ""


def falls_beyond(choose: Curve, report: Curve, measure: str) -> int | None:
    """The depth beyond which quality falls, None where it does not: the best size of `choose` beats the largest.

    The best size is found on one half and held against the largest on the other (paired interval above 0), since the
    highest of several noisy means looks better than it is on the queries that made it the highest.
    """
    best = choose.best(measure)
    if best == len(choose.sizes) - 1:
        return None
    values = report.reranked[measure]
    return choose.sizes[best] if paired(values[best], values[-1]).difference.low > 0 else None
