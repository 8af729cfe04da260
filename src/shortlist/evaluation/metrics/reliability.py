"""Whether probabilities come true, and what a smallest probability leaves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Beside: TypeAlias = tuple[Floats, Ints]
"""Probabilities and queries of passages without a label, which have a say in whether a query shows anything."""
NOTHING: Beside = (np.zeros(0), np.zeros(0, dtype=np.int64))
BINS = 10
THRESHOLDS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)


@dataclass(frozen=True, slots=True)
class Bin:
    """Passages whose probability lies from `low` to `high`: how many, their mean probability, the share relevant."""

    low: float
    high: float
    passages: int
    said: float
    true: float


@dataclass(frozen=True, slots=True)
class ProbabilityThreshold:
    """What is left at a smallest probability.

    `precision` is the share of what stays that is relevant (1 where nothing stays), `recall` the share of the relevant
    scored passages that stay (1 where none is relevant), both over labelled passages. `silent` counts queries with
    nothing left, labelled or not, that is those that are told "no good answer"; `silent_precision` is the share
    of these that had nothing relevant in the pool (1 where there are none), and `silent_recall` the share of queries
    with nothing relevant in the pool (there are `barren`) that are told so (1 where there are none).
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
        both = self.precision + self.recall
        return 2 * self.precision * self.recall / both if both else 0.0


def reliability(chances: Floats, labels: Floats) -> list[Bin]:
    """Ten bins of equal width from 0 to 1; empty ones are left out."""
    places = np.minimum((chances * BINS).astype(np.int64), BINS - 1)
    return [
        Bin(
            place / BINS,
            (place + 1) / BINS,
            int((places == place).sum()),
            float(chances[places == place].mean()),
            float(labels[places == place].mean()),
        )
        for place in np.unique(places).tolist()
    ]


def calibration_error(bins: Sequence[Bin]) -> float:
    """ECE: the mean distance of what was said from what came true, over bins weighted by passages; no bins give 0.

    Source:
        Guo, Pleiss, Sun and Weinberger, "On calibration of modern neural networks", ICML 2017.
    """
    passages = sum(one.passages for one in bins)
    return sum(one.passages * abs(one.said - one.true) for one in bins) / passages if passages else 0.0


def thresholds(
    chances: Floats, labels: Floats, queries: Ints, at: Sequence[float] = THRESHOLDS, *, beside: Beside = NOTHING
) -> list[ProbabilityThreshold]:
    """What each smallest probability leaves; `queries` numbers each passage's query."""
    return [_threshold(least, chances, labels, queries, beside) for least in at]


def best_threshold(chances: Floats, labels: Floats, queries: Ints, *, beside: Beside = NOTHING) -> ProbabilityThreshold:
    """The one with the highest F1 of passages, the largest where several share it; there has to be a passage."""
    order = np.argsort(-chances, kind="stable")
    right = np.cumsum(labels[order])
    f1 = 2 * right / (np.arange(1, len(order) + 1) + labels.sum())
    last = np.append(np.diff(chances[order]) != 0, True)  # equal probabilities stay or go together
    best = float(chances[order][int(np.argmax(np.where(last, f1, -1.0)))])
    return _threshold(best, chances, labels, queries, beside)


def _threshold(least: float, chances: Floats, labels: Floats, queries: Ints, beside: Beside) -> ProbabilityThreshold:
    kept = chances >= least
    right, relevant = float(labels[kept].sum()), float(labels.sum())
    others, asked = beside
    everyone = set(queries.tolist()) | set(asked.tolist())
    silent = everyone - set(queries[kept].tolist()) - set(asked[others >= least].tolist())
    barren = everyone - set(queries[labels > 0].tolist())
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
