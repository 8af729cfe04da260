"""The effort levels: three pool sizes of a tuning, with the quality and the time of each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from shortlist.evaluation.tuning.latency import Latency
from shortlist.evaluation.tuning.recommend import most_of_the_gain, smallest_near_best
from shortlist.evaluation.tuning.sweep import Curve


@dataclass(frozen=True, slots=True)
class EffortLevel:
    """One level: its name, its pool size, the mean of the measure, and the median seconds of a search.

    `value` was measured on queries that did not influence the choice.
    """

    name: str
    size: int
    measure: str
    value: float
    seconds: float

    @property
    def table(self) -> dict[str, Any]:
        """The level as it is stored in `shortlist.toml`."""
        return {
            "pool_size": self.size,
            "measure": self.measure,
            "value": round(self.value, 4),
            "seconds": float(f"{self.seconds:.3g}"),
        }


def effort_levels(
    choose: Curve, report: Curve, measure: str, latency: Mapping[int, Latency], budget_ms: float | None
) -> tuple[EffortLevel, ...]:
    """Return the levels low, mid and high, chosen on one half of the queries and measured on the other half.

    high: the size with the highest mean. mid: the smallest size near this mean, by `smallest_near_best`. low: the
    smallest size with most of the gain over stage one, by `most_of_the_gain`, and never a larger one than mid. With a
    budget, only the sizes within it count. The result is empty if no size is within the budget, or if none gains.
    """
    sizes = [size for size in choose.sizes if budget_ms is None or 1000 * latency[size].decisive <= budget_ms]
    if not sizes:
        return ()
    fitting = at_sizes(choose, sizes)
    high, mid = fitting.sizes[fitting.best(measure)], smallest_near_best(fitting, measure).size
    low = most_of_the_gain(fitting, measure).size
    if mid is None or low is None:
        return ()
    means = report.means(measure)
    return tuple(
        EffortLevel(name, size, measure, float(means[report.sizes.index(size)]), latency[size].whole(0.5))
        for name, size in (("low", min(low, mid)), ("mid", mid), ("high", high))
    )


def at_sizes(curve: Curve, sizes: Sequence[int]) -> Curve:
    """Return the curve at these of its sizes."""
    places = [curve.sizes.index(size) for size in sizes]
    return replace(
        curve,
        sizes=tuple(sizes),
        reranked={name: values[places] for name, values in curve.reranked.items()},
        ceiling={name: values[places] for name, values in curve.ceiling.items()},
        recall=curve.recall[places],
    )
