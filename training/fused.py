"""Stage one's fused order over arrays of scores."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from shortlist.search.fusion import RRF_K


def fused(cosines: NDArray[np.float32], words: NDArray[np.float32]) -> NDArray[np.int64]:
    """Rows, best first, by reciprocal ranks; a row without any word of the query gets nothing from BM25."""
    total = np.zeros(len(cosines))
    for scores, least in ((cosines, -2.0), (words, 0.0)):
        order = np.argsort(-scores, kind="stable")
        shares = 1.0 / (RRF_K + 1 + np.arange(len(order)))
        total[order] += np.where(scores[order] > least, shares, 0.0)
    return np.argsort(-total, kind="stable")
