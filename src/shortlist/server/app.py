"""The server as an ASGI application."""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import AsyncIterator

from fastapi import FastAPI, Request
from fastapi.responses import Response
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException

from shortlist.errors import ShortlistError, StoreError
from shortlist.search.opened import Opened
from shortlist.search.search import Search
from shortlist.server.agents import add_agents, agents_of
from shortlist.server.build import assemble
from shortlist.server.components import Components
from shortlist.server.dialects import error_response
from shortlist.server.middleware.logs import log_event
from shortlist.server.middleware.unpacking import UnpackedBodies
from shortlist.server.problems import Kind, Problem, problem_of
from shortlist.server.routes import (
    cohere,
    cohere_embed,
    collections,
    embeddings,
    jina,
    models,
    ollama,
    page,
    rerank,
    search,
    tei,
    tei_pairs,
    tune_curve,
    vllm,
    voyage,
    why,
)

LOG = logging.getLogger(__name__)
ROUTES = (
    cohere,
    cohere_embed,
    jina,
    rerank,
    tei,
    tei_pairs,
    voyage,
    vllm,
    ollama,
    embeddings,
    models,
    search,
    collections,
    page,
    why,
    tune_curve,
)


def asgi(searched: Search | Opened, *, mcp: bool = False) -> FastAPI:
    """Return the application over a search, an open index or an open retriever: see `shortlist.asgi`."""
    components = assemble(searched)

    @contextlib.asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with agents_of(app):
            yield
        await run_in_threadpool(components.close)

    app = create_app(components, mcp=mcp)
    app.router.lifespan_context = lifespan
    return app


def create_app(components: Components, *, mcp: bool = False) -> FastAPI:
    """Return the routes over these components. The application does not open or close the components.

    Args:
        components: The parts of the server.
        mcp: Add the route of the tools for agents, which works within the context `agents.agents_of`.

    Raises:
        MissingExtra: `mcp` is set, and the SDK is not installed.
    """
    app = FastAPI(title="shortlist", docs_url=None, redoc_url=None, redirect_slashes=False)
    app.state.components = components
    app.state.started = int(time.time())
    app.state.routes = list(app.routes)
    for route in ROUTES:
        app.include_router(route.router)
        app.state.routes += route.router.routes
    if mcp:
        add_agents(app, components)
    app.add_middleware(UnpackedBodies)
    app.add_exception_handler(Problem, _problem)
    app.add_exception_handler(ShortlistError, _shortlist_error)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(Exception, _unexpected_error)
    return app


async def _problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, Problem)
    return error_response(request, error)


async def _shortlist_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, ShortlistError)
    problem = problem_of(error)
    if isinstance(error, StoreError) or problem.kind in (Kind.FAILED, Kind.UPSTREAM):
        log_event(LOG, "request failed", logging.ERROR, error, method=request.method, path=request.scope["route"].path)
    return error_response(request, problem)


async def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if error.status_code == 405:
        kind, message = Kind.WRONG_METHOD, f"{request.url.path} does not accept the method {request.method}"
    elif error.status_code == 404:
        kind, message = Kind.NOT_FOUND, f"there is nothing at {request.url.path}"
    else:
        kind, message = Kind.MALFORMED, str(error.detail)
    response = error_response(request, Problem(kind, message))
    response.headers.update(error.headers or {})
    return response


async def _unexpected_error(request: Request, error: Exception) -> Response:
    return error_response(request, Problem(Kind.FAILED, "the server failed: see its log"))
