"""A scorer that fills the model's batches with the pairs of all requests that wait."""

from __future__ import annotations

from collections.abc import Sequence

from shortlist.protocols import Reranker, RunsElsewhere
from shortlist.server.batching.fair_queue import Job
from shortlist.server.batching.scheduler import Rounds
from shortlist.server.batching.scorer import Scored
from shortlist.server.batching.worker import work_of
from shortlist.server.middleware.observer import Watch

QUEUE_PAIRS = 4096
ROUND_PAIRS = 64
ROUND_TOKENS = 8192


class Batcher(Rounds):
    """Satisfies `Scorer` over `Rounds`. Close it when done: what was accepted is finished first.

    Of a reranker that another machine runs, a round is one whole request, and `at_once` of them run side by side.

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
        watch: Watch | None = None,
    ) -> None:
        threads = 1
        if isinstance(reranker, RunsElsewhere):
            round_pairs, round_tokens, threads = 1, 1, reranker.at_once
        super().__init__(work_of(reranker), queue_pairs, round_pairs, round_tokens, watch, threads=threads)
        self.name, self.reranker = reranker.name, reranker

    async def score(self, query: str, texts: Sequence[str], *, max_tokens: int | None = None) -> Scored:
        """See `Scorer.score`."""
        job = Job(query, texts, max_tokens)
        await self.finish(job)
        self._watch.scored(len(job.scores), sum(job.cut))
        lengths = job.lengths if job.counted else ()
        return Scored(job.scores, job.cut, sum(lengths), lengths)
