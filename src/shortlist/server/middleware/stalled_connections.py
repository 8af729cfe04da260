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


async def cut_stalled(
    connections: Collection[Connection], unread: float, unended: float, logger: logging.Logger
) -> None:
    """Check the connections again and again until cancelled, and cut the stalled ones.

    A connection is stalled if the number of bytes that wait to be sent stays the same for `unread` seconds, or if a
    request continues for `unended` seconds after its answer and no other request begins.
    """
    stalled: dict[Connection, tuple[int | Cycle, float]] = {}
    while True:
        await asyncio.sleep(min(unread / 4, unended / 4, 1.0))
        now = asyncio.get_running_loop().time()
        states = {connection: state for connection in list(connections) if (state := _state(connection))}
        stalled = {
            connection: stalled[connection]
            if connection in stalled and stalled[connection][0] == state
            else (state, now)
            for connection, state in states.items()
        }
        for connection, (state, since) in stalled.items():
            if now - since >= (unread if isinstance(state, int) else unended):
                event = "client does not read" if isinstance(state, int) else "client does not end its request"
                log_event(logger, event, seconds=round(now - since, 1))
                connection.transport.abort()


def _state(connection: Connection) -> int | Cycle | None:
    """Return what may be stalled: the number of unread bytes, or a request that continues after its answer."""
    if size := connection.transport.get_write_buffer_size():
        return size
    cycle = connection.cycle
    return cycle if cycle is not None and cycle.response_complete and cycle.more_body else None
