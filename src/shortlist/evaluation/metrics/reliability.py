"""The reliability of probabilities, and the effect of a smallest probability."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
BINS = 10
THRESHOLDS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)


@dataclass(frozen=True, slots=True)
class Unlabelled:
    """The probabilities and query numbers of passages without a label. They count only as hits that a query shows."""

    probabilities: Floats = field(default_factory=lambda: np.zeros(0))
    queries: Ints = field(default_factory=lambda: np.zeros(0, dtype=np.int64))


NO_PASSAGES = Unlabelled()


@dataclass(frozen=True, slots=True)
class Bin:
    """The passages with a probability from `low` to `high`: their number, mean probability and relevant share."""

    low: float
    high: float
    passages: int
    predicted: float
    relevant: float


@dataclass(frozen=True, slots=True)
class ProbabilityThreshold:
    """The effect of a smallest probability.

    `precision` is the relevant share of the kept passages (1 if none is kept). `recall` is the kept share of the
    relevant scored passages (1 if none is relevant). Both count labelled passages. `silent` counts the queries that
    keep no passage, labelled or not: their answer is "no good answer". `silent_precision` is the share of the silent
    queries that have nothing relevant in the pool (1 without silent queries). `barren` counts the queries with nothing
    relevant in the pool, and `silent_recall` is their silent share (1 without such queries).
    """

    least: float
    kept: int
    precision: float
    recall: float
    silent: int
    silent_precision: float
    silent_recall: float
    barren: int

    @property
    def f1(self) -> float:
        """The harmonic mean of precision and recall."""
        total = self.precision + self.recall
        return 2 * self.precision * self.recall / total if total else 0.0


def reliability(probabilities: Floats, labels: Floats) -> list[Bin]:
    """Return ten bins of equal width from 0 to 1, without the empty ones."""
    places = np.minimum((probabilities * BINS).astype(np.int64), BINS - 1)
    return [
        Bin(
            place / BINS,
            (place + 1) / BINS,
            int((places == place).sum()),
            float(probabilities[places == place].mean()),
            float(labels[places == place].mean()),
        )
        for place in np.unique(places).tolist()
    ]


def calibration_error(bins: Sequence[Bin]) -> float:
    """Return the expected calibration error: the mean difference of prediction and truth, weighted by passages.

    No bins give 0.

    Source:
        Guo, Pleiss, Sun and Weinberger, "On calibration of modern neural networks", ICML 2017.
    """
    passages = sum(each.passages for each in bins)
    return sum(each.passages * abs(each.predicted - each.relevant) for each in bins) / passages if passages else 0.0


def thresholds(
    probabilities: Floats,
    labels: Floats,
    queries: Ints,
    at: Sequence[float] = THRESHOLDS,
    *,
    unlabelled: Unlabelled = NO_PASSAGES,
) -> list[ProbabilityThreshold]:
    """Return the effect of each smallest probability in `at`. `queries` holds the number of each passage's query."""
    return [_threshold(least, probabilities, labels, queries, unlabelled) for least in at]


def best_threshold(
    probabilities: Floats, labels: Floats, queries: Ints, *, unlabelled: Unlabelled = NO_PASSAGES
) -> ProbabilityThreshold:
    """Return the threshold with the highest F1 of passages, the largest of equal ones. Needs at least one passage."""
    order = np.argsort(-probabilities, kind="stable")
    right = np.cumsum(labels[order])
    f1 = 2 * right / (np.arange(1, len(order) + 1) + labels.sum())
    last = np.append(np.diff(probabilities[order]) != 0, True)  # equal probabilities are kept or left out together
    best = float(probabilities[order][int(np.argmax(np.where(last, f1, -1.0)))])
    return _threshold(best, probabilities, labels, queries, unlabelled)


def _threshold(
    least: float, probabilities: Floats, labels: Floats, queries: Ints, unlabelled: Unlabelled
) -> ProbabilityThreshold:
    kept = probabilities >= least
    right, relevant = float(labels[kept].sum()), float(labels.sum())
    every_query = set(queries.tolist()) | set(unlabelled.queries.tolist())
    shown = set(queries[kept].tolist()) | set(unlabelled.queries[unlabelled.probabilities >= least].tolist())
    silent = every_query - shown
    barren = every_query - set(queries[labels > 0].tolist())
    both = len(silent & barren)
    return ProbabilityThreshold(
        least,
        int(kept.sum()),
        right / int(kept.sum()) if kept.any() else 1.0,
        right / relevant if relevant else 1.0,
        len(silent),
        both / len(silent) if silent else 1.0,
        both / len(barren) if barren else 1.0,
        len(barren),
    )
