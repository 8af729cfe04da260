"""The threshold of an adaptive pool, fitted so that the mean loss against the whole pool stays below a stated level."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from shortlist.evaluation.calibration.risk import certified_loss, hoeffding_bentkus, least_queries
from shortlist.evaluation.calibration.traces import Trace
from shortlist.search.stopping import StopRule

ALPHA, DELTA = 0.05, 0.05
_NEAR = 1e-6


@dataclass(frozen=True, slots=True)
class Risk:
    """What a threshold is to keep: with confidence 1 - `delta`, a mean loss of `measure` of at most `alpha`.

    The loss of a query is how far the measure falls below that of the whole pool's ranking, from 0 to 1; where it
    rises the loss is 0, so gains on some queries never pay for losses on others. For "overlap" it is the share of the
    whole pool's first k that is missing. The mean is over the queries that are reranked and have something relevant.
    The confidence is over the draw of the fitted queries, and it rests on one assumption: later queries are drawn like
    those, independently and from the same stream, over the same passages.
    """

    measure: str
    alpha: float = ALPHA
    delta: float = DELTA

    def __str__(self) -> str:
        return f"mean loss of {self.measure} at most {self.alpha:g}, with confidence {1 - self.delta:.4g}"


@dataclass(frozen=True, slots=True)
class Adaptive:
    """A fitted rule, and what it did on the queries of the fit.

    `allowed` is the mean loss on so many queries that can still be certified, None where nothing can. `loss` is the
    mean loss of these queries, `scored` the mean number of passages scored and `whole` that of the whole pool.
    """

    rule: StopRule
    risk: Risk
    queries: int
    allowed: float | None
    loss: float
    scored: float
    whole: float

    @property
    def certified(self) -> bool:
        """Whether the rule ever stops."""
        return self.rule.threshold is not None


def fit(traces: Sequence[Trace], rule: StopRule, risk: Risk) -> Adaptive:
    """`rule` with the smallest threshold that keeps the risk; with none where nothing can be certified.

    The thresholds tried are the demands that were seen. The loss bounded is each query's worst at its stop or later,
    which can't fall as the threshold does, so the first threshold that fails ends the search.

    Source:
        Bates et al., "Distribution-free, risk-controlling prediction sets" (arXiv 2101.02703), theorem 1, with the
        Hoeffding-Bentkus bound; in the spirit of Li, Zhang, Xin, Zhang and Lin, "Certified error control of candidate
        set pruning for two-stage relevance ranking" (arXiv 2205.09638).
    """
    allowed = certified_loss(len(traces), risk.alpha, risk.delta)
    threshold = None if allowed is None else _smallest(traces, risk, allowed)
    fitted = replace(rule, threshold=threshold, promise=_promise(risk, len(traces), allowed, threshold))
    loss, scored = outcome(traces, threshold)
    whole = outcome(traces, None)[1]
    return Adaptive(fitted, risk, len(traces), allowed, loss, scored, whole)


def outcome(traces: Sequence[Trace], threshold: float | None) -> tuple[float, float]:
    """The mean loss and the mean number of passages scored at a threshold; no traces give zeros."""
    if not traces:
        return 0.0, 0.0
    stops = [one.stop(threshold) for one in traces]
    losses = [one.losses[stop] for one, stop in zip(traces, stops, strict=True)]
    sizes = [one.sizes[stop] for one, stop in zip(traces, stops, strict=True)]
    return float(np.mean(losses)), float(np.mean(sizes))


def _smallest(traces: Sequence[Trace], risk: Risk, allowed: float) -> float | None:
    """The smallest demand seen at which the mean of the worst losses keeps the risk; None where there is none."""
    events = sorted(
        ((demand, place, point) for place, one in enumerate(traces) for point, demand in enumerate(one.demands[:-1])),
        reverse=True,
    )
    stops = [len(one.sizes) - 1 for one in traces]
    total, found = 0.0, None
    for number, (demand, place, point) in enumerate(events):
        if point < stops[place]:
            total += float(traces[place].worst[point] - traces[place].worst[stops[place]])
            stops[place] = point
        if number + 1 < len(events) and events[number + 1][0] == demand:
            continue
        if demand == -np.inf or not _keeps(total / len(traces), len(traces), risk, allowed):
            break
        found = float(demand)
    return found


def _keeps(loss: float, queries: int, risk: Risk, allowed: float) -> bool:
    """Whether the mean loss certifies the risk; the bound itself is only asked near `allowed`, where it jumps."""
    if abs(loss - allowed) > _NEAR:
        return loss < allowed
    return hoeffding_bentkus(max(loss, 0.0), queries, risk.alpha) <= risk.delta


def _promise(risk: Risk, queries: int, allowed: float | None, threshold: float | None) -> str:
    if allowed is None:
        return (
            f"nothing can be certified: {queries} queries, and alpha {risk.alpha:g} at delta {risk.delta:g} needs at "
            f"least {least_queries(risk.alpha, risk.delta)} that are reranked and have something relevant"
        )
    if threshold is None:
        return f"no earlier stop keeps the {risk} on {queries} queries"
    return f"{risk}; fitted on {queries} queries"
