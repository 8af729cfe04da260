"""The threshold of a stop rule, fitted so that the mean loss compared with the whole pool stays below a given level."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace

import numpy as np

from shortlist.evaluation.calibration.risk import certified_loss, hoeffding_bentkus, least_queries
from shortlist.evaluation.calibration.traces import Trace
from shortlist.search.stopping import Guarantee, StopRule
from shortlist.types import Note

ALPHA, DELTA = 0.05, 0.05
_NEAR = 1e-6


@dataclass(frozen=True, slots=True)
class Risk:
    """The risk that a threshold must keep: with confidence 1 - `delta`, a mean loss of `measure` of at most `alpha`.

    The loss of a query, from 0 to 1, is the measure for the whole pool's ranking minus the measure for the shorter
    pool. If the measure rises, the loss is 0. Gains on some queries therefore do not compensate losses on others. For
    "overlap", the loss is the missing share of the first `top_k` hits of the whole pool. The mean is over the queries
    that are reranked and have a relevant passage. The confidence is over the random choice of the fitted queries. The
    guarantee assumes that later queries are independent, come from the same source, and search the same passages.
    """

    measure: str
    alpha: float = ALPHA
    delta: float = DELTA


@dataclass(frozen=True, slots=True)
class StopRuleFit:
    """A fitted stop rule, and its effect on the queries of the fit.

    `allowed` is the largest mean loss that this number of queries can certify, or None if they cannot certify any loss.
    `loss` is the mean loss of these queries. `scored` is the mean number of scored passages, and `whole` the mean size
    of the whole pool.
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
        """True if the rule can stop before the end of the pool."""
        return self.rule.threshold is not None

    @property
    def note(self) -> Note:
        """The guarantee of the fitted threshold, or the reason why there is no threshold."""
        assert self.rule.guarantee is not None
        result = "too_few_queries" if self.allowed is None else "certified" if self.certified else "no_earlier_stop"
        return Note("stop_rule_fit", result=result, **asdict(self.rule.guarantee))


def fit_stop_rule(traces: Sequence[Trace], rule: StopRule, risk: Risk) -> StopRuleFit:
    """Return `rule` with the smallest threshold that keeps the risk, or without a threshold.

    The function tries the demands of the traces as thresholds, highest first. The bound uses the largest loss of each
    query at its stop or at a later check. A lower threshold cannot make this loss smaller, so the search ends at the
    first threshold that fails. If nothing can be certified, the rule has no threshold.

    Source:
        Bates et al., "Distribution-free, risk-controlling prediction sets" (arXiv 2101.02703), theorem 1, with the
        Hoeffding-Bentkus bound; similar to Li, Zhang, Xin, Zhang and Lin, "Certified error control of candidate set
        pruning for two-stage relevance ranking" (arXiv 2205.09638).
    """
    allowed = certified_loss(len(traces), risk.alpha, risk.delta)
    threshold = None if allowed is None else _smallest_threshold(traces, risk, allowed)
    needed = least_queries(risk.alpha, risk.delta) if allowed is None else 0
    guarantee = Guarantee(risk.measure, risk.alpha, risk.delta, len(traces), needed)
    fitted = replace(rule, threshold=threshold, guarantee=guarantee)
    loss, scored = effect(traces, threshold)
    whole = effect(traces, None)[1]
    return StopRuleFit(fitted, risk, len(traces), allowed, loss, scored, whole)


def effect(traces: Sequence[Trace], threshold: float | None) -> tuple[float, float]:
    """Return the mean loss and the mean number of scored passages at a threshold. No traces give zeros."""
    if not traces:
        return 0.0, 0.0
    stops = [trace.stop(threshold) for trace in traces]
    losses = [trace.losses[stop] for trace, stop in zip(traces, stops, strict=True)]
    sizes = [trace.sizes[stop] for trace, stop in zip(traces, stops, strict=True)]
    return float(np.mean(losses)), float(np.mean(sizes))


def _smallest_threshold(traces: Sequence[Trace], risk: Risk, allowed: float) -> float | None:
    """The smallest demand at which the mean of the largest losses keeps the risk, or None."""
    events = sorted(
        (
            (demand, place, point)
            for place, trace in enumerate(traces)
            for point, demand in enumerate(trace.demands[:-1])
        ),
        reverse=True,
    )
    stops = [len(trace.sizes) - 1 for trace in traces]
    total, smallest = 0.0, None
    for number, (demand, place, point) in enumerate(events):
        if point < stops[place]:
            total += float(traces[place].worst[point] - traces[place].worst[stops[place]])
            stops[place] = point
        if number + 1 < len(events) and events[number + 1][0] == demand:
            continue
        if demand == -np.inf or not _is_certified(total / len(traces), len(traces), risk, allowed):
            break
        smallest = float(demand)
    return smallest


def _is_certified(loss: float, queries: int, risk: Risk, allowed: float) -> bool:
    """Whether the mean loss certifies the risk.

    The bound is computed only near `allowed`, because it has jumps there.
    """
    if abs(loss - allowed) > _NEAR:
        return loss < allowed
    return hoeffding_bentkus(max(loss, 0.0), queries, risk.alpha) <= risk.delta
