"""Curves from a final score to the probability of being relevant."""

from __future__ import annotations

import math
from bisect import bisect_right
from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Platt:
    """p = 1 / (1 + exp(-(slope * score + offset))), with a slope of at least 0."""

    slope: float
    offset: float

    def of(self, score: float) -> float:
        """Return the probability, 0 to 1."""
        return 0.5 * (1 + math.tanh(0.5 * (self.slope * score + self.offset)))


@dataclass(frozen=True, slots=True)
class Isotonic:
    """Straight lines between knots. `scores` rise, `values` never fall, and the curve is level beyond both ends."""

    scores: tuple[float, ...]
    values: tuple[float, ...]

    def of(self, score: float) -> float:
        """Return the probability, 0 to 1."""
        above = bisect_right(self.scores, score)
        if above == 0:
            return self.values[0]
        if above == len(self.scores):
            return self.values[-1]
        low, high = self.scores[above - 1], self.scores[above]
        share = (score - low) / (high - low)
        return self.values[above - 1] + share * (self.values[above] - self.values[above - 1])


Calibration: TypeAlias = Platt | Isotonic
