"""A queue for progressive searches, next to the queue that batches pairs.

A progressive search scores its pool in steps that depend on each other, so its pairs cannot share batches with those of
other requests. One thread of this queue runs one search at a time. The model's lock serves callers in the order in
which they come, so the steps of that search alternate with the rounds of the batcher. Progressive searches wait for
each other. Other requests wait for at most one step.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from shortlist.protocols import ScoresProgressively
from shortlist.search.pending import Pending
from shortlist.search.search import scores_of
from shortlist.server.batching.fair_queue import Job, Piece
from shortlist.server.batching.scheduler import Bounds, Scheduler
from shortlist.server.batching.worker import Outcome, guessed_lengths
from shortlist.server.middleware.observer import Observer
from shortlist.server.options import QUEUE_PAIRS
from shortlist.types import Scores


def is_progressive(pending: Pending) -> bool:
    """Return whether the search scores its pool at early exits."""
    return isinstance(pending.reranker, ScoresProgressively)


class ProgressiveQueue(Scheduler):
    """Runs progressive searches one after another.

    Close the queue at the end: `close` first finishes the accepted searches.

    At most `queue_pairs` passages wait.

    Raises:
        InvalidInput: `queue_pairs` is below 1.
    """

    def __init__(self, *, queue_pairs: int = QUEUE_PAIRS, observer: Observer | None = None) -> None:
        super().__init__(_ProgressiveWorker(), Bounds(queue_pairs, 1, 1), observer)

    async def score(self, pending: Pending) -> Scores:
        """Return the scores of the pool of a progressive search: see `shortlist.search.search.scores_of`.

        Raises:
            InvalidInput: The pool is larger than the whole queue.
            QueueFull: Too many passages are waiting.
            BadScores: The reranker returned NaN, infinity or a wrong count.
        """
        job = _ProgressiveJob(pending.scored_query, pending.texts, pending=pending)
        await self.finish(job)
        (scores,) = job.results
        return scores


@dataclass(slots=True, eq=False, kw_only=True)
class _ProgressiveJob(Job):
    """A whole search. `results` receives the scores with their early exits, which `Job.scores` cannot hold."""

    pending: Pending
    results: tuple[Scores, ...] = ()


class _ProgressiveWorker:
    """A `Worker` that runs one search for each piece."""

    def prepare(self, job: Job) -> None:
        """See `Worker.prepare`."""
        job.whole, job.counted = True, False
        job.ready(job.texts, guessed_lengths(job), [False] * len(job.texts))

    def run(self, pieces: Sequence[Piece]) -> list[Outcome]:
        """See `Worker.run`."""
        return [self._outcome(piece) for piece in pieces]

    def _outcome(self, piece: Piece) -> Outcome:
        job = piece.job
        assert isinstance(job, _ProgressiveJob)
        try:
            scores = scores_of(job.pending)
        except Exception as error:  # noqa: BLE001 - the request receives every error of its model
            return error
        job.results = (scores,)
        return [scores[place] for place in piece.places], [scores.truncated[place] for place in piece.places]
