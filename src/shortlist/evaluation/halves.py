"""Queries to choose on, and queries to report on; a choice stands only where the others bear it out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shortlist.evaluation.statistics import paired

FEWEST_TO_SPLIT = 20
"""Below this many queries a half is too small to choose on, so all of them serve for both and the result says so."""

Values = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Halves:
    """Places of the queries to choose on and of those to report on, each in order; the same ones where too few."""

    chosen: tuple[int, ...]
    reported: tuple[int, ...]

    @property
    def apart(self) -> bool:
        """Whether the queries to report on had no part in choosing."""
        return self.chosen != self.reported


def halves(queries: int, seed: int) -> Halves:
    """Two random halves of so many queries."""
    if queries < FEWEST_TO_SPLIT:
        return Halves(tuple(range(queries)), tuple(range(queries)))
    drawn = np.random.default_rng(seed).permutation(queries).tolist()
    return Halves(tuple(sorted(drawn[: queries // 2])), tuple(sorted(drawn[queries // 2 :])))


def better(there: Values, here: Values, parts: Halves, measure: str) -> tuple[bool, str]:
    """Whether `there` beats `here`, one value a query each, and that in words.

    It does where the paired 95 % interval lies above 0 on the half to choose on, and the mean is above 0 on the other
    half too. Where there are too few queries for another half, nothing can bear the choice out and it does not.
    """
    chosen, reported = list(parts.chosen), list(parts.reported)
    moved = paired(there[chosen], here[chosen]).difference
    said = f"{moved.mean:+.4f} [{moved.low:+.4f}, {moved.high:+.4f}] {measure}"
    if moved.low <= 0:
        return False, f"{said}, which these queries can't tell from chance"
    if not parts.apart:
        return False, f"{said}, but there is no other half to bear it out: it takes {FEWEST_TO_SPLIT} queries"
    unseen = paired(there[reported], here[reported]).difference
    other = f"{unseen.mean:+.4f} [{unseen.low:+.4f}, {unseen.high:+.4f}] on the other half"
    return (True, f"{said}, {other}") if unseen.mean > 0 else (False, f"{said}, but it does not help there: {other}")
