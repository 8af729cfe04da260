"""A server from its first signal to its last."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Callable, Collection
from dataclasses import dataclass
from types import FrameType
from typing import cast

import uvicorn
from fastapi import FastAPI
from starlette.concurrency import run_in_threadpool

from shortlist.encoders.hashed import HashedEncoder
from shortlist.protocols import Encoder
from shortlist.rerankers.vendors import is_hosted
from shortlist.server.batching.scorer import Scorer
from shortlist.server.components import Parts
from shortlist.server.middleware.logs import say
from shortlist.server.middleware.stalled_connections import UNENDED_SECONDS, UNREAD_SECONDS, Connected, drop_stuck
from shortlist.server.operations import Operations, operated

WARM_LENGTHS = (4, 16, 48, 120, 400)
"""Words of the passages that warm a model up: the runtimes plan anew for each length that they have not seen."""

IDLE_SECONDS = 75
"""An idle connection is kept longer than clients and proxies keep theirs, so that it is they who close it: the other
way round a request may be on its way when the server hangs up."""


STOP_SECONDS = 120
"""What is not answered so long after the server was told to stop is given up."""


@dataclass(frozen=True, slots=True)
class Listening:
    """Where to listen, and how many seconds to go on answering with `/ready` at 503 once told to stop."""

    host: str = "127.0.0.1"
    port: int = 8800
    drain: float = 0.0
    backlog: int = 2048


def run(app: FastAPI, operations: Operations, listening: Listening, close: Callable[[], None]) -> None:
    """Serves until SIGTERM or SIGINT: then answers what was accepted, calls `close`, and comes back by that signal."""
    app.router.lifespan_context = lifespan_of(app.state.parts, operations, close)
    config = uvicorn.Config(
        operated(app, operations),
        host=listening.host,
        port=listening.port,
        backlog=listening.backlog,
        log_config=None,
        access_log=False,
        timeout_keep_alive=IDLE_SECONDS,
        server_header=False,
        proxy_headers=False,
        ws="none",
        lifespan="on",
        timeout_graceful_shutdown=STOP_SECONDS,
    )
    Draining(config, operations, listening.drain).run()


class Draining(uvicorn.Server):
    """A server that is first unready for a while when told to stop, so that a proxy sends it nothing more."""

    def __init__(
        self,
        config: uvicorn.Config,
        operations: Operations,
        seconds: float,
        unread: float = UNREAD_SECONDS,
        unended: float = UNENDED_SECONDS,
    ) -> None:
        super().__init__(config)
        self._operations, self._seconds, self._stuck = operations, seconds, (unread, unended)
        self._told = False

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listens, and from then on cuts connections that are stuck."""
        await super().startup(sockets)
        connections = cast("Collection[Connected]", self.server_state.connections)
        self._dropping = asyncio.ensure_future(drop_stuck(connections, *self._stuck, self._operations.logger))

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Goes on cutting them while it waits for the others."""
        try:
            await super().shutdown(sockets)
        finally:
            self._dropping.cancel()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Called on SIGTERM and SIGINT; the second one does not wait."""
        self._operations.stopping = True
        if self._told or not self._seconds:
            super().handle_exit(sig, frame)
            return
        self._told = True
        loop = asyncio.get_running_loop()
        loop.call_soon_threadsafe(loop.call_later, self._seconds, super().handle_exit, sig, frame)


def lifespan_of(
    parts: Parts, operations: Operations, close: Callable[[], None]
) -> Callable[[FastAPI], contextlib.AbstractAsyncContextManager[None]]:
    """What runs around the requests: the models warm up at its start, and `close` is called at its end."""

    @contextlib.asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        warming = asyncio.ensure_future(_warm(parts, operations))
        yield
        operations.stopping = True
        warming.cancel()
        say(operations.logger, "closing")
        await run_in_threadpool(close)
        say(operations.logger, "closed")

    return lifespan


async def _warm(parts: Parts, operations: Operations) -> None:
    loop = asyncio.get_running_loop()
    began = loop.time()
    try:
        await warm_up(parts.scorer, parts.encoder)
    except Exception:
        operations.logger.exception("the models could not be warmed up, so the server stays unready")
        return
    operations.warm = True
    say(operations.logger, "warm", seconds=round(loop.time() - began, 3))


async def warm_up(scorer: Scorer | None, encoder: Encoder | None) -> None:
    """Runs each model on texts of several lengths, so that the first request pays for none of it.

    A hosted reranker is not asked: it is warm, or another's to warm, and each call may be paid for.
    """
    own = scorer is not None and not is_hosted(scorer.name)
    for words in WARM_LENGTHS:
        texts = ["warm " * words] * 16
        if scorer is not None and own:
            await scorer.score("warm up", texts)
        if encoder is not None and not isinstance(encoder, HashedEncoder):
            await run_in_threadpool(encoder.encode_queries, texts)
