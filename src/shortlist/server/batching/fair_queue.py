"""Whose pairs are scored next: requests take turns, so that a long one does not hold up a short one.

The scheme is deficit round robin without the carried deficit: a turn ends with the pair that fills it. Shreedhar and
Varghese, "Efficient fair queueing using deficit round robin", SIGCOMM 1995.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

TURN_TOKENS = 512


@dataclass(slots=True, eq=False)
class Job:
    """One request's pairs on their way to scores.

    `query` and `texts` are as they came. Once tokenised, `work` holds what the reranker takes for each pair and
    `lengths` its tokens; pairs are handed out longest first, all at once where one call has to score them (`whole`).
    `scores` (of a bi-encoder: vectors) fills up in the order of the texts, and `unscored` counts what is still missing.
    `counted` is False where the lengths are guesses.
    """

    query: str
    texts: Sequence[str]
    max_tokens: int | None = None
    whole: bool = False
    work: Sequence[Any] = ()
    lengths: Sequence[int] = ()
    scores: list[Any] = field(default_factory=list)
    cut: list[bool] = field(default_factory=list)
    unscored: int = 0
    counted: bool = True
    waiting: deque[int] = field(default_factory=deque)

    def ready(self, work: Sequence[Any], lengths: Sequence[int], cut: Sequence[bool]) -> None:
        """Takes what tokenising gave, one entry a text."""
        self.work, self.lengths, self.cut = work, lengths, list(cut)
        self.scores = [None] * len(work)
        self.waiting = deque(sorted(range(len(work)), key=lambda place: -lengths[place]))

    def take(self, tokens: int, pairs: int) -> list[int]:
        """The next places to score: at least one, then up to `pairs`, until they fill `tokens`."""
        if self.whole:
            pairs = tokens = len(self.waiting) + sum(self.lengths)
        out: list[int] = []
        while self.waiting and (not out or (len(out) < pairs and tokens > 0)):
            out.append(self.waiting.popleft())
            tokens -= self.lengths[out[-1]]
        return out


@dataclass(frozen=True, slots=True)
class Piece:
    """Some places of one job, to be scored in the next round."""

    job: Job
    places: list[int]


class FairQueue:
    """Jobs in a ring. Not safe to share by threads: its owner holds a lock."""

    def __init__(self, turn_tokens: int = TURN_TOKENS) -> None:
        self._ring: deque[Job] = deque()
        self._turn = turn_tokens

    def __len__(self) -> int:
        """How many jobs have pairs waiting."""
        return len(self._ring)

    def add(self, job: Job) -> None:
        """The job's turn comes after those of all that wait; one without pairs is passed over."""
        if job.waiting:
            self._ring.append(job)

    def discard(self, job: Job) -> None:
        """What the job still has waiting is not scored any more; a job that is not here is fine."""
        job.waiting.clear()
        if job in self._ring:
            self._ring.remove(job)

    def take(self, tokens: int, pairs: int) -> list[Piece]:
        """The next round: turns in order until `tokens` or `pairs` are reached; one piece a job.

        Nothing waiting gives an empty list; else at least one pair is taken. A round may go over `tokens` by one
        pair, and over both by a job that has to be scored whole.
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
