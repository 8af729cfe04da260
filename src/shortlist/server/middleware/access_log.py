"""Each request as a log line and in the metrics."""

from __future__ import annotations

import logging
import time
import uuid
from collections.abc import Iterable

from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shortlist.server.middleware.logs import say
from shortlist.server.middleware.metrics import Metrics

OTHER = "other"
QUIET = ("/health", "/ready", "/metrics")
"""Asked for every few seconds by machines: counted, and not logged."""


class Told:
    """Writes one line a request (no query string, no header, no body) and gives each an id, sent as `X-Request-Id`.

    A request counts for the first of `routes` with its path, also where it is refused before it gets there.
    """

    def __init__(self, app: ASGIApp, metrics: Metrics, logger: logging.Logger, routes: Iterable[BaseRoute]) -> None:
        self._app, self._metrics, self._logger = app, metrics, logger
        self._routes = [one for one in routes if isinstance(one, Route)]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """An ASGI application."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        name, began, code = uuid.uuid4().hex[:16], time.perf_counter(), 0
        route = next((one for one in self._routes if one.path_regex.match(scope["path"])), None)
        path = OTHER if route is None else route.path  # what no route knows is not repeated

        async def noting(message: Message) -> None:
            nonlocal code
            if message["type"] == "http.response.start":
                code = message["status"]
                message = {**message, "headers": [*message["headers"], (b"x-request-id", name.encode())]}
            await send(message)

        try:
            await self._app({**scope, "route": route}, receive, noting)
        finally:
            seconds = time.perf_counter() - began
            self._metrics.answered(path, code, seconds)
            if path not in QUIET:
                level = logging.ERROR if code >= 500 else logging.INFO
                event = "request" if code else "client left"
                say(self._logger, event, level, id=name, method=_method(scope), path=path, code=code,
                    seconds=round(seconds, 6))  # fmt: skip


def _method(scope: Scope) -> str:
    return scope["method"] if scope["method"] in {"GET", "HEAD", "POST", "OPTIONS", "PUT", "DELETE"} else OTHER
