"""A queue that fills a model's batches with what all requests that wait have to be scored or embedded."""

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
from shortlist.server.batching.worker import Outcome, SaysBatches, Work
from shortlist.server.middleware.observer import NoWatch, Round, Watch

LOG = logging.getLogger(__name__)

ENDED = "a thread that runs the model has ended: start the server again"
LONGEST_RETRY = 60
LONG = 500_000
"""Characters in a request beyond which it is tokenised in a lane of its own, so that short ones need not wait."""
PACE_WEIGHT = 0.2
"""How much of the measured pace the newest round makes up; all threads are taken to be at work."""


@dataclass(slots=True, eq=False)
class _Ticket:
    """A job, and where its answer goes."""

    job: Job
    loop: asyncio.AbstractEventLoop
    future: asyncio.Future[None]
    accepted: float
    started: float = 0.0
    gone: bool = False


class Rounds:
    """Concurrent jobs share a model's batches, and take turns while more waits than one round holds.

    A round is what the model gets in one call: up to `pairs` pairs and `tokens` tokens (for a bi-encoder a text takes
    the place of a pair). At most `most` pairs wait; a job that would go over that gets `QueueFull` at once. `threads`
    run rounds, side by side where there are several; two tokenise, and the event loop only hands over. A job that is
    cancelled leaves the queue; pairs of it that are in a running round are scored and dropped. `unit` names what a
    request holds.

    Raises:
        InvalidInput: A bound is below 1.
    """

    def __init__(
        self,
        work: Work,
        most: int,
        pairs: int,
        tokens: int,
        watch: Watch | None = None,
        *,
        unit: str = "passages",
        threads: int = 1,
    ) -> None:
        if min(most, pairs, tokens, threads) < 1:
            raise InvalidInput("the queue and a round must hold at least 1 pair and 1 token, and 1 thread must run it")
        self._work = work
        self._most, self._round, self._unit = most, (tokens, pairs), unit
        self._watch: Watch = watch or NoWatch()
        self._queue = FairQueue()
        self._tickets: dict[Job, _Ticket] = {}
        self._depth = 0
        self._pace = 0.0
        self._closing = False
        self._ended = False
        self._change = threading.Condition()
        self._lanes = [ThreadPoolExecutor(1, f"shortlist-tokenise-{kind}") for kind in ("short", "long")]
        self._runners = [
            threading.Thread(target=self._run, name="shortlist-model", daemon=True) for _ in range(threads)
        ]
        for one in self._runners:
            one.start()

    @property
    def depth(self) -> int:
        """How many accepted pairs have no score yet."""
        return self._depth

    @property
    def alive(self) -> bool:
        """Whether all threads that run the model are there."""
        return not self._ended and all(one.is_alive() for one in self._runners)

    async def finish(self, job: Job) -> None:
        """Comes back once the job has all its scores.

        Raises:
            InvalidInput: It holds more than the whole queue does.
            QueueFull: Too much is waiting.
            ModelError: A thread that runs the model has ended.
        """
        loop = asyncio.get_running_loop()
        job.unscored = len(job.texts)
        ticket = _Ticket(job, loop, loop.create_future(), time.perf_counter())
        self._accept(ticket)
        try:
            self._lanes[sum(map(len, job.texts)) > LONG].submit(self._prepare, ticket)
            await ticket.future
        except asyncio.CancelledError:
            self._watch.cancelled()
            raise
        finally:
            self._release(ticket)

    def close(self) -> None:
        """Refuses what comes from now on, waits until what was accepted is done, and ends its threads."""
        with self._change:
            self._closing = True
            self._change.notify_all()
        for lane in self._lanes:
            lane.shutdown(wait=True)
        for one in self._runners:
            one.join()

    def _accept(self, ticket: _Ticket) -> None:
        pairs = len(ticket.job.texts)
        with self._change:
            if pairs > self._most:
                raise InvalidInput(f"{pairs} {self._unit} in one request: this server's queue holds {self._most}")
            full = self._depth + pairs > self._most or self._closing
            if self._ended:
                raise ModelError(ENDED)
            if not full:
                self._depth += pairs
                self._tickets[ticket.job] = ticket
        if full:
            self._watch.refused()
            raise QueueFull(self._retry_after())

    def _release(self, ticket: _Ticket) -> None:
        with self._change:
            ticket.gone = True
            self._queue.discard(ticket.job)
            self._depth -= ticket.job.unscored
            ticket.job.unscored = 0
            self._tickets.pop(ticket.job, None)
            self._change.notify_all()

    def _retry_after(self) -> float:
        """Seconds until the pairs that wait now should be scored, whole and at least 1."""
        seconds = self._depth / self._pace if self._pace else 1.0
        return float(min(max(math.ceil(seconds), 1), LONGEST_RETRY))

    def _prepare(self, ticket: _Ticket) -> None:
        if ticket.gone:
            return
        began = time.perf_counter()
        try:
            self._work.prepare(ticket.job)
        except BaseException as error:  # noqa: BLE001 - handed to the request that it belongs to
            self._answer(ticket, error)
            return
        self._watch.took("tokenise", time.perf_counter() - began)
        if not ticket.job.waiting:
            self._answer(ticket)
            return
        with self._change:
            if not ticket.gone:
                self._queue.add(ticket.job)
                self._change.notify_all()

    def _answer(self, ticket: _Ticket, error: BaseException | None = None) -> None:
        """Tells the request's event loop that the job is done, or why it can't be."""
        self._release(ticket)
        try:
            ticket.loop.call_soon_threadsafe(_resolve, ticket.future, error)
        except RuntimeError:  # the loop is closed, so nobody waits
            self._watch.cancelled()

    def _run(self) -> None:
        try:
            self._rounds()
        except BaseException as error:
            LOG.critical(ENDED, exc_info=error)
            with self._change:
                self._ended = True
                waiting = list(self._tickets.values())
            for ticket in waiting:
                self._answer(ticket, ModelError(ENDED))

    def _rounds(self) -> None:
        while (pieces := self._next()) is not None:
            began = time.perf_counter()
            try:
                self._settle(pieces, self._work.run(pieces))
            except Exception as error:  # noqa: BLE001 - nobody may wait for an answer that will not come
                for ticket in self._holders(pieces):
                    self._answer(ticket, error)
            self._measure(pieces, time.perf_counter() - began)

    def _holders(self, pieces: Sequence[Piece]) -> list[_Ticket]:
        with self._change:
            return [self._tickets[piece.job] for piece in pieces if piece.job in self._tickets]

    def _next(self) -> list[Piece] | None:
        """The next round; waits for one, and gives None when there will be no more."""
        with self._change:
            while not (pieces := self._queue.take(*self._round)):
                if self._closing and not self._tickets:
                    return None
                self._change.wait()
            now = time.perf_counter()
            for ticket in (self._tickets[piece.job] for piece in pieces):
                if not ticket.started:
                    ticket.started = now
                    self._watch.took("wait", now - ticket.accepted)
            return pieces

    def _settle(self, pieces: Sequence[Piece], outcomes: Sequence[Outcome]) -> None:
        for piece, outcome in zip(pieces, outcomes, strict=True):
            with self._change:
                ticket = self._tickets.get(piece.job)
                done = ticket is not None and (isinstance(outcome, Exception) or self._keep(piece, outcome))
            if ticket is None or not done:
                continue
            if isinstance(outcome, Exception):
                self._answer(ticket, outcome)
            else:
                self._watch.took("score", time.perf_counter() - ticket.started)
                self._answer(ticket)

    def _keep(self, piece: Piece, outcome: tuple[Sequence[Any], list[bool]]) -> bool:
        """Puts the scores where they belong; whether those were the last of the job."""
        job = piece.job
        for place, score, cut in zip(piece.places, *outcome, strict=True):
            job.scores[place], job.cut[place] = score, cut
        job.unscored -= len(piece.places)
        self._depth -= len(piece.places)
        return not job.unscored

    def _measure(self, pieces: Sequence[Piece], seconds: float) -> None:
        lengths = [piece.job.lengths[place] for piece in pieces for place in piece.places]
        pace = len(self._runners) * len(lengths) / max(seconds, 1e-6)
        with self._change:
            self._pace = pace if not self._pace else (1 - PACE_WEIGHT) * self._pace + PACE_WEIGHT * pace
        if not isinstance(self._work, SaysBatches):
            return
        together = self._work.batches(lengths)
        padded = sum(len(rows) * max(lengths[row] for row in rows) for rows in together)
        capacity = len(together) * self._work.rows
        self._watch.ran(Round(len(lengths), len(pieces), len(together), capacity, sum(lengths), padded, seconds))


def _resolve(future: asyncio.Future[None], error: BaseException | None) -> None:
    """Hands over; what would end the event loop, or can't be raised from a future, is the cause of a `ModelError`."""
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
