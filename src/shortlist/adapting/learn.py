"""Learning from pools: the weights of stage one, the head and the last layer, by a listwise softmax."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from shortlist.adapting.examples import Examples
from shortlist.adapting.last_stage import HEAD, SCALE, LastStage, Weights
from shortlist.adapting.layer import backward, forward
from shortlist.adapting.optimiser import AdamTowardsStart

Level: TypeAlias = Literal["weights", "head", "layer"]
LEVELS: tuple[Level, ...] = ("weights", "head", "layer")
"""What changes: stage one's weights; also the head; also the last layer."""

BLEND = "blend"
"""The name of the weights of stage one among the weights that are learned."""
ROWS_AT_ONCE = 1000
"""Rows of one forward pass."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """How to learn. A rate is the largest change of a weight in one step, and falls to 0 at the end of `epochs`.

    Args:
        epochs: Passes over the queries, at most.
        layer_rate: The rate of the last layer and of the dense part of the head.
        head_rate: The rate of the classifier and of the scales of the likenesses.
        blend_rate: The rate of the weights of stage one, in logits for one standard deviation of the signal.
        pull: See `AdamTowardsStart`.
        queries_per_step: Queries of one step.
        seed: The order of the queries follows from this number.
    """

    epochs: int = 10
    layer_rate: float = 1e-4
    head_rate: float = 1e-3
    blend_rate: float = 0.03
    pull: float = 1.0
    queries_per_step: int = 4
    seed: int = 7


@dataclass(frozen=True, slots=True)
class Learned:
    """The weights of the model, and those of stage one's signals, `(signals,)`."""

    weights: Weights
    blend: NDArray[np.float64]

    def copy(self) -> Learned:
        """Return a copy that later steps do not change."""
        return Learned({name: value.copy() for name, value in self.weights.items()}, self.blend.copy())


class Learner:
    """The last layer and the head of a model, with its examples."""

    def __init__(self, stage: LastStage, examples: Examples, blend: Sequence[float]) -> None:
        self._stage, self._examples = stage, examples
        self.start = Learned(stage.weights, np.array(blend, dtype=np.float64))
        self._spreads = examples.spreads()

    def logits(self, learned: Learned, queries: Sequence[int]) -> NDArray[np.float64]:
        """Return a logit for each row of the examples; 0 for the rows of other queries."""
        logits = np.zeros(len(self._examples.gains))
        for part in self._examples.portions(queries, ROWS_AT_ONCE):
            inputs, places = self._examples.part(part)
            logits[places] = forward(learned.weights, inputs, self._stage.epsilon)[0]
        return logits

    def scores(self, learned: Learned, queries: Sequence[int]) -> NDArray[np.float64]:
        """Return the final score of each row: its logit plus the weighted signals of stage one."""
        return self.logits(learned, queries) + self._examples.signals @ learned.blend

    def epochs(self, level: Level, queries: Sequence[int], recipe: Recipe) -> Iterator[Learned]:
        """Yield what was learned after each epoch. The weights of an earlier epoch change: copy them to keep them."""
        weights: Weights = {name: value.copy() for name, value in self.start.weights.items()}
        weights[BLEND] = self.start.blend * self._spreads
        rates = self._rates(level, recipe)
        first = {name: weights[name].copy() for name in rates}
        optimiser = AdamTowardsStart(first, rates, recipe.pull)
        generator = np.random.default_rng(recipe.seed)
        step, steps = 0, recipe.epochs * math.ceil(len(queries) / recipe.queries_per_step)
        fixed = self.logits(self.start, queries) if level == "weights" else None
        for _ in range(recipe.epochs):
            order = generator.permutation(len(queries))
            for begin in range(0, len(order), recipe.queries_per_step):
                part = [queries[place] for place in order[begin : begin + recipe.queries_per_step]]
                by = self._derivatives(level, weights, part, fixed)
                optimiser.step(weights, by, 1 - step / steps)
                weights[BLEND] = np.maximum(weights[BLEND], 0)
                step += 1
            yield Learned(
                {name: value for name, value in weights.items() if name != BLEND}, weights[BLEND] / self._spreads
            )

    def _rates(self, level: Level, recipe: Recipe) -> dict[str, float]:
        rates = {BLEND: recipe.blend_rate}
        for name in self.start.weights if level != "weights" else ():
            part = name.partition(".")[0]
            if part in ("out", SCALE):
                rates[name] = recipe.head_rate
            elif level == "layer" or part in HEAD:
                rates[name] = recipe.layer_rate
        return rates

    def _derivatives(
        self, level: Level, weights: Weights, queries: Sequence[int], fixed: NDArray[np.float64] | None
    ) -> Weights:
        """The derivatives of the mean loss of the queries. With `fixed` logits, the model does not change."""
        examples = self._examples
        signals_by_spread = weights[BLEND] / self._spreads
        if fixed is not None:
            places = examples.places(queries)
            by_score = examples.derivatives(queries, fixed[places] + examples.signals[places] @ signals_by_spread)
            by: Weights = {}
        else:
            inputs, places = examples.part(queries)
            logits, trace = forward(weights, inputs, self._stage.epsilon)
            by_score = examples.derivatives(queries, logits + examples.signals[places] @ signals_by_spread)
            by = backward(weights, trace, by_score.astype(np.float32), head_only=level == "head")
        by[BLEND] = by_score @ examples.signals[places] / self._spreads
        return by
