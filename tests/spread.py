"""Comparison of scores from two kinds of arithmetic: AVX2, AVX-512, AMX and arm64 round differently.

So a tolerance is a share of the spread that the model's own scores have over the texts, not a fixed number.
"""

from __future__ import annotations

from collections.abc import Sequence


def apart(scores: Sequence[float], reference: Sequence[float]) -> float:
    """The largest difference of two lists of scores, as a share of the spread of `reference`."""
    spread = max(reference) - min(reference)
    assert spread > 0
    return max(abs(score - other) for score, other in zip(scores, reference, strict=True)) / spread
