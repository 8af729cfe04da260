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
from shortlist.adapting.layer import Floats, forward, head_backward, head_forward, layer_backward, layer_forward
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
        temperature: The divisor of the final scores in the softmax. Final scores of a pool differ by tens of logits. At
            a temperature of 1, the few queries with the largest errors would decide alone.
        queries_per_step: Queries of one step.
        seed: The order of the queries follows from this number.
    """

    epochs: int = 12
    layer_rate: float = 5e-5
    head_rate: float = 5e-4
    blend_rate: float = 0.1
    pull: float = 0.01
    temperature: float = 4.0
    queries_per_step: int = 4
    seed: int = 7


@dataclass(frozen=True, slots=True)
class Learned:
    """The weights of the model, and those of stage one's signals, `(signals,)`. `level` says what has changed."""

    level: Level
    weights: Weights
    blend: NDArray[np.float64]


class Learner:
    """The last layer and the head of a model, with its examples."""

    def __init__(self, stage: LastStage, examples: Examples, blend: Sequence[float]) -> None:
        self._stage, self._examples = stage, examples
        self.start = Learned("weights", stage.weights, np.array(blend, dtype=np.float64))
        self._spreads = examples.spreads()
        self._states = self._first_states()

    def _first_states(self) -> Floats:
        """The rows of [CLS] after the unadapted layer. They stay the same if only the head changes."""
        states = []
        for part in self._examples.portions(range(len(self._examples)), ROWS_AT_ONCE):
            inputs, _ = self._examples.part(part)
            states.append(layer_forward(self.start.weights, inputs, self._stage.epsilon)[0])
        return np.concatenate(states)

    def scores(self, learned: Learned, queries: Sequence[int]) -> NDArray[np.float64]:
        """Return the final score of each row: its logit plus the weighted signals of stage one.

        The scores of the rows of other queries are not defined.
        """
        scores = self._examples.signals @ learned.blend
        for part in self._examples.portions(queries, ROWS_AT_ONCE):
            places = self._examples.places(part)
            if learned.level == "layer":
                scores[places] += forward(learned.weights, self._examples.part(part)[0], self._stage.epsilon)
            else:
                likenesses = self._examples.inputs.likenesses[places]
                scores[places] += head_forward(learned.weights, self._states[places], likenesses)[0]
        return scores

    def epochs(self, level: Level, queries: Sequence[int], recipe: Recipe) -> Iterator[Learned]:
        """Yield what was learned after each epoch. Later epochs change the weights in place."""
        weights: Weights = {name: value.copy() for name, value in self.start.weights.items()}
        weights[BLEND] = self.start.blend * self._spreads
        rates = self._rates(level, recipe)
        optimiser = AdamTowardsStart({name: weights[name].copy() for name in rates}, rates, recipe.pull)
        generator = np.random.default_rng(recipe.seed)
        step, steps = 0, recipe.epochs * math.ceil(len(queries) / recipe.queries_per_step)
        for _ in range(recipe.epochs):
            order = generator.permutation(len(queries))
            for begin in range(0, len(order), recipe.queries_per_step):
                part = [queries[place] for place in order[begin : begin + recipe.queries_per_step]]
                by = self._derivatives(level, weights, part, recipe.temperature)
                optimiser.step(weights, by, 1 - step / steps)
                weights[BLEND] = np.maximum(weights[BLEND], 0)
                step += 1
            model = {name: value for name, value in weights.items() if name != BLEND}
            yield Learned(level, model, weights[BLEND] / self._spreads)

    def _rates(self, level: Level, recipe: Recipe) -> dict[str, float]:
        rates = {BLEND: recipe.blend_rate}
        for name in self.start.weights if level != "weights" else ():
            part = name.partition(".")[0]
            if part in ("out", SCALE):
                rates[name] = recipe.head_rate
            elif level == "layer" or part in HEAD:
                rates[name] = recipe.layer_rate
        return rates

    def _derivatives(self, level: Level, weights: Weights, queries: Sequence[int], temperature: float) -> Weights:
        """The derivatives of the mean loss of the queries by each weight that changes."""
        examples = self._examples
        layer = None
        if level == "layer":
            inputs, places = examples.part(queries)
            state, layer = layer_forward(weights, inputs, self._stage.epsilon)
        else:
            places = examples.places(queries)
            state = self._states[places]
        logits, head = head_forward(weights, state, examples.inputs.likenesses[places])
        signals = examples.signals[places] / self._spreads
        by_score = examples.derivatives(queries, logits + signals @ weights[BLEND], temperature)
        by, by_state = head_backward(weights, head, by_score.astype(np.float32))
        if layer is not None:
            by |= layer_backward(weights, layer, by_state)
        by[BLEND] = by_score @ signals
        return by
