"""The gate, fitted so that the mean loss by skipping stage two stays below a given level."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

import numpy as np

from shortlist.evaluation.calibration.adaptive import Risk
from shortlist.evaluation.calibration.risk import hoeffding_bentkus, least_queries
from shortlist.evaluation.calibration.traces import OVERLAP, measure_of
from shortlist.evaluation.metrics.outcomes import depth_of, judged_ids
from shortlist.evaluation.query_sets.query_set import Judged
from shortlist.evaluation.replay.replay import Recorded
from shortlist.search.gate import SIGNALS, Gate, certainty
from shortlist.search.stopping import Guarantee
from shortlist.types import Note

GATE_ALPHA = 0.01
"""The mean loss that a gate may cost, by default."""


@dataclass(frozen=True, slots=True)
class GateTrace:
    """One query: the certainty of stage one by each signal, and the loss if stage two is skipped, 0 to 1."""

    certainty: Mapping[str, float]
    loss: float


@dataclass(frozen=True, slots=True)
class GateFit:
    """A fitted gate, and its effect on the queries of the fit.

    `saved` is the share of the queries for which stage two is skipped, and `loss` is the mean loss of all queries.
    """

    gate: Gate
    risk: Risk
    queries: int
    saved: float
    loss: float

    @property
    def certified(self) -> bool:
        """True if the gate can skip stage two."""
        return self.gate.threshold is not None

    @property
    def note(self) -> Note:
        """The guarantee of the gate with its effect, or the reason why it never skips."""
        assert self.gate.guarantee is not None
        few = self.gate.guarantee.queries_needed > 0
        result = "too_few_queries" if few else "certified" if self.certified else "no_skip"
        facts = asdict(self.gate.guarantee)
        return Note("gate_fit", result=result, signal=self.gate.signal, saved=self.saved, loss=self.loss, **facts)


def gate_traces(
    recorded: Mapping[str, Recorded],
    judged: Judged,
    name: str,
    sizes: tuple[int, int],
    weights: Mapping[str, float],
) -> list[GateTrace]:
    """Return the trace of each query that is reranked and has a relevant passage. `sizes` are pool size and `top_k`.

    The loss is the measure of the reranked order minus that of stage one's order, or 0 if the measure rises. With
    "overlap", the loss is the share of the first `top_k` hits that stage one's first `top_k` lack.
    """
    pool_size, top_k = sizes
    measure = measure_of(name, top_k)
    depth = max(depth_of([measure], top_k, judged.level), pool_size)
    traces = []
    for each in recorded.values():
        if each.skipped is not None:
            continue
        ranking = each.search(pool_size, depth, weights)
        stage_one = each.search(pool_size, depth, weights, rerank=False).hits
        after = judged_ids(ranking.hits, judged)
        grades = dict.fromkeys(after[:top_k], 1) if name == OVERLAP else judged.qrels[each.query_id]
        if not stage_one or not any(grade > 0 for grade in grades.values()):
            continue
        loss = measure.of(after, grades) - measure.of(judged_ids(stage_one, judged), grades)
        traces.append(GateTrace({signal: certainty(signal, stage_one) for signal in SIGNALS}, max(0.0, loss)))
    return traces


def fit_gate(traces: Sequence[GateTrace], pool_size: int, risk: Risk) -> GateFit:
    """Return the gate that saves the most among the signals, each with the smallest threshold that keeps the risk.

    For each signal, thresholds are tried from the highest certainty down, and the search ends at the first one that
    fails: a lower threshold skips more queries, so the mean loss cannot fall. Each signal is tested with
    delta / 3, so the choice among the three signals keeps delta (Bonferroni). If nothing can be certified, the gate has
    no threshold.

    Source:
        Within a signal, as `fit_stop_rule`: risk-controlling prediction sets (arXiv 2101.02703), theorem 1, with the
        Hoeffding-Bentkus bound. Between signals: "Learn then test" (arXiv 2110.01052).
    """
    delta = risk.delta / len(SIGNALS)
    needed = least_queries(risk.alpha, delta)
    guarantee = Guarantee(risk.measure, risk.alpha, risk.delta, len(traces), needed if len(traces) < needed else 0)
    best = GateFit(Gate(SIGNALS[0], None, pool_size, guarantee), risk, len(traces), 0.0, 0.0)
    for signal in SIGNALS:
        values = np.array([trace.certainty[signal] for trace in traces])
        losses = np.array([trace.loss for trace in traces])
        threshold = _smallest_threshold(values, losses, risk.alpha, delta)
        if threshold is None:
            continue
        skipped = values >= threshold
        saved, loss = float(skipped.mean()), float((losses * skipped).mean())
        if saved > best.saved:
            best = GateFit(Gate(signal, threshold, pool_size, guarantee), risk, len(traces), saved, loss)
    return best


def _smallest_threshold(
    values: np.ndarray[tuple[int], np.dtype[np.float64]],
    losses: np.ndarray[tuple[int], np.dtype[np.float64]],
    alpha: float,
    delta: float,
) -> float | None:
    """The smallest certainty at which the mean loss is certified, or None. Certainties of minus infinity never skip."""
    smallest = None
    for threshold in sorted({float(value) for value in values if math.isfinite(value)}, reverse=True):
        loss = float((losses * (values >= threshold)).mean())
        if hoeffding_bentkus(min(max(loss, 0.0), 1.0), len(values), alpha) > delta:
            break
        smallest = threshold
    return smallest
