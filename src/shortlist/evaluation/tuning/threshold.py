"""The choice of the smallest final score of an answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shortlist.evaluation.query_sets.holdout import Halves, Values, compare_best
from shortlist.evaluation.query_sets.query_set import Judged
from shortlist.types import Note, Ranking

CANDIDATES = 400
DIGITS = 4
"""Significant digits of a threshold.

Thresholds are rounded before they are measured, so the file has the measured value.
"""


@dataclass(frozen=True, slots=True)
class ThresholdEffect:
    """The effect of a threshold on the first results of some queries.

    `precision` is the relevant share of the shown results (1 if none is shown). `recall` is the share of the relevant
    first results that are still shown (1 if none is relevant). Both count all results together. `f1` is the mean over
    queries (see `Results.f1_of`). `left_out` is the share of results that are left out (0 without results), and `empty`
    the number of queries that show nothing.
    """

    precision: float
    recall: float
    f1: float
    left_out: float
    empty: int


@dataclass(frozen=True, slots=True)
class ThresholdChoice:
    """The threshold to use, None for none, and the reason.

    `tried` is the threshold with the best F1 on the half to choose on. `effect` is its effect on the half to report on,
    and `baseline` the effect of showing everything. Both are None if nothing was tried.
    """

    value: float | None
    reason: Note
    tried: float | None = None
    effect: ThresholdEffect | None = None
    baseline: ThresholdEffect | None = None


@dataclass(frozen=True, slots=True)
class Results:
    """The first results of each query, `(queries, cutoff)`: final scores, relevance, and which cells hold a result.

    The results of queries that were not reranked have infinite scores, because no threshold applies to them.
    """

    scores: Values
    relevant: NDArray[np.bool_]
    present: NDArray[np.bool_]

    def shown(self, threshold: float) -> NDArray[np.bool_]:
        """Return which results are not left out."""
        shown: NDArray[np.bool_] = self.present & (self.scores >= threshold)
        return shown

    def f1_of(self, threshold: float) -> Values:
        """Return each query's F1 of the shown results; 1 if nothing is relevant and nothing is shown."""
        shown = self.shown(threshold)
        right = (shown & self.relevant).sum(axis=1)
        total = shown.sum(axis=1) + self.relevant.sum(axis=1)
        return np.where(total > 0, 2 * right / np.maximum(total, 1), 1.0)

    def effect(self, threshold: float, places: Sequence[int]) -> ThresholdEffect:
        """Return the effect of a threshold on the queries at these places."""
        rows = list(places)
        shown = self.shown(threshold)[rows]
        relevant, present = self.relevant[rows], self.present[rows]
        right = int((shown & relevant).sum())
        return ThresholdEffect(
            precision=_share(right, int(shown.sum())),
            recall=_share(right, int(relevant.sum())),
            f1=float(self.f1_of(threshold)[rows].mean()),
            left_out=1 - _share(int(shown.sum()), int(present.sum())),
            empty=int((~shown.any(axis=1)).sum()),
        )


def _share(part: int, whole: int) -> float:
    """The part divided by the whole, or 1 if the whole is 0."""
    return part / whole if whole else 1.0


def results_of(rankings: Sequence[Ranking], judged: Judged, query_ids: Sequence[str], cutoff: int) -> Results:
    """Return the first `cutoff` results of each ranking."""
    scores = np.full((len(rankings), cutoff), -np.inf)
    relevant = np.zeros((len(rankings), cutoff), dtype=bool)
    present = np.zeros((len(rankings), cutoff), dtype=bool)
    for row, (ranking, query_id) in enumerate(zip(rankings, query_ids, strict=True)):
        for column, hit in enumerate(ranking.hits[:cutoff]):
            scored = hit.rerank_score is not None
            scores[row, column] = np.inf if not ranking.reranked else hit.score if scored else -np.inf
            relevant[row, column] = judged.qrels[query_id].get(judged.key(hit), 0) > 0
            present[row, column] = True
    return Results(scores, relevant, present)


def tune_threshold(results: Results, parts: Halves) -> ThresholdChoice:
    """Return the threshold with the best mean F1 on one half, if it is better than showing everything beyond chance."""
    baseline = results.effect(-np.inf, parts.reported)
    candidates = _candidates(results, parts)
    if not candidates:
        return ThresholdChoice(None, Note("no_threshold", reason="equal_scores"), baseline=baseline)
    chosen = list(parts.chosen)
    tried = [results.f1_of(threshold) for threshold in candidates]
    place = max(range(len(tried)), key=lambda place: (float(tried[place][chosen].mean()), -candidates[place]))
    best = candidates[place]
    gain = compare_best(tried, place, results.f1_of(-np.inf), parts, "F1")
    effect = results.effect(best, parts.reported)
    if gain.result == "better":
        reason = Note("threshold_found", threshold=best, **gain.values)
        return ThresholdChoice(best, reason, best, effect, baseline)
    reason = Note("threshold_not_better", threshold=best, **gain.values)
    return ThresholdChoice(None, reason, best, effect, baseline)


def _candidates(results: Results, parts: Halves) -> list[float]:
    """The middles of neighbouring scores of the half to choose on, rounded, at most 400."""
    scores = results.scores[list(parts.chosen)]
    finite = np.unique(scores[np.isfinite(scores)])
    if len(finite) > CANDIDATES:
        finite = np.quantile(finite, np.linspace(0, 1, CANDIDATES))
    return sorted({float(f"{middle:.{DIGITS}g}") for middle in (finite[1:] + finite[:-1]) / 2})
