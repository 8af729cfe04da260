"""Intervals and tests over per-query values. Each is seeded: the same values give the same result."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shortlist.errors import InvalidInput

SEED = 7
RESAMPLES = 2_000
FLIPS = 10_000
EXACT_UP_TO = 13
_CELLS = 4_000_000
TIE = 1e-9
"""Two per-query values that differ by at most this much are a tie."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """A mean with its 95 % interval."""

    mean: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Paired:
    """One system minus another over the same queries: mean difference, p value, and the queries won, lost and tied."""

    difference: Estimate
    p: float
    wins: int
    losses: int
    ties: int


def estimate(values: Sequence[float] | NDArray[np.float64], *, level: float = 0.95, seed: int = SEED) -> Estimate:
    """Return the mean and its percentile bootstrap interval over queries.

    Raises:
        InvalidInput: Fewer than two values, or a level outside 0 to 1.

    Source:
        Efron and Tibshirani, "An Introduction to the Bootstrap", 1993, chapter 13; 2,000 resamples.
    """
    array = _checked(values)
    if not 0 < level < 1:
        raise InvalidInput(f"the level of an interval must be between 0 and 1, not {level}")
    generator = np.random.default_rng(seed)
    means = np.empty(RESAMPLES)
    rows = max(1, _CELLS // len(array))
    for start in range(0, RESAMPLES, rows):
        drawn = generator.integers(0, len(array), size=(min(rows, RESAMPLES - start), len(array)))
        means[start : start + rows] = array[drawn].mean(axis=1)
    low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2])
    return Estimate(float(array.mean()), float(low), float(high))


def proportion(right: int, total: int, *, z: float = 1.959964) -> Estimate:
    """Return the share of `right` outcomes with its 95 % Wilson interval, which holds at 0, at 1 and for small totals.

    Raises:
        InvalidInput: No outcomes, or more right outcomes than outcomes.

    Source:
        Wilson, "Probable inference, the law of succession, and statistical inference", JASA 22, 1927.
    """
    if total < 1 or not 0 <= right <= total:
        raise InvalidInput(f"{right} of {total} outcomes is not a share: give at least one outcome")
    share = right / total
    centre = (share + z * z / (2 * total)) / (1 + z * z / total)
    spread = z / (1 + z * z / total) * math.sqrt(share * (1 - share) / total + z * z / (4 * total * total))
    return Estimate(share, max(0.0, centre - spread), min(1.0, centre + spread))


def permutation_p(differences: Sequence[float] | NDArray[np.float64], *, seed: int = SEED) -> float:
    """Return the two-sided p value of the paired randomisation test: how often random signs reach the mean difference.

    With at most 13 differences other than 0, all sign patterns are counted. With more, 10,000 patterns are drawn, and
    the p value is (reached + 1) / (drawn + 1), so never 0. Without any difference the p value is 1.

    Raises:
        InvalidInput: Fewer than two values.

    Source:
        Smucker, Allan and Carterette, "A comparison of statistical significance tests for information retrieval
        evaluation", CIKM 2007.
    """
    changes = _checked(differences)
    changes = changes[np.abs(changes) > TIE]
    if not len(changes):
        return 1.0
    observed = abs(float(changes.sum())) - TIE
    return _share_reached(changes[:, None], observed, seed, np.int8)


def holm(p_values: Sequence[float]) -> list[float]:
    """Return the p values adjusted for their number, in the order given. No values give an empty list.

    Source:
        Holm, "A simple sequentially rejective multiple test procedure", Scandinavian Journal of Statistics 6, 1979.
    """
    adjusted = [0.0] * len(p_values)
    highest = 0.0
    for place, index in enumerate(sorted(range(len(p_values)), key=lambda i: p_values[i])):
        highest = max(highest, min(1.0, p_values[index] * (len(p_values) - place)))
        adjusted[index] = highest
    return adjusted


def best_of_p(gains: NDArray[np.float64], place: int, *, seed: int = SEED) -> float:
    """Return the two-sided p value of row `place` of `gains`, corrected for the choice of this row among all rows.

    `gains` is `(alternatives, queries)`: each alternative minus the current setting. A query's sign is flipped for all
    rows at once, and the row's sum over its norm is compared with the largest such value of any row. So similar rows
    count less than in Holm's correction. Patterns are counted or drawn as in `permutation_p`. A row without any
    difference gives 1.

    Raises:
        InvalidInput: Fewer than two queries.

    Source:
        Westfall and Young, "Resampling-based multiple testing", 1993 (single-step maxT).
    """
    _checked(gains[place])
    norms = np.linalg.norm(gains, axis=1, keepdims=True)
    rows = (gains / np.where(norms > TIE, norms, np.inf)).T
    observed = abs(float(rows[:, place].sum())) - TIE
    if observed <= 0:
        return 1.0
    return _share_reached(rows, observed, seed, np.int64)


def _share_reached(
    rows: NDArray[np.float64], observed: float, seed: int, draw: type[np.int8] | type[np.int64]
) -> float:
    """The share of sign patterns over the queries at which the sum of a column of `rows` reaches `observed`.

    All patterns of up to 13 queries are tried, and random ones of more. `draw` is the dtype of the random signs.
    """
    queries = len(rows)
    if queries <= EXACT_UP_TO:
        patterns = np.arange(2**queries)[:, None] >> np.arange(queries) & 1
        return float((np.abs((patterns * 2 - 1) @ rows).max(axis=1) >= observed).mean())
    generator = np.random.default_rng(seed)
    reached = 0
    step = max(1, _CELLS // max(rows.shape))
    for start in range(0, FLIPS, step):
        signs = generator.integers(0, 2, size=(min(step, FLIPS - start), queries), dtype=draw) * 2.0 - 1.0
        reached += int((np.abs(signs @ rows).max(axis=1) >= observed).sum())
    return (reached + 1) / (FLIPS + 1)


def paired(
    first: Sequence[float] | NDArray[np.float64], second: Sequence[float] | NDArray[np.float64], *, seed: int = SEED
) -> Paired:
    """Return the first values minus the second ones, query by query.

    Raises:
        InvalidInput: The numbers of values differ, or there are fewer than two.
    """
    if len(first) != len(second):
        raise InvalidInput(f"{len(first)} values cannot be paired with {len(second)} values")
    changes = _checked(first) - _checked(second)
    wins, losses = int((changes > TIE).sum()), int((changes < -TIE).sum())
    ties = len(changes) - wins - losses
    return Paired(estimate(changes, seed=seed), permutation_p(changes, seed=seed), wins, losses, ties)


def quantile(values: Sequence[float], share: float) -> float:
    """Return the value below which `share` of the values are, linear between neighbours. No values give 0."""
    return float(np.quantile(np.asarray(values, dtype=np.float64), share)) if len(values) else 0.0


def _checked(values: Sequence[float] | NDArray[np.float64]) -> NDArray[np.float64]:
    array = np.asarray(values, dtype=np.float64)
    if len(array) < 2:
        raise InvalidInput(f"{len(array)} queries are too few for an interval or a comparison: judge at least 2")
    return array
