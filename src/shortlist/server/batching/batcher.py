"""A scorer that fills the model's batches with the pairs of all waiting requests."""

from __future__ import annotations

from collections.abc import Sequence

from shortlist.protocols import Reranker
from shortlist.search.scores import info_of
from shortlist.server.batching.fair_queue import Job
from shortlist.server.batching.scheduler import Bounds, Scheduler
from shortlist.server.batching.scorer import Scored
from shortlist.server.batching.worker import worker_for
from shortlist.server.middleware.observer import Observer
from shortlist.server.options import QUEUE_PAIRS

ROUND_PAIRS = 64
ROUND_TOKENS = 8192


class Batcher(Scheduler):
    """A `Scorer` over a `Scheduler`. Close the batcher at the end: `close` first finishes the accepted requests.

    If another machine runs the reranker, a round is one whole request, and `RerankerInfo.max_concurrent` rounds run at
    the same time.

    Raises:
        InvalidInput: A bound is below 1.
    """

    def __init__(
        self,
        reranker: Reranker,
        *,
        queue_pairs: int = QUEUE_PAIRS,
        round_pairs: int = ROUND_PAIRS,
        round_tokens: int = ROUND_TOKENS,
        observer: Observer | None = None,
    ) -> None:
        info = info_of(reranker)
        bounds = Bounds(queue_pairs, round_pairs, round_tokens)
        if info.remote:
            bounds = Bounds(queue_pairs, 1, 1, threads=info.max_concurrent)
        super().__init__(worker_for(reranker), bounds, observer)
        self.name, self.reranker = info.name, reranker

    async def score(self, query: str, texts: Sequence[str], *, max_tokens: int | None = None) -> Scored:
        """See `Scorer.score`."""
        job = Job(query, texts, max_tokens)
        await self.finish(job)
        self._observer.scored(len(job.scores), sum(job.truncated))
        lengths = job.lengths if job.counted else ()
        return Scored(job.scores, job.truncated, sum(lengths), lengths, job.notes)
