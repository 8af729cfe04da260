"""Weights in int8: codes and a scale for each row or column."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

CLIP_POINTS = (1.0, 0.97, 0.94, 0.9, 0.85, 0.8)
"""The clip points that are tried, as shares of the largest absolute value."""


def encoded(values: NDArray[np.float32], axis: int) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """Return int8 codes, and scales along `axis`, which the scales keep with a size of 1.

    The codes times the scales approximate the values. Each scale has the clip point with the least squared error.
    """
    largest = np.abs(values).max(axis=axis, keepdims=True) / 127
    largest[largest == 0] = 1e-8
    best, best_error = largest.copy(), np.full(largest.shape, np.inf)
    for share in CLIP_POINTS:
        scale = largest * share
        error = ((np.clip(np.round(values / scale), -127, 127) * scale - values) ** 2).sum(axis=axis, keepdims=True)
        best = np.where(error < best_error, scale, best)
        best_error = np.minimum(error, best_error)
    codes = np.clip(np.round(values / best), -127, 127).astype(np.int8)
    return codes, best.astype(np.float32)
