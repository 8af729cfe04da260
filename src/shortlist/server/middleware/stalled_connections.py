"""Connections of clients that do not read their answer, or do not end their request."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection
from typing import Protocol

from shortlist.server.middleware.logs import log_event

UNREAD_SECONDS = 30.0
"""A connection is cut if its client reads nothing of an answer for this long."""


UNENDED_SECONDS = 75.0
"""A client may continue to send a request for this long after its answer, such as a refusal."""


class Cycle(Protocol):
    """The state of a request inside uvicorn."""

    response_complete: bool
    more_body: bool


class Connection(Protocol):
    """The state of a connection inside uvicorn."""

    @property
    def transport(self) -> asyncio.Transport:
        """The transport that answers are written to."""

    @property
    def cycle(self) -> Cycle | None:
        """The newest request."""


class StallDetector:
    """Finds stalled connections.

    A connection is stalled if the number of bytes that wait to be sent stays the same for `unread` seconds, or if a
    request continues for `unended` seconds after its answer and no other request begins.
    """

    def __init__(self, unread: float, unended: float) -> None:
        self._unread, self._unended = unread, unended
        self._since: dict[Connection, tuple[int | Cycle, float]] = {}

    @property
    def interval(self) -> float:
        """The seconds between two calls of `stalled`."""
        return min(self._unread / 4, self._unended / 4, 1.0)

    def stalled(self, connections: Collection[Connection], now: float) -> list[tuple[Connection, str]]:
        """Return the stalled connections, each with the event to log. `now` is in seconds and rises between calls."""
        before, self._since = self._since, {}
        stalled = []
        for connection in list(connections):
            state = _state(connection)
            if not state:
                continue
            old_state, since = before.get(connection, (state, now))
            since = since if old_state == state else now
            self._since[connection] = (state, since)
            if now - since >= (self._unread if isinstance(state, int) else self._unended):
                event = "client does not read" if isinstance(state, int) else "client does not end its request"
                stalled.append((connection, event))
        return stalled


async def cut_stalled(connections: Collection[Connection], detector: StallDetector, logger: logging.Logger) -> None:
    """Check the connections again and again until cancelled, and cut the stalled ones."""
    while True:
        await asyncio.sleep(detector.interval)
        for connection, event in detector.stalled(connections, asyncio.get_running_loop().time()):
            log_event(logger, event)
            connection.transport.abort()


def _state(connection: Connection) -> int | Cycle | None:
    """Return what may be stalled: the number of unread bytes, or a request that continues after its answer."""
    if size := connection.transport.get_write_buffer_size():
        return size
    cycle = connection.cycle
    return cycle if cycle is not None and cycle.response_complete and cycle.more_body else None
