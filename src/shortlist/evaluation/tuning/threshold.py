"""The final score below which results are better left out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shortlist.evaluation.query_sets.holdout import Halves, Values, better
from shortlist.evaluation.query_sets.query_set import Judged
from shortlist.types import Ranking

CANDIDATES = 400
DIGITS = 4
"""Significant digits of a threshold, so that the one in the file is the one that was measured."""


@dataclass(frozen=True, slots=True)
class Shown:
    """What is left of the first k results, over some queries.

    `precision` is the share of relevant ones among those shown (1 where nothing is shown), `recall` the share of the
    relevant results among the first k that are still shown (1 where none is relevant); both over all results
    together. `f1` is the mean over queries (see `f1_of`). `left_out` is the share of results left out (0 where there
    are none), `empty` how many queries show nothing.
    """

    precision: float
    recall: float
    f1: float
    left_out: float
    empty: int


@dataclass(frozen=True, slots=True)
class ScoreThreshold:
    """The threshold to use, None for none, and why.

    `tried` is the one with the best F1 on the half to choose on. `shown` is what it leaves on the half to report on,
    `everything` the same without one; both None where nothing was tried.
    """

    value: float | None
    why: str
    tried: float | None = None
    shown: Shown | None = None
    everything: Shown | None = None


@dataclass(frozen=True, slots=True)
class Results:
    """The first k results of each query, `(queries, k)` each: final scores, relevance, and which cells hold one.

    Results of queries that were not reranked have infinite scores: no threshold applies to them.
    """

    scores: Values
    relevant: NDArray[np.bool_]
    held: NDArray[np.bool_]

    def shown(self, threshold: float) -> NDArray[np.bool_]:
        """Which results are not left out."""
        kept: NDArray[np.bool_] = self.held & (self.scores >= threshold)
        return kept

    def f1_of(self, threshold: float) -> Values:
        """Each query's F1 of the results shown; 1 where nothing is relevant and nothing is shown."""
        shown = self.shown(threshold)
        right = (shown & self.relevant).sum(axis=1)
        both = shown.sum(axis=1) + self.relevant.sum(axis=1)
        return np.where(both > 0, 2 * right / np.maximum(both, 1), 1.0)

    def summary(self, threshold: float, places: Sequence[int]) -> Shown:
        """What is left over these queries."""
        rows = list(places)
        shown = self.shown(threshold)[rows]
        relevant, held = self.relevant[rows], self.held[rows]
        right = int((shown & relevant).sum())
        return Shown(
            precision=_share(right, int(shown.sum())),
            recall=_share(right, int(relevant.sum())),
            f1=float(self.f1_of(threshold)[rows].mean()),
            left_out=1 - _share(int(shown.sum()), int(held.sum())),
            empty=int((~shown.any(axis=1)).sum()),
        )


def _share(part: int, whole: int) -> float:
    """1 of nothing: none is wrong, and none is lost."""
    return part / whole if whole else 1.0


def results_of(rankings: Sequence[Ranking], judged: Judged, query_ids: Sequence[str], k: int) -> Results:
    """The first `k` results of each ranking."""
    scores = np.full((len(rankings), k), -np.inf)
    relevant = np.zeros((len(rankings), k), dtype=bool)
    held = np.zeros((len(rankings), k), dtype=bool)
    for row, (ranking, query_id) in enumerate(zip(rankings, query_ids, strict=True)):
        for column, hit in enumerate(ranking.hits[:k]):
            counts = hit.rerank_score is not None
            scores[row, column] = np.inf if not ranking.reranked else hit.score if counts else -np.inf
            relevant[row, column] = judged.qrels[query_id].get(judged.key(hit), 0) > 0
            held[row, column] = True
    return Results(scores, relevant, held)


def tune_threshold(found: Results, parts: Halves) -> ScoreThreshold:
    """The threshold with the best mean F1 on one half, if it helps more than the best of as many would by chance."""
    everything = found.summary(-np.inf, parts.reported)
    candidates = _candidates(found, parts)
    if not candidates:
        return ScoreThreshold(None, "none: no results with different scores to part", everything=everything)
    chosen = list(parts.chosen)
    tried = [found.f1_of(one) for one in candidates]
    place = max(range(len(tried)), key=lambda one: (float(tried[one][chosen].mean()), -candidates[one]))
    best = candidates[place]
    won, said = better(tried, place, found.f1_of(-np.inf), parts, "F1")
    shown = found.summary(best, parts.reported)
    if won:
        return ScoreThreshold(best, f"{best:g}: {said} over showing all", best, shown, everything)
    return ScoreThreshold(None, f"none: {best:g} scores {said}", best, shown, everything)


def _candidates(found: Results, parts: Halves) -> list[float]:
    """Midway between neighbouring scores of the half to choose on, rounded, at most 400."""
    scores = found.scores[list(parts.chosen)]
    finite = np.unique(scores[np.isfinite(scores)])
    if len(finite) > CANDIDATES:
        finite = np.quantile(finite, np.linspace(0, 1, CANDIDATES))
    return sorted({float(f"{one:.{DIGITS}g}") for one in (finite[1:] + finite[:-1]) / 2})
