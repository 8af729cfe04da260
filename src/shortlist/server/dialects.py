"""The error body and the status codes of each dialect."""

from __future__ import annotations

import math
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from fastapi import Request
from fastapi.responses import Response

from shortlist.server.answers import Json
from shortlist.server.problems import Kind, Problem

CODES: Mapping[Kind, int] = {
    Kind.MALFORMED: 400,
    Kind.UNKNOWN_FIELD: 422,
    Kind.INVALID: 422,
    Kind.EMPTY: 400,
    Kind.TOO_MANY: 422,
    Kind.TOO_LONG: 422,
    Kind.TOO_LARGE: 413,
    Kind.UNSUPPORTED: 415,
    Kind.UNAUTHORIZED: 401,
    Kind.FORBIDDEN: 403,
    Kind.MISDIRECTED: 421,
    Kind.NO_MODEL: 404,
    Kind.NOT_FOUND: 404,
    Kind.NOT_FITTED: 422,
    Kind.WRONG_METHOD: 405,
    Kind.OVERLOADED: 429,
    Kind.UNAVAILABLE: 503,
    Kind.UPSTREAM: 502,
    Kind.FAILED: 500,
}
"""The status codes of a dialect without status codes of its own."""


@dataclass(frozen=True, slots=True)
class Dialect:
    """How a dialect reports errors: `body` makes the body of a problem, and `codes` replace some of `CODES`."""

    name: str
    body: Callable[[Problem, int], dict[str, Any]]
    codes: Mapping[Kind, int] = field(default_factory=dict)

    def response(self, problem: Problem) -> Response:
        """Return the problem in this dialect."""
        code = {**CODES, **self.codes}[problem.kind]
        headers = {}
        if problem.retry_after is not None:
            headers["Retry-After"] = str(max(1, math.ceil(problem.retry_after)))
        if problem.kind is Kind.UNAUTHORIZED:
            headers["WWW-Authenticate"] = "Bearer"
        return Json(self.body(problem, code), code, headers)


def _cohere(problem: Problem, code: int) -> dict[str, Any]:
    return {"id": str(uuid.uuid4()), "message": problem.message}


def _jina(problem: Problem, code: int) -> dict[str, Any]:
    return {"detail": problem.message, "message": problem.message}  # clients of Cohere v1 read "message"


def _detail(problem: Problem, code: int) -> dict[str, Any]:
    return {"detail": problem.message}


def _tei(problem: Problem, code: int) -> dict[str, Any]:
    kinds = {
        Kind.EMPTY: "Empty",
        Kind.TOO_LONG: "Tokenizer",
        Kind.OVERLOADED: "Overloaded",
        Kind.UNAVAILABLE: "Unhealthy",
        Kind.UPSTREAM: "Backend",
        Kind.FAILED: "Backend",
    }
    return {"error": problem.message, "error_type": kinds.get(problem.kind, "Validation")}


def _openai(problem: Problem, code: int) -> dict[str, Any]:
    kinds = {401: "authentication_error", 404: "not_found_error", 429: "rate_limit_error"}
    kind = kinds.get(code, "server_error" if code >= 500 else "invalid_request_error")
    name = "model_not_found" if problem.kind is Kind.NO_MODEL else problem.kind.value
    return {"error": {"message": problem.message, "type": kind, "param": problem.field or None, "code": name}}


def _ollama(problem: Problem, code: int) -> dict[str, Any]:
    return {"error": problem.message}


def _plain(problem: Problem, code: int) -> dict[str, Any]:
    return {"error": problem.kind.value, "message": problem.message, "field": problem.field or None}


ALL_400 = dict.fromkeys((Kind.UNKNOWN_FIELD, Kind.INVALID, Kind.TOO_MANY, Kind.TOO_LONG), 400)

COHERE = Dialect("cohere", _cohere, {Kind.INVALID: 400, Kind.TOO_MANY: 400, Kind.TOO_LONG: 400})
JINA = Dialect("jina", _jina)
VOYAGE = Dialect("voyage", _detail, {**ALL_400, Kind.NO_MODEL: 400})
TEI = Dialect("tei", _tei, {Kind.MALFORMED: 422, Kind.FAILED: 424})
INFINITY = Dialect("infinity", _openai, {Kind.EMPTY: 422})
OPENAI = Dialect("openai", _openai, ALL_400)
OLLAMA = Dialect("ollama", _ollama, ALL_400)
PLAIN = Dialect("shortlist", _plain)

BY_PATH: Mapping[str, Dialect] = {
    "/v2/rerank": COHERE,
    "/v1/rerank": JINA,
    "/rerank": TEI,
    "/voyage/v1/rerank": VOYAGE,
    "/voyage/v1/embeddings": VOYAGE,
    "/v2/embed": COHERE,
    "/v1/score": OPENAI,
    "/score": OPENAI,
    "/api/embed": OLLAMA,
    "/api/embeddings": OLLAMA,
    "/v1/embeddings": OPENAI,
    "/v1/models": OPENAI,
    "/info": TEI,
    "/embed": TEI,
    "/predict": TEI,
    "/similarity": TEI,
}


def set_dialect(request: Request, dialect: Dialect) -> None:
    """Report the errors of this request in `dialect` from now on, for a route that reads its dialect from the body."""
    request.state.dialect = dialect


def dialect_of(request: Request) -> Dialect:
    """Return the dialect of the request: from `set_dialect`, else from its path, else the plain dialect."""
    dialect = getattr(request.state, "dialect", None)
    if isinstance(dialect, Dialect):
        return dialect
    path = request.url.path.rstrip("/")
    return OPENAI if path.startswith("/v1/models/") else BY_PATH.get(path, PLAIN)


def error_response(request: Request, problem: Problem) -> Response:
    """Return the problem in the dialect of the request."""
    return dialect_of(request).response(problem)
