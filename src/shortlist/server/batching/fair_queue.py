"""The order of the waiting pairs. Requests take turns, so a long request does not delay a short request.

The scheme is deficit round robin without the carried deficit: a turn ends with the pair that fills it. Shreedhar and
Varghese, "Efficient fair queueing using deficit round robin", SIGCOMM 1995.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from shortlist.types import Note

TURN_TOKENS = 512


@dataclass(slots=True, eq=False)
class Job:
    """The pairs of one request, from their arrival to their scores.

    `query` and `texts` come from the request. `ready` sets `work`, the input of the reranker for each pair, and
    `lengths`, the number of tokens of each pair. `take` returns the longest pairs first, or all pairs if a single call
    must score them (`whole`). `scores` are in the order of the texts (a bi-encoder's scores are vectors). `unscored`
    counts the missing scores. `counted` is False if the lengths are guesses. `notes` are those of the scores.
    """

    query: str
    texts: Sequence[str]
    max_tokens: int | None = None
    whole: bool = False
    work: Sequence[Any] = ()
    lengths: Sequence[int] = ()
    scores: list[Any] = field(default_factory=list)
    truncated: list[bool] = field(default_factory=list)
    unscored: int = 0
    counted: bool = True
    waiting: deque[int] = field(default_factory=deque)
    notes: list[Note] = field(default_factory=list)

    def ready(self, work: Sequence[Any], lengths: Sequence[int], truncated: Sequence[bool]) -> None:
        """Set the result of tokenising, one entry for each text."""
        self.work, self.lengths, self.truncated = work, lengths, list(truncated)
        self.scores = [None] * len(work)
        self.waiting = deque(sorted(range(len(work)), key=lambda place: -lengths[place]))

    def take(self, tokens: int, pairs: int) -> list[int]:
        """Return the next places to score: at least one, at most `pairs`, and none after they fill `tokens`."""
        if self.whole:
            pairs = tokens = len(self.waiting) + sum(self.lengths)
        places: list[int] = []
        while self.waiting and (not places or (len(places) < pairs and tokens > 0)):
            places.append(self.waiting.popleft())
            tokens -= self.lengths[places[-1]]
        return places


@dataclass(frozen=True, slots=True)
class Piece:
    """The places of one job that the next round scores."""

    job: Job
    places: list[int]


class FairQueue:
    """A ring of jobs. The queue is not thread-safe: its owner must hold a lock."""

    def __init__(self, turn_tokens: int = TURN_TOKENS) -> None:
        self._ring: deque[Job] = deque()
        self._turn = turn_tokens

    def __len__(self) -> int:
        """Return the number of jobs with waiting pairs."""
        return len(self._ring)

    def add(self, job: Job) -> None:
        """Put the job behind all waiting jobs. A job without waiting pairs is ignored."""
        if job.waiting:
            self._ring.append(job)

    def discard(self, job: Job) -> None:
        """Remove the waiting pairs of the job. A job that is not in the queue is ignored."""
        job.waiting.clear()
        if job in self._ring:
            self._ring.remove(job)

    def take(self, tokens: int, pairs: int) -> list[Piece]:
        """Return the next round, one piece for each job: turns in order until `tokens` or `pairs` are reached.

        An empty queue gives no pieces; otherwise at least one pair is taken. A round may exceed `tokens` by one pair,
        and both bounds by a job that must be scored whole.
        """
        taken: dict[Job, list[int]] = {}
        while self._ring and pairs > 0 and tokens > 0:
            job = self._ring.popleft()
            places = job.take(min(self._turn, tokens), pairs)
            taken.setdefault(job, []).extend(places)
            pairs -= len(places)
            tokens -= sum(job.lengths[place] for place in places)
            self.add(job)
        return [Piece(job, places) for job, places in taken.items()]
