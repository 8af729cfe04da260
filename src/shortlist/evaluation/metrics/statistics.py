"""Intervals and tests over per-query values. All seeded: the same values give the same answer."""

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
"""Per-query values this close count as a tie."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """A mean with its 95 % interval."""

    mean: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Paired:
    """One system minus another over the same queries: mean difference, p value, and for how many queries it won."""

    difference: Estimate
    p: float
    wins: int
    losses: int
    ties: int


def estimate(values: Sequence[float] | NDArray[np.float64], *, level: float = 0.95, seed: int = SEED) -> Estimate:
    """The mean and its percentile bootstrap interval over queries.

    Raises:
        InvalidInput: Fewer than two values, or a level outside 0 to 1.

    Source:
        Efron and Tibshirani, "An Introduction to the Bootstrap", 1993, chapter 13; 2,000 resamples.
    """
    held = _checked(values)
    if not 0 < level < 1:
        raise InvalidInput(f"the level of an interval lies between 0 and 1, not {level}")
    generator = np.random.default_rng(seed)
    means = np.empty(RESAMPLES)
    rows = max(1, _CELLS // len(held))
    for start in range(0, RESAMPLES, rows):
        drawn = generator.integers(0, len(held), size=(min(rows, RESAMPLES - start), len(held)))
        means[start : start + rows] = held[drawn].mean(axis=1)
    low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2])
    return Estimate(float(held.mean()), float(low), float(high))


def proportion(right: int, total: int, *, z: float = 1.959964) -> Estimate:
    """A share of yes-or-no outcomes with its 95 % Wilson interval, which stays sound at 0, at 1 and for small totals.

    Raises:
        InvalidInput: No outcomes, or more right ones than there are.

    Source:
        Wilson, "Probable inference, the law of succession, and statistical inference", JASA 22, 1927.
    """
    if total < 1 or not 0 <= right <= total:
        raise InvalidInput(f"{right} of {total} outcomes is no share")
    share = right / total
    centre = (share + z * z / (2 * total)) / (1 + z * z / total)
    spread = z / (1 + z * z / total) * math.sqrt(share * (1 - share) / total + z * z / (4 * total * total))
    return Estimate(share, max(0.0, centre - spread), min(1.0, centre + spread))


def permutation_p(differences: Sequence[float] | NDArray[np.float64], *, seed: int = SEED) -> float:
    """The two-sided p value of the paired randomisation test: how often random signs reach the mean difference.

    All sign patterns are counted up to 13 differences that are not 0; beyond that 10,000 are drawn, and the p value is
    (reached + 1) / (drawn + 1), so never 0. Without any difference it is 1.

    Raises:
        InvalidInput: Fewer than two values.

    Source:
        Smucker, Allan and Carterette, "A comparison of statistical significance tests for information retrieval
        evaluation", CIKM 2007.
    """
    moved = _checked(differences)
    moved = moved[np.abs(moved) > TIE]
    if not len(moved):
        return 1.0
    observed = abs(float(moved.sum())) - TIE
    if len(moved) <= EXACT_UP_TO:
        patterns = np.arange(2 ** len(moved))[:, None] >> np.arange(len(moved)) & 1
        return float((np.abs((patterns * 2 - 1) @ moved) >= observed).mean())
    generator = np.random.default_rng(seed)
    reached = 0
    rows = max(1, _CELLS // len(moved))
    for start in range(0, FLIPS, rows):
        signs = generator.integers(0, 2, size=(min(rows, FLIPS - start), len(moved)), dtype=np.int8) * 2 - 1
        reached += int((np.abs(signs @ moved) >= observed).sum())
    return (reached + 1) / (FLIPS + 1)


def holm(p_values: Sequence[float]) -> list[float]:
    """The p values adjusted for their number, in the order given; none give an empty list.

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
    """The p value of row `place` of `gains`, corrected for its having been picked among all rows; two-sided.

    `gains` is `(alternatives, queries)`: each alternative less what is in use. A query's sign is flipped for all rows
    at once, and the row's sum over its norm is held against the largest such value of any row. That allows for rows
    that resemble each other, where Holm's correction would count each in full. Patterns are counted or drawn as in
    `permutation_p`. A row without any difference gives 1.

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
    queries = len(rows)
    if queries <= EXACT_UP_TO:
        patterns = np.arange(2**queries)[:, None] >> np.arange(queries) & 1
        return float((np.abs((patterns * 2 - 1) @ rows).max(axis=1) >= observed).mean())
    generator = np.random.default_rng(seed)
    reached = 0
    step = max(1, _CELLS // max(rows.shape))
    for start in range(0, FLIPS, step):
        signs = generator.integers(0, 2, size=(min(step, FLIPS - start), queries)) * 2.0 - 1.0
        reached += int((np.abs(signs @ rows).max(axis=1) >= observed).sum())
    return (reached + 1) / (FLIPS + 1)


def paired(
    these: Sequence[float] | NDArray[np.float64], those: Sequence[float] | NDArray[np.float64], *, seed: int = SEED
) -> Paired:
    """These values minus those, query by query.

    Raises:
        InvalidInput: Not the same number of values, or fewer than two.
    """
    if len(these) != len(those):
        raise InvalidInput(f"{len(these)} values can't be paired with {len(those)}")
    moved = _checked(these) - _checked(those)
    wins, losses = int((moved > TIE).sum()), int((moved < -TIE).sum())
    return Paired(estimate(moved, seed=seed), permutation_p(moved, seed=seed), wins, losses, len(moved) - wins - losses)


def quantile(values: Sequence[float], share: float) -> float:
    """The value below which `share` of the values lie, linear between neighbours; no values give 0."""
    return float(np.quantile(np.asarray(values, dtype=np.float64), share)) if len(values) else 0.0


def _checked(values: Sequence[float] | NDArray[np.float64]) -> NDArray[np.float64]:
    held = np.asarray(values, dtype=np.float64)
    if len(held) < 2:
        raise InvalidInput(f"{len(held)} queries give no interval and no comparison: at least 2 are needed")
    return held
