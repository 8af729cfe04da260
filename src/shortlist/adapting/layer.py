"""The last layer and the head of the reranker in numpy, with their derivatives.

The layer computes one row, that of [CLS]. Its attention stays as it is. For each pair, the layer therefore reads the
row below and, for each head, the mean of the token states by the shares of the attention. Both stay the same.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shortlist.adapting.last_stage import SCALE, Weights

Floats = NDArray[np.floating]
Parameters = Mapping[str, Floats]

_ERF = (0.254829592, -0.284496736, 1.421413741, -1.453152027, 1.061405429)


@dataclass(frozen=True, slots=True)
class Inputs:
    """What the layer and the head read of `n` pairs.

    `first` is the row of [CLS] below the layer, `(n, width)`. `means` are the mean states of each head, `(n, heads,
    width)`. `likenesses` are the two comparisons of the head, `(n, 2)`.
    """

    first: Floats
    means: Floats
    likenesses: Floats

    def __len__(self) -> int:
        return len(self.first)


@dataclass(frozen=True, slots=True)
class LayerTrace:
    """The numbers of the layer's forward pass that its derivatives need."""

    means: Floats
    values: Floats
    first_unit: Floats
    first_length: Floats
    attended: Floats
    wide: Floats
    widened: Floats
    last_unit: Floats
    last_length: Floats


@dataclass(frozen=True, slots=True)
class HeadTrace:
    """The numbers of the head's forward pass that its derivatives need."""

    state: Floats
    likenesses: Floats
    pooled: Floats


def forward(weights: Parameters, inputs: Inputs, epsilon: float) -> Floats:
    """Return the logits of the pairs, `(n,)`."""
    return head_forward(weights, layer_forward(weights, inputs, epsilon)[0], inputs.likenesses)[0]


def layer_forward(weights: Parameters, inputs: Inputs, epsilon: float) -> tuple[Floats, LayerTrace]:
    """Return the new row of [CLS] of each pair, `(n, width)`, and what `layer_backward` needs."""
    pairs, heads, width = inputs.means.shape
    by_head = weights["value.weight"].reshape(width, heads, width // heads).transpose(1, 0, 2)
    values = (inputs.means.transpose(1, 0, 2) @ by_head).transpose(1, 0, 2).reshape(pairs, width)
    values = values + weights["value.bias"]
    mixed = values @ weights["mix.weight"] + weights["mix.bias"] + inputs.first
    first_unit, first_length = _unit(mixed, epsilon)
    attended = first_unit * weights["first_norm.weight"] + weights["first_norm.bias"]
    wide = attended @ weights["widen.weight"] + weights["widen.bias"]
    widened = wide * _normal_share(wide)
    added = widened @ weights["shrink.weight"] + weights["shrink.bias"] + attended
    last_unit, last_length = _unit(added, epsilon)
    state = last_unit * weights["last_norm.weight"] + weights["last_norm.bias"]
    norms = (first_unit, first_length, attended, wide, widened, last_unit, last_length)
    return state, LayerTrace(inputs.means, values, *norms)


def head_forward(weights: Parameters, state: Floats, likenesses: Floats) -> tuple[Floats, HeadTrace]:
    """Return the logits of the pairs, `(n,)`, and what `head_backward` needs."""
    pooled = np.tanh(state @ weights["dense.weight"] + weights["dense.bias"])
    logits = (pooled @ weights["out.weight"] + weights["out.bias"])[:, 0] + likenesses @ weights[SCALE]
    return logits, HeadTrace(state, likenesses, pooled)


def head_backward(weights: Parameters, trace: HeadTrace, by_logit: Floats) -> tuple[Weights, Floats]:
    """Return the derivatives of a loss by the head's weights and by its state, from those by the logits, `(n,)`."""
    column = by_logit[:, None]
    by_dense = column @ weights["out.weight"].T * (1 - trace.pooled**2)
    by: Weights = {
        SCALE: trace.likenesses.T @ by_logit,
        "out.weight": trace.pooled.T @ column,
        "out.bias": column.sum(axis=0),
        "dense.weight": trace.state.T @ by_dense,
        "dense.bias": by_dense.sum(axis=0),
    }
    return by, by_dense @ weights["dense.weight"].T


def layer_backward(weights: Parameters, trace: LayerTrace, by_state: Floats) -> Weights:
    """Return the derivatives of a loss by the weights of the layer, from those by its new rows, `(n, width)`."""
    by: Weights = {}
    by_added = _through_norm(by, "last_norm", weights, by_state, trace.last_unit, trace.last_length)
    by["shrink.weight"], by["shrink.bias"] = trace.widened.T @ by_added, by_added.sum(axis=0)
    by_wide = by_added @ weights["shrink.weight"].T * _gelu_slope(trace.wide)
    by["widen.weight"], by["widen.bias"] = trace.attended.T @ by_wide, by_wide.sum(axis=0)
    by_attended = by_wide @ weights["widen.weight"].T + by_added
    by_mixed = _through_norm(by, "first_norm", weights, by_attended, trace.first_unit, trace.first_length)
    by["mix.weight"], by["mix.bias"] = trace.values.T @ by_mixed, by_mixed.sum(axis=0)
    by_values = by_mixed @ weights["mix.weight"].T
    by["value.bias"] = by_values.sum(axis=0)
    pairs, heads, width = trace.means.shape
    by_head = by_values.reshape(pairs, heads, -1).transpose(1, 0, 2)
    by["value.weight"] = (trace.means.transpose(1, 2, 0) @ by_head).transpose(1, 0, 2).reshape(width, width)
    return by


def _unit(rows: Floats, epsilon: float) -> tuple[Floats, Floats]:
    """The rows with mean 0 and variance 1, and their standard deviations, `(n, 1)`."""
    centred = rows - rows.mean(axis=1, keepdims=True)
    length = np.sqrt((centred**2).mean(axis=1, keepdims=True) + epsilon)
    return centred / length, length


def _through_norm(by: Weights, name: str, weights: Parameters, by_out: Floats, unit: Floats, length: Floats) -> Floats:
    """Add the derivatives by the weights of a layer norm, and return those by its input."""
    by[f"{name}.weight"], by[f"{name}.bias"] = (by_out * unit).sum(axis=0), by_out.sum(axis=0)
    by_unit = by_out * weights[f"{name}.weight"]
    along = (by_unit * unit).mean(axis=1, keepdims=True)
    by_input: Floats = (by_unit - by_unit.mean(axis=1, keepdims=True) - unit * along) / length
    return by_input


def _normal_share(values: Floats) -> Floats:
    """The standard normal distribution function, within 1e-7.

    Source:
        Abramowitz and Stegun, "Handbook of Mathematical Functions", 7.1.26.
    """
    size = np.abs(values) * values.dtype.type(math.sqrt(0.5))
    fraction = 1 / (1 + values.dtype.type(0.3275911) * size)
    series = np.zeros_like(fraction)
    for factor in reversed(_ERF):
        series = (series + values.dtype.type(factor)) * fraction
    tail = series * np.exp(-size * size) / 2
    return np.where(values < 0, tail, 1 - tail)


def _gelu_slope(values: Floats) -> Floats:
    density = np.exp(-values * values / 2) / values.dtype.type(math.sqrt(2 * math.pi))
    slope: Floats = _normal_share(values) + values * density
    return slope
