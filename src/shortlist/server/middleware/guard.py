"""What stands between a client and the routes: clients that leave, bodies that don't end, and too much at a time."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import anyio
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shortlist.server.dialects import refused
from shortlist.server.problems import Kind, Problem

RETRY_AFTER = 1.0
PART_BYTES = 64 * 1024
"""An answer goes out in parts of this size: the server waits with the next one until the client has read."""
FREE = ("/health", "/ready", "/metrics")
"""Routes that answer however much is going on."""


@dataclass(frozen=True, slots=True)
class GuardLimits:
    """`requests` and `body_bytes` (bodies, and answers not sent yet) bound what is in flight at a time.

    `body_seconds` bounds how long a body may take.
    """

    requests: int = 1024
    body_bytes: int = 256 * 1024 * 1024
    body_seconds: float = 30.0


class Guard:
    """Refuses what goes over the limits with an error in the dialect of the path, and cancels what nobody waits for.

    A request whose client is gone is cancelled once its body was read, wherever it stands; what it had waiting in a
    queue leaves with it. It counts until the thread that works on it, if there is one, has come back.
    """

    def __init__(self, app: ASGIApp, limits: GuardLimits | None = None) -> None:
        self._app, self._limits = app, limits or GuardLimits()
        self.requests = 0
        self.body_bytes = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """An ASGI application."""
        if scope["type"] != "http" or scope["path"] in FREE:
            await self._app(scope, receive, send)
            return
        if self.requests >= self._limits.requests:
            said = f"{self.requests} requests are being answered, as many as this server takes: come again"
            await refused(Request(scope), Problem(Kind.OVERLOADED, said, retry_after=RETRY_AFTER))(scope, receive, send)
            return
        self.requests += 1
        one = _Watched(self, receive, send)
        try:
            await self._answer(scope, one)
        finally:
            self.requests -= 1
            self.body_bytes -= one.held

    async def _answer(self, scope: Scope, one: _Watched) -> None:
        cancel = anyio.CancelScope()
        work = asyncio.ensure_future(self._run(scope, one, cancel))
        leaving = asyncio.ensure_future(one.left())
        try:
            await asyncio.wait({work, leaving}, return_when=asyncio.FIRST_COMPLETED)
            if not work.done() and not one.answered:
                one.gone = True
                cancel.cancel()
            await asyncio.wait({work})
        except asyncio.CancelledError:
            work.cancel()
            raise
        finally:
            leaving.cancel()
        failed = None if work.cancelled() else work.exception()
        if failed is not None and not one.gone:
            raise failed

    async def _run(self, scope: Scope, one: _Watched, cancel: anyio.CancelScope) -> None:
        """A scope of anyio's waits for threads that the request has running; `Task.cancel` would leave them behind."""
        with cancel:
            await self._app(scope, one.receive, one.send)

    def admit(self, size: int) -> None:
        """Counts the bytes of a body.

        Raises:
            Problem: All bodies and unsent answers in flight together are larger than is allowed.
        """
        if self.body_bytes + size > self._limits.body_bytes:
            said = "the requests being answered hold as many bytes as this server takes: come again"
            raise Problem(Kind.OVERLOADED, said, retry_after=RETRY_AFTER)
        self.body_bytes += size

    @property
    def body_seconds(self) -> float:
        """How long a body may take to come."""
        return self._limits.body_seconds


class _Watched:
    """One request's `receive` and `send`, with an eye on the body and on the client."""

    def __init__(self, guard: Guard, receive: Receive, send: Send) -> None:
        self._guard, self._receive, self._send = guard, receive, send
        self._came = asyncio.Event()
        self._deadline = asyncio.get_running_loop().time() + guard.body_seconds
        self.held = 0
        self.answered = False
        self.gone = False

    async def receive(self) -> Message:
        if self._came.is_set():
            return await self._receive()
        left = self._deadline - asyncio.get_running_loop().time()
        try:
            message = await asyncio.wait_for(self._receive(), left)
        except asyncio.TimeoutError as error:
            said = f"the body did not come within {self._guard.body_seconds:g} s"
            raise Problem(Kind.MALFORMED, said) from error
        self.gone = message["type"] == "http.disconnect"
        body = message.get("body", b"")
        self._guard.admit(len(body))
        self.held += len(body)
        if not message.get("more_body", False):
            self._came.set()
        return message

    async def send(self, message: Message) -> None:
        if self.gone:
            return
        if message["type"] != "http.response.body":
            await self._send(message)
            return
        body, more = message.get("body", b""), message.get("more_body", False)
        self._guard.body_bytes += len(body)
        self.held += len(body)
        for start in range(0, len(body) or 1, PART_BYTES):
            last = start + PART_BYTES >= len(body)
            self.answered = last and not more
            await self._send({**message, "body": body[start : start + PART_BYTES], "more_body": more or not last})
        self._guard.body_bytes -= len(body)
        self.held -= len(body)

    async def left(self) -> None:
        """Comes back when the body has come and the client is gone."""
        await self._came.wait()
        while (await self._receive())["type"] != "http.disconnect":
            pass


class HeadsAsGets:
    """Has a HEAD answered as the GET that it stands for; the server that sends it leaves the body out."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """An ASGI application."""
        await self._app({**scope, "method": "GET"} if scope.get("method") == "HEAD" else scope, receive, send)


class SecurityHeaders:
    """Adds what browsers should know to every answer that does not say it itself. No cross-origin use is allowed."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """An ASGI application."""

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                held = {name.lower() for name, _ in message["headers"]}
                more = [(name, value) for name, value in HEADERS if name not in held]
                message = {**message, "headers": [*message["headers"], *more]}
            await send(message)

        await self._app(scope, receive, with_headers if scope["type"] == "http" else send)


HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"cache-control", b"no-store"),
)
