"""Each request as a log line and in the metrics."""

from __future__ import annotations

import logging
import time
import uuid

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shortlist.server.logs import say
from shortlist.server.metrics import Metrics

OTHER = "other"
QUIET = ("/health", "/ready", "/metrics")
"""Asked for every few seconds by machines: counted, and not logged."""


class Told:
    """Writes one line a request (no query string, no header, no body) and gives each an id, sent as `X-Request-Id`."""

    def __init__(self, app: ASGIApp, metrics: Metrics, logger: logging.Logger) -> None:
        self._app, self._metrics, self._logger = app, metrics, logger

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """An ASGI application."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        name, began, code = uuid.uuid4().hex[:16], time.perf_counter(), 0

        async def noting(message: Message) -> None:
            nonlocal code
            if message["type"] == "http.response.start":
                code = message["status"]
                message = {**message, "headers": [*message["headers"], (b"x-request-id", name.encode())]}
            await send(message)

        try:
            await self._app(scope, receive, noting)
        finally:
            seconds = time.perf_counter() - began
            path = _path(scope)
            self._metrics.answered(path, code, seconds)
            if path not in QUIET:
                level = logging.ERROR if code >= 500 else logging.INFO
                event = "request" if code else "client left"
                say(self._logger, event, level, id=name, method=_method(scope), path=path, code=code,
                    seconds=round(seconds, 6))  # fmt: skip


def _path(scope: Scope) -> str:
    """The path as its route declares it; what no route knows is not repeated."""
    route = scope.get("route")
    return str(getattr(route, "path", OTHER))


def _method(scope: Scope) -> str:
    return scope["method"] if scope["method"] in {"GET", "HEAD", "POST", "OPTIONS", "PUT", "DELETE"} else OTHER
