"""The server as an ASGI application."""

from __future__ import annotations

import logging
import time

from fastapi import FastAPI, Request
from fastapi.responses import Response
from starlette.exceptions import HTTPException

from shortlist.errors import ShortlistError
from shortlist.server.components import Parts
from shortlist.server.dialects import refused
from shortlist.server.middleware.logs import say
from shortlist.server.problems import Kind, Problem, problem_of
from shortlist.server.routes import cohere, embeddings, jina, models, page, rerank, search, tei, voyage, why

__all__ = ["Parts", "create_app"]

LOG = logging.getLogger(__name__)


def create_app(parts: Parts) -> FastAPI:
    """The routes over these parts; nothing is opened or closed by it."""
    app = FastAPI(title="shortlist", docs_url=None, redoc_url=None, redirect_slashes=False)
    app.state.parts = parts
    app.state.started = int(time.time())
    app.state.routes = list(app.routes)
    for one in (cohere, jina, rerank, tei, voyage, embeddings, models, search, page, why):
        app.include_router(one.router)
        app.state.routes += one.router.routes
    app.add_exception_handler(Problem, _said)
    app.add_exception_handler(ShortlistError, _translated)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(Exception, _unforeseen)
    return app


async def _said(request: Request, error: Exception) -> Response:
    assert isinstance(error, Problem)
    return refused(request, error)


async def _translated(request: Request, error: Exception) -> Response:
    assert isinstance(error, ShortlistError)
    problem = problem_of(error)
    if problem.kind is Kind.FAILED:
        say(LOG, "request failed", logging.ERROR, error, method=request.method, path=request.scope["route"].path)
    return refused(request, problem)


async def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if error.status_code == 405:
        kind, message = Kind.WRONG_METHOD, f"{request.url.path} does not answer {request.method}"
    elif error.status_code == 404:
        kind, message = Kind.NOT_FOUND, f"there is nothing at {request.url.path}"
    else:
        kind, message = Kind.MALFORMED, str(error.detail)
    answer = refused(request, Problem(kind, message))
    answer.headers.update(error.headers or {})
    return answer


async def _unforeseen(request: Request, error: Exception) -> Response:
    return refused(request, Problem(Kind.FAILED, "the server failed: see its log"))
