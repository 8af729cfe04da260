"""Queries to choose on, and queries to report on; the second half has no say in what is chosen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shortlist.evaluation.metrics.statistics import best_of_p, paired

FEWEST_TO_SPLIT = 20
"""Below this many queries a half is too small to choose on, so all of them serve for both and the result says so."""

ALPHA = 0.05

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


def better(tried: Sequence[Values], best: int, here: Values, parts: Halves, measure: str) -> tuple[bool, str]:
    """Whether the best of those `tried` beats `here`, one value a query each, and that in words.

    It does where its mean on the half to choose on is above `here`'s, with a p value below .05 that is corrected for
    having been picked among all of `tried` (`statistics.best_of_p`). The other half decides nothing; the words say what
    it shows. Where there are too few queries for another half, nothing unseen could be reported and nothing is taken.
    """
    chosen, reported = list(parts.chosen), list(parts.reported)
    there = tried[best]
    moved = paired(there[chosen], here[chosen]).difference
    p = best_of_p(np.array([one[chosen] - here[chosen] for one in tried]), best)
    of = f" as the best of {len(tried)}" if len(tried) > 1 else ""
    said = f"{moved.mean:+.4f} [{moved.low:+.4f}, {moved.high:+.4f}] {measure}, p {p:.4f}{of}"
    if moved.mean <= 0 or p >= ALPHA:
        return False, f"{said}, which these queries can't tell from chance"
    if not parts.apart:
        return False, f"{said}, but there is no other half to report it on: it takes {FEWEST_TO_SPLIT} queries"
    unseen = paired(there[reported], here[reported]).difference
    other = f"{unseen.mean:+.4f} [{unseen.low:+.4f}, {unseen.high:+.4f}] on the other half"
    doubt = "" if unseen.mean > 0 else ", which does not bear it out: judge more queries before trusting it"
    return True, f"{said}; {other}{doubt}"
