"""Stage one by vectors."""

from __future__ import annotations

from shortlist.protocols import Encoder, Searched
from shortlist.retrievers.hits import gives_cosines, hits_of
from shortlist.search.pool import Retrieved, notes_of
from shortlist.search.retriever import checked_query
from shortlist.types import DENSE, Where


class Dense:
    """Retrieval by the cosine between the bi-encoder's vectors. `signals` has "dense".

    A store whose vectors have other lengths than 1 may give inner products or distances: then `signals` is empty.
    """

    def __init__(self, index: Searched, encoder: Encoder) -> None:
        self.index, self._encoder = index, encoder

    @property
    def bi_encoder(self) -> str | None:
        """The name of the model whose cosine is the signal "dense". None: the store gives no cosines."""
        return self._encoder.name if gives_cosines(self.index) else None

    def retrieve(self, query: str, k: int, where: Where | None = None) -> Retrieved:
        """Return at most `k` hits, best first. The score is a cosine, -1 to 1."""
        vector = self._encoder.encode_queries([checked_query(query, k)])[0]
        nearest = self.index.nearest(vector, k, where)
        has_cosines = gives_cosines(self.index)
        signals = [{DENSE: score} if has_cosines else {} for _, score in nearest]
        return hits_of(nearest, signals, self._encoder.name, notes_of(nearest))
