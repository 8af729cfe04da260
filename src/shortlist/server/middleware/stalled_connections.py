"""Clients that ask and do not read the answer, or have it and do not end their request."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection
from typing import Protocol

from shortlist.server.middleware.logs import say

UNREAD_SECONDS = 30.0
"""An answer of which the client takes nothing for so long is dropped with its connection."""


UNENDED_SECONDS = 75.0
"""An answer given before its request had come whole, such as a refusal: so long the client may go on sending it."""


class Cycle(Protocol):
    """What uvicorn keeps of a request."""

    response_complete: bool
    more_body: bool


class Connected(Protocol):
    """What uvicorn keeps of a connection."""

    @property
    def transport(self) -> asyncio.Transport:
        """Where answers are written to."""

    @property
    def cycle(self) -> Cycle | None:
        """The newest request."""


async def drop_stuck(connections: Collection[Connected], unread: float, unended: float, logger: logging.Logger) -> None:
    """Looks at the connections again and again until it is cancelled, and cuts those that are stuck.

    They are where nothing of an answer is read for `unread` seconds: the bytes that wait to be sent become neither
    fewer nor others. And where a request that is answered goes on for `unended` seconds and no other one begins.
    """
    stuck: dict[Connected, tuple[int | Cycle, float]] = {}
    while True:
        await asyncio.sleep(min(unread / 4, unended / 4, 1.0))
        now = asyncio.get_running_loop().time()
        found = {one: where for one in list(connections) if (where := _where(one))}
        stuck = {
            one: stuck[one] if one in stuck and stuck[one][0] == where else (where, now) for one, where in found.items()
        }
        for one, (where, since) in stuck.items():
            if now - since >= (unread if isinstance(where, int) else unended):
                event = "client does not read" if isinstance(where, int) else "client does not end its request"
                say(logger, event, seconds=round(now - since, 1))
                one.transport.abort()


def _where(one: Connected) -> int | Cycle | None:
    """At what a connection may be stuck: bytes not read, or a request that goes on after its answer."""
    if size := one.transport.get_write_buffer_size():
        return size
    cycle = one.cycle
    return cycle if cycle is not None and cycle.response_complete and cycle.more_body else None
