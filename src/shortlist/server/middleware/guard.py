"""Protection of the routes from clients that leave, bodies that do not end, and too much work at the same time."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import anyio
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shortlist.server.dialects import error_response
from shortlist.server.problems import Kind, Problem

RETRY_AFTER = 1.0
PART_BYTES = 64 * 1024
"""The size of the parts of an answer: the server sends the next part when the client has read the one before."""
UNLIMITED = ("/health", "/ready", "/metrics")
"""The routes that answer under any load."""


@dataclass(frozen=True, slots=True)
class GuardLimits:
    """The limits of what is in flight: the number of `requests`, and the `body_bytes` of bodies and unsent answers.

    `body_seconds` limits how long a body may take to arrive.
    """

    requests: int = 1024
    body_bytes: int = 256 * 1024 * 1024
    body_seconds: float = 30.0


class Guard:
    """Refuses requests beyond the limits, in the dialect of their path, and cancels requests whose client left.

    A request whose client left is cancelled after its body was read, and its pairs leave their queue. The request
    counts until the thread that works on it, if there is one, has returned.
    """

    def __init__(self, app: ASGIApp, limits: GuardLimits | None = None) -> None:
        self._app, self._limits = app, limits or GuardLimits()
        self.requests = 0
        self.body_bytes = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run the layer as an ASGI application."""
        if scope["type"] != "http" or scope["path"] in UNLIMITED:
            await self._app(scope, receive, send)
            return
        if self.requests >= self._limits.requests:
            message = f"{self.requests} requests are in flight, the limit of this server: try again"
            problem = Problem(Kind.OVERLOADED, message, retry_after=RETRY_AFTER)
            await error_response(Request(scope), problem)(scope, receive, send)
            return
        self.requests += 1
        exchange = _Exchange(self, receive, send)
        try:
            await self._answer(scope, exchange)
        finally:
            self.requests -= 1
            self.body_bytes -= exchange.bytes

    async def _answer(self, scope: Scope, exchange: _Exchange) -> None:
        cancel = anyio.CancelScope()
        work = asyncio.ensure_future(self._run(scope, exchange, cancel))
        leaving = asyncio.ensure_future(exchange.client_left())
        try:
            await asyncio.wait({work, leaving}, return_when=asyncio.FIRST_COMPLETED)
            if not work.done() and not exchange.answered:
                exchange.gone = True
                cancel.cancel()
            await asyncio.wait({work})
        except asyncio.CancelledError:
            work.cancel()
            raise
        finally:
            leaving.cancel()
        failure = None if work.cancelled() else work.exception()
        if failure is not None and not exchange.gone:
            raise failure

    async def _run(self, scope: Scope, exchange: _Exchange, cancel: anyio.CancelScope) -> None:
        """Run the application. A cancel scope waits for the threads of the request; `Task.cancel` would not."""
        with cancel:
            await self._app(scope, exchange.receive, exchange.send)

    def admit(self, size: int) -> None:
        """Count the bytes of a body.

        Raises:
            Problem: All bodies and unsent answers in flight are together larger than the limit.
        """
        if self.body_bytes + size > self._limits.body_bytes:
            message = "the requests in flight hold as many bytes as this server allows: try again"
            raise Problem(Kind.OVERLOADED, message, retry_after=RETRY_AFTER)
        self.body_bytes += size

    @property
    def body_seconds(self) -> float:
        """The seconds that a body may take to arrive."""
        return self._limits.body_seconds


class _Exchange:
    """The `receive` and `send` of one request. They count its bytes, and detect that the client left."""

    def __init__(self, guard: Guard, receive: Receive, send: Send) -> None:
        self._guard, self._receive, self._send = guard, receive, send
        self._body_read = asyncio.Event()
        self._deadline = asyncio.get_running_loop().time() + guard.body_seconds
        self.bytes = 0
        self.answered = False
        self.gone = False

    async def receive(self) -> Message:
        if self._body_read.is_set():
            return await self._receive()
        left = self._deadline - asyncio.get_running_loop().time()
        try:
            message = await asyncio.wait_for(self._receive(), left)
        except asyncio.TimeoutError as error:
            text = f"the body did not arrive within {self._guard.body_seconds:g} s"
            raise Problem(Kind.MALFORMED, text) from error
        self.gone = message["type"] == "http.disconnect"
        body = message.get("body", b"")
        self._guard.admit(len(body))
        self.bytes += len(body)
        if not message.get("more_body", False):
            self._body_read.set()
        return message

    async def send(self, message: Message) -> None:
        if self.gone:
            return
        if message["type"] != "http.response.body":
            await self._send(message)
            return
        body, more = message.get("body", b""), message.get("more_body", False)
        self._guard.body_bytes += len(body)
        self.bytes += len(body)
        for start in range(0, len(body) or 1, PART_BYTES):
            last = start + PART_BYTES >= len(body)
            self.answered = last and not more
            await self._send({**message, "body": body[start : start + PART_BYTES], "more_body": more or not last})
        self._guard.body_bytes -= len(body)
        self.bytes -= len(body)

    async def client_left(self) -> None:
        """Return when the body has arrived and the client has left."""
        await self._body_read.wait()
        while (await self._receive())["type"] != "http.disconnect":
            pass


class HeadAsGet:
    """Answers HEAD like GET. The web server leaves the body out."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run the layer as an ASGI application."""
        await self._app({**scope, "method": "GET"} if scope.get("method") == "HEAD" else scope, receive, send)


class SecurityHeaders:
    """Adds security headers to every answer that does not set them itself. Cross-origin use is not allowed."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run the layer as an ASGI application."""

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                present = {name.lower() for name, _ in message["headers"]}
                missing = [(name, value) for name, value in HEADERS if name not in present]
                message = {**message, "headers": [*message["headers"], *missing]}
            await send(message)

        await self._app(scope, receive, send_with_headers if scope["type"] == "http" else send)


HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"cache-control", b"no-store"),
)
