"""The signal "dense" is a cosine, or is missing."""

import numpy as np
import pytest

from shortlist.encoders.hashed import HashedEncoder
from shortlist.retrievers import Dense, Hybrid
from shortlist.types import Passage

PASSAGES = [Passage("a", "cats sleep"), Passage("b", "tax is due")]


class Distances:
    """A store whose scores are minus squared distances."""

    def __init__(self, *, gives_cosines):
        self.gives_cosines = gives_cosines

    def nearest(self, vector, k, where=None):
        return list(zip(PASSAGES, [-900.0, -902.0], strict=True))

    def matching(self, text, k, where=None):
        return [(PASSAGES[1], 2.0)]

    def similarities(self, vector: np.ndarray, ids):
        return [-902.0] * len(ids)


@pytest.mark.parametrize("kind", [Dense, Hybrid])
def test_distances_are_no_signal(kind):
    encoder = HashedEncoder(16)
    hits = kind(Distances(gives_cosines=False), encoder).retrieve("tax", 2)
    assert {name for hit in hits for name in hit.signals} <= {"bm25", "bm25_share"}
    hits = kind(Distances(gives_cosines=True), encoder).retrieve("tax", 2)
    assert all("dense" in hit.signals for hit in hits)
