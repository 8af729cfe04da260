"""Isotonic regression of labels on scores, by pooling adjacent violators."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from shortlist.errors import InvalidInput

Floats = NDArray[np.float64]


def pool_adjacent(values: Floats, weights: Floats) -> Floats:
    """Return the non-decreasing values nearest to these in weighted squares. No values give none.

    Source:
        Ayer, Brunk, Ewing, Reid and Silverman, "An empirical distribution function for sampling with incomplete
        information", Annals of Mathematical Statistics 26(4), 1955.
    """
    means: list[float] = []
    masses: list[float] = []
    counts: list[int] = []
    for value, weight in zip(values.tolist(), weights.tolist(), strict=True):
        means.append(value)
        masses.append(weight)
        counts.append(1)
        while len(means) > 1 and means[-2] >= means[-1]:
            mass = masses[-2] + masses[-1]
            means[-2:] = [(means[-2] * masses[-2] + means[-1] * masses[-1]) / mass]
            masses[-2:] = [mass]
            counts[-2:] = [counts[-2] + counts[-1]]
    return np.repeat(np.array(means, dtype=np.float64), counts)


def fit_isotonic(scores: Sequence[float] | Floats, labels: Sequence[float] | Floats) -> tuple[Floats, Floats]:
    """Return the knots of the fitted curve: rising scores, and the share of relevant passages at each, never falling.

    Equal scores share one value. A run of equal values keeps its two ends. The curve is straight between knots and
    level beyond them. With n labels, values stay 1 / (n + 2) away from 0 and 1, because n labels cannot show a smaller
    probability.

    Raises:
        InvalidInput: There are no scores, or the numbers of scores and labels differ.
    """
    x, y = np.asarray(scores, dtype=np.float64), np.asarray(labels, dtype=np.float64)
    if not len(x) or len(x) != len(y):
        raise InvalidInput(
            f"{len(x)} scores and {len(y)} labels: each score needs one label, and there must be a score"
        )
    levels, places = np.unique(x, return_inverse=True)
    weights = np.bincount(places).astype(np.float64)
    fitted = pool_adjacent(np.bincount(places, weights=y) / weights, weights)
    least = 1 / (len(x) + 2)
    values = np.clip(fitted, least, 1 - least)
    same = values[1:] == values[:-1]
    inside = (
        np.concatenate([[False], same[:-1] & same[1:], [False]]) if len(values) > 2 else np.zeros(len(values), bool)
    )
    return levels[~inside], values[~inside]
