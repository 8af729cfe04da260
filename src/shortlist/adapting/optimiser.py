"""AdamW whose decay pulls each weight towards its first value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from shortlist.adapting.last_stage import Weights

_FIRST, _SECOND, _LEAST = 0.9, 0.999, 1e-8
"""The decay of the two running means of Adam, and the smallest divisor."""


@dataclass(slots=True)
class AdamTowardsStart:
    """Changes weights in place, step by step.

    A step divides the mean derivative by the root of the mean square, as AdamW does. The decay of AdamW pulls a weight
    to 0. Here, it pulls a weight to its value in `start`, so few queries change few weights.

    Args:
        start: The first values.
        rates: The largest change of a weight in one step, by name. A name without a rate does not change.
        pull: The share of the distance to `start` that a step takes back. A weight can therefore move away from its
            start by about its rate divided by `pull`, however many steps there are.

    Source:
        Loshchilov and Hutter, "Decoupled weight decay regularization", arXiv 1711.05101. Li, Grandvalet and Davoine,
        "Explicit inductive bias for transfer learning with convolutional networks" (L2-SP), arXiv 1802.01483.
    """

    start: Mapping[str, NDArray[np.floating]]
    rates: Mapping[str, float]
    pull: float
    _steps: int = 0
    _means: Weights = field(default_factory=dict)
    _squares: Weights = field(default_factory=dict)

    def step(self, weights: Weights, by: Mapping[str, NDArray[np.floating]], factor: float = 1.0) -> None:
        """Change the weights by their derivatives `by`. `factor` is that of all rates in this step."""
        self._steps += 1
        for name, rate in self.rates.items():
            mean = self._means.setdefault(name, np.zeros_like(weights[name]))
            square = self._squares.setdefault(name, np.zeros_like(weights[name]))
            mean += (1 - _FIRST) * (by[name] - mean)
            square += (1 - _SECOND) * (by[name] ** 2 - square)
            unbiased = np.sqrt(square / (1 - _SECOND**self._steps)) + _LEAST
            change = rate * mean / (1 - _FIRST**self._steps) / unbiased
            weights[name] -= factor * (change + self.pull * (weights[name] - self.start[name]))
