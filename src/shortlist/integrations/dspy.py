"""Both stages as a DSPy retriever."""

from __future__ import annotations

import asyncio
from typing import Any

from shortlist.integrations import framework
from shortlist.integrations.calls import SharedSearch
from shortlist.integrations.metadata import metadata_of
from shortlist.types import Filter, PoolSize, Ranking

with framework("dspy", "dspy"):
    import dspy

TOP_K = 3
"""The number of passages of a DSPy retriever."""


class ShortlistRetriever(dspy.Retrieve):
    """A search of both stages as a DSPy retriever.

    `retriever(query)` returns a prediction: `passages` are the texts, best first, `ids` their ids, `scores` their final
    scores, and `metadata` the scores and ranks of both stages, see `integrations.metadata`.

    Args:
        search: An open index, or a `Search` over any retriever. Its configuration applies. Or a name for
            `shortlist.open`, which the first call opens.
        k: The number of passages.
        pool_size: The number of passages to rerank, or "auto". None: the one of the configuration.
        where: The filter.
    """

    def __init__(
        self, search: Any, k: int = TOP_K, *, pool_size: PoolSize | None = None, where: Filter | None = None
    ) -> None:
        super().__init__(k=k)
        self._shared = SharedSearch(search)
        self.pool_size, self.where = pool_size, where

    def forward(self, query: str, k: int | None = None) -> dspy.Prediction:
        """Return the prediction for a query. `k` replaces the retriever's own for this call."""
        ranking = self.ranking(query, k)
        return dspy.Prediction(
            passages=[hit.text for hit in ranking],
            ids=[hit.id for hit in ranking],
            scores=[hit.score for hit in ranking],
            metadata=[metadata_of(hit) for hit in ranking],
        )

    async def acall(self, query: str, k: int | None = None) -> dspy.Prediction:
        """As a call, in a thread."""
        return await asyncio.to_thread(self, query, k)

    def ranking(self, query: str, k: int | None = None) -> Ranking:
        """Return the answer of the search, with its notes."""
        return self._shared.search(query, top_k=self.k if k is None else k, pool_size=self.pool_size, where=self.where)


class ShortlistRM(ShortlistRetriever):
    """The retrieval model behind `dspy.Retrieve`: `dspy.configure(rm=ShortlistRM(search))`.

    A call returns a list of examples with `long_text`, `id`, `score` and `metadata`, as `dspy.Retrieve` reads it.
    """

    def forward(self, query: str, k: int | None = None) -> list[dspy.Example]:
        """Return the passages as examples, best first."""
        return [
            dspy.Example(long_text=hit.text, id=hit.id, score=hit.score, metadata=metadata_of(hit))
            for hit in self.ranking(query, k)
        ]
