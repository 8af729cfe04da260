"""The signal "dense" is a cosine, or is missing."""

import numpy as np
import pytest

from foreign_parts import Logits
from shortlist.config.weights import Weights
from shortlist.encoders.hashed import HashedEncoder
from shortlist.retrievers import Dense, Hybrid
from shortlist.search.search import Search
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


@pytest.mark.parametrize("kind", [Dense, Hybrid])
@pytest.mark.parametrize(("gives_cosines", "order"), [(True, "blend"), (False, "reranker")])
def test_weights_that_were_fitted_for_cosines_are_not_those_of_distances(monkeypatch, kind, gives_cosines, order):
    monkeypatch.setattr("shortlist.search.blend.fitted_weights", lambda *names: Weights({"dense": 3.0}))
    ranking = Search(kind(Distances(gives_cosines=gives_cosines), HashedEncoder(16)), Logits()).search("tax", top_k=2)
    assert (ranking.order, bool(ranking.weights)) == (order, gives_cosines)
