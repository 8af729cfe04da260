"""A scorer without a queue, for tests of what uses a scorer."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from shortlist.errors import InvalidInput
from shortlist.protocols import Reranker
from shortlist.search.scores import checked_scores, info_of, score_texts
from shortlist.server.batching.scorer import ReadsPairs, Scored, check_cap

THREADS = 40
"""The requests that an `InlineScorer` works on at the same time."""


class InlineScorer:
    """A `Scorer` that runs each request by itself in a thread. The reranker must be thread-safe.

    The threads belong to the scorer, because `/why` keeps a thread of the server while it waits for a score. A
    cancelled call returns at once; its thread finishes the work it has.
    """

    def __init__(self, reranker: Reranker) -> None:
        self._reranker = reranker
        self._threads = ThreadPoolExecutor(THREADS, "shortlist-inline")

    @property
    def name(self) -> str:
        """The model's id."""
        return info_of(self._reranker).name

    @property
    def reranker(self) -> Reranker:
        """See `Scorer.reranker`."""
        return self._reranker

    async def score(self, query: str, texts: Sequence[str], *, max_tokens: int | None = None) -> Scored:
        """See `Scorer.score`."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, score_now, self._reranker, query, texts, max_tokens)


def score_now(reranker: Reranker, query: str, texts: Sequence[str], max_tokens: int | None = None) -> Scored:
    """Score in this thread; see `Scorer.score`."""
    if not query.strip():
        raise InvalidInput("the query is empty: give at least one word")
    if isinstance(reranker, ReadsPairs):
        pairs, truncated = reranker.pairs(query, texts, max_tokens=max_tokens)
        scores = checked_scores(info_of(reranker).name, reranker.score_pairs(pairs), texts)
        lengths = [len(pair.ids) for pair in pairs]
        return Scored(list(scores), truncated, sum(lengths), lengths)
    check_cap(texts, max_tokens)
    scores = score_texts(reranker, query, texts)
    return Scored(list(scores), scores.truncated, 0)
