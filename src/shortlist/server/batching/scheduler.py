"""A queue that fills a model's batches with the pairs or texts of all waiting requests."""

from __future__ import annotations

import asyncio
import logging
import math
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from shortlist.errors import InvalidInput, ModelError, QueueFull
from shortlist.server.batching.fair_queue import FairQueue, Job, Piece
from shortlist.server.batching.worker import Outcome, PlansBatches, Worker
from shortlist.server.middleware.observer import Observer, Round

LOG = logging.getLogger(__name__)

ENDED = "a thread that runs the model has ended: start the server again"
LONGEST_RETRY = 60
LONG = 500_000
"""A separate thread tokenises requests with more characters, so that short requests do not wait."""
PACE_WEIGHT = 0.2
"""The weight of the newest round in the measured pace. The measure assumes that all threads are busy."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """The bounds of a scheduler.

    Args:
        queue: The largest number of waiting pairs.
        pairs: The largest number of pairs in a round.
        tokens: The largest number of tokens in a round.
        threads: The number of rounds that run at the same time.
        unit: The noun for the items of a request, for messages.

    Raises:
        InvalidInput: A bound is below 1.
    """

    queue: int
    pairs: int
    tokens: int
    threads: int = 1
    unit: str = "passages"

    def __post_init__(self) -> None:
        if min(self.queue, self.pairs, self.tokens, self.threads) < 1:
            raise InvalidInput("the queue and a round must hold at least 1 pair and 1 token, on at least 1 thread")


@dataclass(slots=True, eq=False)
class _Ticket:
    """A job, and the future that receives its answer."""

    job: Job
    loop: asyncio.AbstractEventLoop
    future: asyncio.Future[None]
    accepted: float
    started: float = 0.0
    released: bool = False


class Scheduler:
    """Fills a model's batches with the pairs of concurrent jobs. If more pairs wait than fit a round, jobs take turns.

    A round is one call of the model (for a bi-encoder a text takes the place of a pair). A job that would make the
    queue longer than its bound raises `QueueFull` at once. Two threads tokenise, `Bounds.threads` threads run rounds,
    and the event loop only passes jobs on. A cancelled job leaves the queue. If a running round contains pairs of this
    job, the model still scores the pairs, and the scores are dropped.
    """

    def __init__(self, worker: Worker, bounds: Bounds, observer: Observer | None = None) -> None:
        self._worker, self._bounds = worker, bounds
        self._observer = observer or Observer()
        self._queue = FairQueue()
        self._tickets: dict[Job, _Ticket] = {}
        self._depth = 0
        self._pace = 0.0
        self._closing = False
        self._ended = False
        self._change = threading.Condition()
        self._tokenisers = [ThreadPoolExecutor(1, f"shortlist-tokenise-{kind}") for kind in ("short", "long")]
        self._runners = [
            threading.Thread(target=self._run, name="shortlist-model", daemon=True) for _ in range(bounds.threads)
        ]
        for runner in self._runners:
            runner.start()

    @property
    def depth(self) -> int:
        """The number of accepted pairs without a score."""
        return self._depth

    @property
    def pace(self) -> float:
        """The measured pairs a second of all threads; 0 before the first round."""
        return self._pace

    @property
    def waiting(self) -> int:
        """The number of requests with pairs that no round has taken yet.

        A request does not count before it is tokenised.
        """
        with self._change:
            return len(self._queue)

    @property
    def closing(self) -> bool:
        """Whether `close` was called: new requests are refused."""
        return self._closing

    @property
    def alive(self) -> bool:
        """Whether all threads that run the model are alive."""
        return not self._ended and all(runner.is_alive() for runner in self._runners)

    async def finish(self, job: Job) -> None:
        """Return when the job has all its scores.

        Raises:
            InvalidInput: The job contains more pairs than the whole queue may hold.
            QueueFull: Too many pairs are waiting.
            ModelError: A thread that runs the model has ended.
        """
        loop = asyncio.get_running_loop()
        job.unscored = len(job.texts)
        ticket = _Ticket(job, loop, loop.create_future(), time.perf_counter())
        self._accept(ticket)
        try:
            self._tokenisers[sum(map(len, job.texts)) > LONG].submit(self._prepare, ticket)
            await ticket.future
        except asyncio.CancelledError:
            self._observer.cancelled()
            raise
        finally:
            self._release(ticket)

    def close(self) -> None:
        """Refuse new jobs, finish the accepted ones, and end the threads."""
        with self._change:
            self._closing = True
            self._change.notify_all()
        for tokeniser in self._tokenisers:
            tokeniser.shutdown(wait=True)
        for runner in self._runners:
            runner.join()

    def _accept(self, ticket: _Ticket) -> None:
        pairs, limit = len(ticket.job.texts), self._bounds.queue
        with self._change:
            if pairs > limit:
                raise InvalidInput(f"{pairs} {self._bounds.unit} in one request: this server's queue holds {limit}")
            full = self._depth + pairs > limit or self._closing
            if self._ended:
                raise ModelError(ENDED)
            if not full:
                self._depth += pairs
                self._tickets[ticket.job] = ticket
        if full:
            self._observer.refused()
            raise QueueFull(self._retry_after())

    def _release(self, ticket: _Ticket) -> None:
        with self._change:
            ticket.released = True
            self._queue.discard(ticket.job)
            self._depth -= ticket.job.unscored
            ticket.job.unscored = 0
            self._tickets.pop(ticket.job, None)
            self._change.notify_all()

    def _retry_after(self) -> float:
        """Return the expected seconds until the waiting pairs are scored: a whole number from 1 to `LONGEST_RETRY`."""
        seconds = self._depth / self._pace if self._pace else 1.0
        return float(min(max(math.ceil(seconds), 1), LONGEST_RETRY))

    def _prepare(self, ticket: _Ticket) -> None:
        if ticket.released:
            return
        began = time.perf_counter()
        try:
            self._worker.prepare(ticket.job)
        except BaseException as error:  # noqa: BLE001 - the request receives the error
            self._answer(ticket, error)
            return
        self._observer.took("tokenise", time.perf_counter() - began)
        if not ticket.job.waiting:
            self._answer(ticket)
            return
        with self._change:
            if not ticket.released:
                self._queue.add(ticket.job)
                self._change.notify_all()

    def _answer(self, ticket: _Ticket, error: BaseException | None = None) -> None:
        """Notify the request's event loop that the job is done or has failed."""
        self._release(ticket)
        try:
            ticket.loop.call_soon_threadsafe(_resolve, ticket.future, error)
        except RuntimeError:  # the loop is closed, so nobody waits
            self._observer.cancelled()

    def _run(self) -> None:
        try:
            self._run_rounds()
        except BaseException as error:
            LOG.critical(ENDED, exc_info=error)
            with self._change:
                self._ended = True
                tickets = list(self._tickets.values())
            for ticket in tickets:
                self._answer(ticket, ModelError(ENDED))

    def _run_rounds(self) -> None:
        while (pieces := self._next()) is not None:
            began = time.perf_counter()
            try:
                self._store_outcomes(pieces, self._worker.run(pieces))
            except Exception as error:  # noqa: BLE001 - no request may wait for an answer that will not come
                for ticket in self._tickets_of(pieces):
                    self._answer(ticket, error)
            self._report_round(pieces, time.perf_counter() - began)

    def _tickets_of(self, pieces: Sequence[Piece]) -> list[_Ticket]:
        with self._change:
            return [self._tickets[piece.job] for piece in pieces if piece.job in self._tickets]

    def _next(self) -> list[Piece] | None:
        """Wait for the next round and return it, or None if there will be no more."""
        with self._change:
            while not (pieces := self._queue.take(self._bounds.tokens, self._bounds.pairs)):
                if self._closing and not self._tickets:
                    return None
                self._change.wait()
            now = time.perf_counter()
            for ticket in (self._tickets[piece.job] for piece in pieces):
                if not ticket.started:
                    ticket.started = now
                    self._observer.took("wait", now - ticket.accepted)
            return pieces

    def _store_outcomes(self, pieces: Sequence[Piece], outcomes: Sequence[Outcome]) -> None:
        for piece, outcome in zip(pieces, outcomes, strict=True):
            with self._change:
                ticket = self._tickets.get(piece.job)
                done = ticket is not None and (isinstance(outcome, Exception) or self._store_scores(piece, outcome))
            if ticket is None or not done:
                continue
            if isinstance(outcome, Exception):
                self._answer(ticket, outcome)
            else:
                self._observer.took("score", time.perf_counter() - ticket.started)
                self._answer(ticket)

    def _store_scores(self, piece: Piece, outcome: tuple[Sequence[Any], list[bool]]) -> bool:
        """Store the scores in their job, and return whether the job has all of them."""
        job = piece.job
        for place, score, truncated in zip(piece.places, *outcome, strict=True):
            job.scores[place], job.truncated[place] = score, truncated
        job.unscored -= len(piece.places)
        self._depth -= len(piece.places)
        return not job.unscored

    def _report_round(self, pieces: Sequence[Piece], seconds: float) -> None:
        lengths = [piece.job.lengths[place] for piece in pieces for place in piece.places]
        pace = len(self._runners) * len(lengths) / max(seconds, 1e-6)
        with self._change:
            self._pace = pace if not self._pace else (1 - PACE_WEIGHT) * self._pace + PACE_WEIGHT * pace
        if not isinstance(self._worker, PlansBatches):
            return
        batches = self._worker.batches(lengths)
        padded = sum(len(rows) * max(lengths[row] for row in rows) for rows in batches)
        capacity = len(batches) * self._worker.rows
        self._observer.ran(Round(len(lengths), len(pieces), len(batches), capacity, sum(lengths), padded, seconds))


def _resolve(future: asyncio.Future[None], error: BaseException | None) -> None:
    """Set the future. An error that would end the event loop, or that a future cannot hold, becomes a `ModelError`."""
    if future.done():
        return
    if error is None:
        future.set_result(None)
    elif isinstance(error, Exception) and not isinstance(error, StopIteration):
        future.set_exception(error)
    else:
        raised = ModelError(f"the model raised {error!r}")
        raised.__cause__ = error
        future.set_exception(raised)
