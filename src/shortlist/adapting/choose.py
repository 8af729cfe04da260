"""The level of an adaptation and its number of epochs, chosen by cross-validation on the queries to learn from."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from shortlist.adapting.examples import Examples
from shortlist.adapting.learn import Learned, Learner, Level, Recipe
from shortlist.adapting.split import FOLDS, folds
from shortlist.evaluation.metrics.measures import Measure

PREFERENCE = 0.002
"""A level with more changes must be better by this much on the inner splits."""


@dataclass(frozen=True, slots=True)
class Choice:
    """What the inner splits say about each level.

    `before` is the mean of the unadapted model. `means` maps a level to its mean after each epoch. `level` is the
    chosen level, and `epochs` its best number of epochs; `level` is None if no level is better than `before`.
    """

    before: float
    means: Mapping[Level, tuple[float, ...]]
    level: Level | None
    epochs: int


def choose(
    learner: Learner,
    examples: Examples,
    levels: Sequence[Level],
    recipe: Recipe,
    measure: Measure,
    done: Callable[[], None],
) -> Choice:
    """Return the level and the number of epochs with the best mean on queries that were not learned from.

    Each fold of the queries is left out once. `done` is called after each fold of a level.
    """
    queries = list(range(len(examples)))
    start = examples.values(learner.scores(learner.start, queries), queries, measure)
    before = float(start.mean())
    means: dict[Level, tuple[float, ...]] = {}
    for level in levels:
        values = np.empty((recipe.epochs, len(queries)))
        for left_out in folds(queries, FOLDS):
            held_out = set(left_out)
            rest = [query for query in queries if query not in held_out]
            for epoch, learned in enumerate(learner.epochs(level, rest, recipe)):
                values[epoch, left_out] = examples.values(learner.scores(learned, left_out), left_out, measure)
            done()
        means[level] = tuple(values.mean(axis=1).tolist())
    return _best(before, means)


def _best(before: float, means: Mapping[Level, tuple[float, ...]]) -> Choice:
    """The first level, unless a later one is better by `PREFERENCE`."""
    chosen: Level | None = None
    best, epochs = before, 0
    for level, by_epoch in means.items():
        most = max(by_epoch)
        if most > best + (PREFERENCE if chosen is not None else 0.0):
            chosen, best, epochs = level, most, by_epoch.index(most) + 1
    return Choice(before, means, chosen, epochs)


def learned_by(learner: Learner, examples: Examples, choice: Choice, recipe: Recipe) -> Learned:
    """Return what the chosen level learns from all queries in its number of epochs."""
    assert choice.level is not None
    epochs = learner.epochs(choice.level, list(range(len(examples))), recipe)
    return next(learned for number, learned in enumerate(epochs, start=1) if number == choice.epochs)
