"""The weights of stage one's signals in the final score."""

from __future__ import annotations

from collections.abc import Mapping


class Weights(dict[str, float]):
    """Stage-one signal -> its weight in the final score.

    `negated` is the factor of all weights for a query that excludes something: see `text.negation`.
    """

    def __init__(self, weights: Mapping[str, float] | None = None, negated: float = 1.0) -> None:
        super().__init__(weights or {})
        self.negated = negated

    def times(self, factor: float) -> Weights:
        """Return the weights times a factor, without weights of 0."""
        return Weights({name: factor * weight for name, weight in self.items() if factor * weight}, self.negated)


def scaled(weights: Mapping[str, float], factor: float) -> Weights:
    """Return the weights times a factor, without weights of 0. Plain weights have the same factor for all queries."""
    return (weights if isinstance(weights, Weights) else Weights(weights)).times(factor)
