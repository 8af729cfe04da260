"""Scores of vectors that only a damaged file can give."""

from __future__ import annotations

import sys
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

HIGHEST_COSINE = 1.01
"""The limit of a cosine. Rounding stays far below it."""
UNIT = 1e-5
"""The most by which rounding changes the length of a unit vector."""


def check_scores(query: NDArray[np.float32], scores: Iterable[float]) -> None:
    """Raise an error if a score is not finite, or is no cosine although the vector of the query has length 1.

    The vectors of a model that is compared by dot product have other lengths, so its scores only need to be finite.

    Raises:
        ValueError: The stored vectors are damaged.
    """
    is_unit = abs(float(np.linalg.norm(query)) - 1) <= UNIT
    highest, name = (HIGHEST_COSINE, "cosine") if is_unit else (sys.float_info.max, "score")
    for score in scores:
        if not abs(score) <= highest:  # NaN is not below the limit either
            raise ValueError(f"a passage has the {name} {score:.4g}")
