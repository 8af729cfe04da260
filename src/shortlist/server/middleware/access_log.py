"""A log line and the metrics of each request."""

from __future__ import annotations

import logging
import time
import uuid
from collections.abc import Iterable

from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shortlist.server.middleware.logs import log_event
from shortlist.server.middleware.metrics import Metrics

OTHER = "other"
METHODS = {"GET", "HEAD", "POST", "OPTIONS", "PUT", "DELETE"}
UNLOGGED = ("/health", "/ready", "/metrics")
"""Machines request these paths every few seconds: they are counted, but not logged."""


class AccessLog:
    """Writes one line for each request (no query string, header or body), and sends its id as `X-Request-Id`.

    A request counts for the first of `routes` that matches its path, even if a layer refuses the request before its
    route.
    """

    def __init__(self, app: ASGIApp, metrics: Metrics, logger: logging.Logger, routes: Iterable[BaseRoute]) -> None:
        self._app, self._metrics, self._logger = app, metrics, logger
        self._routes = [route for route in routes if isinstance(route, Route)]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run the layer as an ASGI application."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id, began, code = uuid.uuid4().hex[:16], time.perf_counter(), 0
        route = next((route for route in self._routes if route.path_regex.match(scope["path"])), None)
        path = OTHER if route is None else route.path  # a path that no route has may contain anything

        async def send_with_id(message: Message) -> None:
            nonlocal code
            if message["type"] == "http.response.start":
                code = message["status"]
                message = {**message, "headers": [*message["headers"], (b"x-request-id", request_id.encode())]}
            await send(message)

        try:
            await self._app({**scope, "route": route}, receive, send_with_id)
        finally:
            seconds = time.perf_counter() - began
            self._metrics.answered(path, code, seconds)
            if path not in UNLOGGED:
                method = scope["method"] if scope["method"] in METHODS else OTHER
                level = logging.ERROR if code >= 500 else logging.INFO
                event = "request" if code else "client left"
                log_event(self._logger, event, level, id=request_id, method=method, path=path, code=code,
                          seconds=round(seconds, 6))  # fmt: skip
