"""Clients that ask and do not read the answer."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection
from typing import Protocol

from shortlist.server.logs import say

UNREAD_SECONDS = 30.0
"""An answer of which the client takes nothing for so long is dropped with its connection."""


class Connected(Protocol):
    """What uvicorn keeps of a connection."""

    @property
    def transport(self) -> asyncio.Transport:
        """Where answers are written to."""


async def drop_unread(connections: Collection[Connected], seconds: float, logger: logging.Logger) -> None:
    """Looks at the connections again and again until it is cancelled, and cuts those that read nothing for `seconds`.

    A connection reads when the bytes that wait to be sent on it become fewer, or others.
    """
    stuck: dict[Connected, tuple[int, float]] = {}
    while True:
        await asyncio.sleep(min(seconds / 4, 1.0))
        now = asyncio.get_running_loop().time()
        sizes = {one: one.transport.get_write_buffer_size() for one in list(connections)}
        stuck = {
            one: stuck[one] if one in stuck and stuck[one][0] == size else (size, now)
            for one, size in sizes.items()
            if size
        }
        for one, (size, since) in stuck.items():
            if now - since >= seconds:
                say(logger, "client does not read", bytes=size, seconds=round(now - since, 1))
                one.transport.abort()
