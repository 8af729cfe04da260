"""Stage one's fused order over arrays of scores."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from shortlist.search.fusion import SHARE_WEIGHT


def fused(cosines: NDArray[np.float32], words: NDArray[np.float32]) -> NDArray[np.int64]:
    """Return the rows, best first, by the cosine plus 0.3 x the share of the highest BM25 score."""
    highest = max(float(words.max(initial=0.0)), 1e-6)
    return np.argsort(-(cosines + SHARE_WEIGHT * words / highest), kind="stable")
