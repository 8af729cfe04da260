"""The run of a server, from its start to its end."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import socket
from collections.abc import AsyncIterator, Callable, Collection
from types import FrameType
from typing import cast

import uvicorn
from fastapi import FastAPI
from starlette.concurrency import run_in_threadpool

from shortlist.encoders.hashed import HashedEncoder
from shortlist.errors import ShortlistError
from shortlist.protocols import Encoder
from shortlist.search.scores import info_of
from shortlist.server.agents import agents_of
from shortlist.server.batching.scorer import Scorer
from shortlist.server.components import Components
from shortlist.server.middleware.logs import log_event
from shortlist.server.middleware.stalled_connections import (
    UNENDED_SECONDS,
    UNREAD_SECONDS,
    Connection,
    StallDetector,
    cut_stalled,
)
from shortlist.server.operations import Operations, operated
from shortlist.server.options import ServeOptions

WARM_UP_WORDS = (4, 16, 48, 120, 400)
"""The lengths of the passages that warm up a model. A runtime needs more time for the first text of a new length."""

IDLE_SECONDS = 75
"""The server keeps an idle connection longer than clients and proxies do, so the other side closes it. Otherwise a
request could be on its way when the server closes the connection."""

STOP_SECONDS = 120
"""The server waits this many seconds after the signal to stop. It then drops the requests without an answer."""

BACKLOG = 2048


UNUSABLE = {errno.EADDRINUSE: "is in use", errno.EACCES: "is not permitted"}
"""Errors of a port, in words. The web server reports the others."""


def check_address(host: str, port: int) -> None:
    """Check that the server can listen on the address, before the models load.

    Raises:
        ShortlistError: Another program listens on the port, or this process may not use the port.
    """
    try:
        addresses = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except OSError:
        return
    for family, kind, protocol, _, address in addresses:
        try:
            with socket.socket(family, kind, protocol) as listener:
                if os.name == "posix":
                    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                if family == socket.AF_INET6:
                    listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
                listener.bind(address)
        except OSError as error:
            if error.errno in UNUSABLE:
                raise ShortlistError(
                    f"port {port} of {host} {UNUSABLE[error.errno]}: use another port (--port)"
                ) from error


def run(app: FastAPI, operations: Operations, options: ServeOptions, close: Callable[[], None]) -> None:
    """Serve until SIGTERM or SIGINT. Then answer the accepted requests, call `close`, and end by that signal.

    Raises:
        ShortlistError: The server cannot listen on the address.
    """
    app.router.lifespan_context = lifespan_of(app.state.components, operations, close)
    config = uvicorn.Config(
        operated(app, operations),
        host=options.host,
        port=options.port,
        backlog=BACKLOG,
        log_config=None,
        access_log=False,
        timeout_keep_alive=IDLE_SECONDS,
        server_header=False,
        proxy_headers=False,
        ws="none",
        lifespan="on",
        timeout_graceful_shutdown=STOP_SECONDS,
    )
    try:
        Draining(config, operations, options.drain).run()
    except SystemExit as error:
        raise ShortlistError("the server cannot listen: the log has the reason") from error


class Draining(uvicorn.Server):
    """A web server that is unready for `seconds` after the signal to stop, so that a proxy sends no new requests."""

    def __init__(
        self,
        config: uvicorn.Config,
        operations: Operations,
        seconds: float,
        unread: float = UNREAD_SECONDS,
        unended: float = UNENDED_SECONDS,
    ) -> None:
        super().__init__(config)
        self._operations, self._seconds = operations, seconds
        self._stalls = StallDetector(unread, unended)
        self._stop_requested = False

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen, and cut stalled connections from now on."""
        await super().startup(sockets)
        connections = cast("Collection[Connection]", self.server_state.connections)
        self._cutting = asyncio.ensure_future(cut_stalled(connections, self._stalls, self._operations.logger))

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Wait for the open connections, and cut the stalled ones meanwhile."""
        try:
            await super().shutdown(sockets)
        finally:
            self._cutting.cancel()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Handle SIGTERM and SIGINT. A second signal stops the server at once."""
        self._operations.stopping = True
        if self._stop_requested or not self._seconds:
            super().handle_exit(sig, frame)
            return
        self._stop_requested = True
        loop = asyncio.get_running_loop()
        loop.call_soon_threadsafe(loop.call_later, self._seconds, super().handle_exit, sig, frame)


def lifespan_of(
    components: Components, operations: Operations, close: Callable[[], None]
) -> Callable[[FastAPI], contextlib.AbstractAsyncContextManager[None]]:
    """Return the lifespan of the application: the models warm up at its start, and `close` is called at its end."""

    @contextlib.asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        warming = asyncio.ensure_future(_warm(components, operations))
        async with agents_of(app):
            yield
        operations.stopping = True
        warming.cancel()
        log_event(operations.logger, "closing")
        await run_in_threadpool(close)
        log_event(operations.logger, "closed")

    return lifespan


async def _warm(components: Components, operations: Operations) -> None:
    loop = asyncio.get_running_loop()
    began = loop.time()
    try:
        await warm_up(components.scorer, components.encoder)
    except Exception:
        operations.logger.exception("the models could not be warmed up, so the server stays unready")
        return
    operations.warm = True
    log_event(operations.logger, "warm", seconds=round(loop.time() - began, 3))


async def warm_up(scorer: Scorer | None, encoder: Encoder | None) -> None:
    """Run each model on texts of several lengths, so that the first request is not slower than others.

    A reranker on another machine is not called, because each call may cost money.
    """
    local = scorer is not None and not info_of(scorer.reranker).remote
    for words in WARM_UP_WORDS:
        texts = ["warm " * words] * 16
        if scorer is not None and local:
            await scorer.score("warm up", texts)
        if encoder is not None and not isinstance(encoder, HashedEncoder):
            await run_in_threadpool(encoder.encode_queries, texts)
