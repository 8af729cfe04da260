"""The functions for operators of a server: health, readiness, metrics, and the layers around the routes."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

from fastapi import APIRouter, FastAPI, Request
from fastapi.responses import JSONResponse, Response
from starlette.types import ASGIApp

from shortlist.server.middleware.access_log import AccessLog
from shortlist.server.middleware.guard import Guard, GuardLimits, HeadAsGet, SecurityHeaders
from shortlist.server.middleware.hosts import HostGate
from shortlist.server.middleware.keys import KeyGate, Keys
from shortlist.server.middleware.logs import NAME
from shortlist.server.middleware.metrics import CONTENT_TYPE, Metrics
from shortlist.server.middleware.origins import cross_origin
from shortlist.server.middleware.tracing import TracedRequests
from shortlist.server.middleware.unpacking import UnpackedBodies

if TYPE_CHECKING:
    from opentelemetry.trace import Tracer

router = APIRouter()


@dataclass(slots=True)
class Operations:
    """The state of a running server.

    `hosts` are the accepted host names; an empty set accepts every name. Pages of `origins` may use the server. If
    `tracer` is None, there are no spans.
    `alive` returns whether the threads of the models are alive. `warm` is True after the models have warmed up.
    `stopping` is True after the signal to stop.
    """

    metrics: Metrics = field(default_factory=Metrics)
    keys: Keys = field(default_factory=lambda: Keys([]))
    hosts: frozenset[str] = frozenset()
    origins: tuple[str, ...] = ()
    limits: GuardLimits = field(default_factory=GuardLimits)
    logger: logging.Logger = field(default_factory=lambda: logging.getLogger(NAME))
    tracer: Tracer | None = None
    alive: Callable[[], bool] = lambda: True
    warm: bool = False
    stopping: bool = False

    @property
    def ready(self) -> bool:
        """Whether the models are warm, their threads are alive, and there was no signal to stop."""
        return self.warm and not self.stopping and self.alive()


def operated(app: FastAPI, operations: Operations) -> ASGIApp:
    """Return the application with API keys, limits, metrics, a log, traces, and three more routes."""
    app.state.operations = operations
    app.include_router(router)
    guard = Guard(HeadAsGet(app), operations.limits)
    metrics = operations.metrics
    metrics.gauge("requests_in_flight", "Requests that are not answered yet.", lambda: guard.requests)
    metrics.gauge(
        "body_bytes_in_flight", "Bytes of the bodies and unsent answers of these requests.", lambda: guard.body_bytes
    )
    metrics.gauge("ready", "1 if the server is ready.", lambda: float(operations.ready))
    gated = cross_origin(KeyGate(UnpackedBodies(guard), operations.keys), operations.origins)
    layers: ASGIApp = HostGate(gated, operations.hosts)
    if operations.tracer is not None:
        layers = TracedRequests(layers, operations.tracer)
    return SecurityHeaders(AccessLog(layers, metrics, operations.logger, [*app.state.routes, *router.routes]))


def _operations_of(request: Request) -> Operations:
    return cast("Operations", request.app.state.operations)


@router.get("/health")
async def health(request: Request) -> JSONResponse:
    """Answer 200 while the process can work, and 503 if it must be started again."""
    alive = _operations_of(request).alive()
    return JSONResponse({"status": "ok" if alive else "the model's thread has ended"}, 200 if alive else 503)


@router.get("/ready")
async def ready(request: Request) -> JSONResponse:
    """Answer 200 if the server is ready, and 503 before the models are warm and after the signal to stop."""
    is_ready = _operations_of(request).ready
    return JSONResponse({"status": "ready" if is_ready else "not ready"}, 200 if is_ready else 503)


@router.get("/metrics")
async def metrics(request: Request) -> Response:
    """Answer with the numbers in the Prometheus format."""
    return Response(_operations_of(request).metrics.text(), headers={"Content-Type": CONTENT_TYPE})
