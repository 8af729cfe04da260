"""What an operator sees of a server: health, readiness, metrics, and the layers around the routes."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

from fastapi import APIRouter, FastAPI, Request
from fastapi.responses import JSONResponse, Response
from starlette.types import ASGIApp

from shortlist.server.middleware.access_log import Told
from shortlist.server.middleware.guard import Guard, GuardLimits, HeadsAsGets, SecurityHeaders
from shortlist.server.middleware.hosts import HostGate
from shortlist.server.middleware.keys import KeyGate, Keys
from shortlist.server.middleware.logs import NAME
from shortlist.server.middleware.metrics import CONTENT_TYPE, Metrics
from shortlist.server.middleware.tracing import TracedRequests

if TYPE_CHECKING:
    from opentelemetry.trace import Tracer

router = APIRouter()


@dataclass(slots=True)
class Operations:
    """How a server is run. `warm` says whether the models are, `stopping` whether it was told to stop.

    `hosts` are the names it answers to, none for any. `well` says whether the models' threads are alive. `tracer` None
    makes no spans.
    """

    metrics: Metrics = field(default_factory=Metrics)
    keys: Keys = field(default_factory=lambda: Keys([]))
    hosts: frozenset[str] = frozenset()
    limits: GuardLimits = field(default_factory=GuardLimits)
    logger: logging.Logger = field(default_factory=lambda: logging.getLogger(NAME))
    tracer: Tracer | None = None
    well: Callable[[], bool] = lambda: True
    warm: bool = False
    stopping: bool = False

    @property
    def ready(self) -> bool:
        """Whether requests are welcome: the models are warm and alive, and nobody told it to stop."""
        return self.warm and not self.stopping and self.well()


def operated(app: FastAPI, operations: Operations) -> ASGIApp:
    """The application behind keys and limits, with its requests counted, logged and traced; adds three routes."""
    app.state.operations = operations
    app.include_router(router)
    guard = Guard(HeadsAsGets(app), operations.limits)
    metrics = operations.metrics
    metrics.gauge("requests_in_flight", "Requests being answered.", lambda: guard.requests)
    metrics.gauge("body_bytes_in_flight", "Bytes of their bodies and unsent answers.", lambda: guard.body_bytes)
    metrics.gauge("ready", "1 when requests are welcome.", lambda: float(operations.ready))
    layers: ASGIApp = HostGate(KeyGate(guard, operations.keys), operations.hosts)
    if operations.tracer is not None:
        layers = TracedRequests(layers, operations.tracer)
    return SecurityHeaders(Told(layers, metrics, operations.logger, [*app.state.routes, *router.routes]))


def _of(request: Request) -> Operations:
    return cast("Operations", request.app.state.operations)


@router.get("/health")
async def health(request: Request) -> JSONResponse:
    """200 while the process can do its work, 503 when it has to be started again."""
    well = _of(request).well()
    return JSONResponse({"status": "ok" if well else "the model's thread has ended"}, 200 if well else 503)


@router.get("/ready")
async def ready(request: Request) -> JSONResponse:
    """200 when requests are welcome; 503 before the models are warm and once the server was told to stop."""
    good = _of(request).ready
    return JSONResponse({"status": "ready" if good else "not ready"}, 200 if good else 503)


@router.get("/metrics")
async def metrics(request: Request) -> Response:
    """The numbers in Prometheus form."""
    return Response(_of(request).metrics.text(), headers={"Content-Type": CONTENT_TYPE})
