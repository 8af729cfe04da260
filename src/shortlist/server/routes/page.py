"""`/`: the page that shows both stages, its files, and what it says of the server."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response

from shortlist.redaction import public_name
from shortlist.server.components import Parts, parts_of
from shortlist.server.problems import Kind, Problem
from shortlist.server.reranking import gives_logits

router = APIRouter()

FOLDER = Path(__file__).parent.parent / "page"
KINDS: Mapping[str, str] = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
PUBLIC = frozenset({"/", *(f"/page/{path.name}" for path in FOLDER.iterdir() if path.suffix in KINDS)})
"""What is served without an API key: the page and its files, which hold nothing of the index."""

HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "base-uri 'none'; form-action 'self'; frame-ancestors 'none'; "
        "require-trusted-types-for 'script'; trusted-types 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Cache-Control": "no-cache",
}
MOST_JUDGED = 200
"""Judged queries that the page offers."""


@router.get("/", include_in_schema=False)
async def page() -> Response:
    """The page."""
    return _file("index.html")


@router.get("/page/about", include_in_schema=False)
async def about(request: Request) -> JSONResponse:
    """What this server holds: its models, how many passages, the formula's weights, judged queries.

    `unit` says what the reranker gives: logits, or scores in a unit of its own. `pointwise` says whether a smaller
    pool's order can be read off a larger one's scores, `max_documents` how many passages a pool may hold.
    """
    return JSONResponse(_about(parts_of(request)), headers={"Cache-Control": "no-store"})


@router.get("/page/{name}", include_in_schema=False)
async def part(name: str) -> Response:
    """A file of the page.

    Raises:
        Problem: There is none of this name.
    """
    return _file(name)


def _about(parts: Parts) -> dict[str, Any]:
    searches = parts.shortlist is not None
    return {
        "index": searches,
        "passages": len(parts.index) if parts.index is not None else None,
        "encoder": public_name(parts.encoder.name) if searches and parts.encoder is not None else None,
        "reranker": public_name(parts.scorer.name) if parts.scorer is not None else None,
        "unit": "score" if parts.scorer is not None and not gives_logits(parts.scorer.reranker) else "logit",
        "pointwise": parts.scorer is None or parts.scorer.reranker.pointwise,
        "weights": dict(parts.shortlist.weights) if parts.shortlist is not None else {},
        "max_documents": parts.settings.max_documents,
        "judged": list(parts.labels)[:MOST_JUDGED],
    }


def _file(name: str) -> Response:
    held = _files().get(name)
    if held is None:
        raise Problem(Kind.NOT_FOUND, f"the page has no file {name!r}")
    return Response(held, media_type=KINDS[Path(name).suffix], headers=dict(HEADERS))


@cache
def _files() -> Mapping[str, bytes]:
    """The page's files by name: no request ever names a path."""
    return {path.name: path.read_bytes() for path in sorted(FOLDER.iterdir()) if path.suffix in KINDS}
