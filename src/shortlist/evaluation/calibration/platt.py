"""Platt scaling: a logistic curve from score to probability."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from shortlist.errors import InvalidInput

Floats = NDArray[np.float64]

STEPS = 100
CONVERGED = 1e-10
RIDGE = 1e-12
"""Added to the diagonal, so that a step exists if all scores are equal."""


def fit_platt(scores: Sequence[float] | Floats, labels: Sequence[float] | Floats) -> tuple[float, float]:
    """Return slope and offset of p = 1 / (1 + exp(-(slope * score + offset))), by Newton's method with halved steps.

    Labels are 0 or 1. As in Platt's paper, the targets are (n1 + 1) / (n1 + 2) and 1 / (n0 + 2), so the slope is finite
    even if a score separates the labels. If higher scores are not more often relevant, the slope is 0, and every score
    has the same probability.

    Raises:
        InvalidInput: The number of labels is not the number of scores, or all labels are equal.

    Source:
        Platt, "Probabilistic outputs for support vector machines", 1999; Lin, Lin and Weng, "A note on Platt's
        probabilistic outputs for support vector machines", Machine Learning 68, 2007.
    """
    x, y = np.asarray(scores, dtype=np.float64), np.asarray(labels, dtype=np.float64)
    if len(x) != len(y):
        raise InvalidInput(f"{len(x)} scores and {len(y)} labels: each score needs one label")
    ones = int((y > 0).sum())
    zeros = len(y) - ones
    if not ones or not zeros:
        raise InvalidInput(f"{ones} relevant and {zeros} other passages: a curve needs both kinds")
    targets = np.where(y > 0, (ones + 1) / (ones + 2), 1 / (zeros + 2))
    centre, scale = float(x.mean()), float(x.std()) or 1.0
    slope, offset = _newton((x - centre) / scale, targets, float(np.log((ones + 1) / (zeros + 1))))
    if slope <= 0:
        mean = float(targets.mean())
        return 0.0, float(np.log(mean / (1 - mean)))
    return slope / scale, offset - slope * centre / scale


def _newton(scores: Floats, targets: Floats, offset: float) -> tuple[float, float]:
    """Slope and offset with the smallest log loss for the targets."""
    params = np.array([0.0, offset])
    design = np.stack([scores, np.ones_like(scores)], axis=1)
    loss = _loss(design @ params, targets)
    for _ in range(STEPS):
        predicted = sigmoid(design @ params)
        gradient = design.T @ (predicted - targets)
        curvature = (design * (predicted * (1 - predicted))[:, None]).T @ design + RIDGE * np.eye(2)
        step = np.linalg.solve(curvature, gradient)
        size = 1.0
        while size > CONVERGED and _loss(design @ (params - size * step), targets) > loss:
            size /= 2
        new_params = params - size * step
        before, loss = loss, _loss(design @ new_params, targets)
        if loss > before:
            break
        params = new_params
        if before - loss <= CONVERGED * max(1.0, abs(loss)):
            break
    return float(params[0]), float(params[1])


def _loss(logits: Floats, targets: Floats) -> float:
    """The sum of the log losses, without overflow."""
    return float((np.logaddexp(0.0, logits) - targets * logits).sum())


def sigmoid(logits: Floats) -> Floats:
    """Return 1 / (1 + exp(-logit)) of each logit, without overflow."""
    halves: Floats = 0.5 * (1 + np.tanh(0.5 * logits))
    return halves
