"""`/`: the page that shows both stages, its files, and its facts about the server."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response

from shortlist.config.search_config import PER_SEARCH
from shortlist.protocols import Fuses
from shortlist.redaction import public_name
from shortlist.search.scores import info_of
from shortlist.search.search import Search
from shortlist.server.components import Components, components_of
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
"""The paths that need no API key: the page and its files. These files contain no data of the index."""

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
MAX_JUDGED = 200
"""The largest number of judged queries that the page offers."""


@router.get("/", include_in_schema=False)
async def page() -> Response:
    """Answer with the page."""
    return _file("index.html")


@router.get("/page/about", include_in_schema=False)
async def about(request: Request) -> JSONResponse:
    """Answer with facts about the server.

    The facts are its models, the name of a retriever without an index, the number of passages, the defaults of
    searches, and judged queries. `unit` is "logit", or "score" if the reranker has a unit of its own. If `pointwise` is
    true, the scores of a large pool also give the order of a smaller pool. If `remote` is true, another machine runs
    the reranker, and its calls may cost money. `max_documents` is the largest pool.
    """
    return JSONResponse(_about(components_of(request)), headers={"Cache-Control": "no-store"})


@router.get("/page/{name}", include_in_schema=False)
async def part(name: str) -> Response:
    """Answer with a file of the page.

    Raises:
        Problem: There is no file with this name.
    """
    return _file(name)


def _about(components: Components) -> dict[str, Any]:
    search, scorer = components.search, components.scorer
    encoder = components.encoder if search is not None else None
    return {
        "index": search is not None,
        "retriever": components.retriever,
        "passages": _passages(components),
        "collections": [] if components.collections is None else list(components.collections.visible()),
        "encoder": public_name(encoder.name) if encoder is not None else None,
        "reranker": public_name(scorer.name) if scorer is not None else None,
        "unit": "score" if scorer is not None and not gives_logits(scorer.reranker) else "logit",
        "pointwise": scorer is None or info_of(scorer.reranker).pointwise,
        "remote": scorer is not None and info_of(scorer.reranker).remote,
        "max_documents": components.limits.max_documents,
        "defaults": _defaults(search) if search is not None else {},
        "judged": [query for query, labels in components.labels.items() if any(map(components.sees, labels))][
            :MAX_JUDGED
        ],
    }


def _passages(components: Components) -> int | None:
    """The number of passages that the key may search, if it is known."""
    collections = components.collections
    if collections is None or len(collections.visible()) == len(collections.names):
        return len(components.index) if components.index is not None else components.passages
    counts = [facts.passages() for facts in collections.facts if facts.name in collections.visible()]
    return sum(count for count in counts if count is not None)


def _defaults(search: Search) -> dict[str, Any]:
    """Return the default values of the options that a request may override, with the sizes that apply.

    `fusion` is None if the search does not fuse two lists. `efforts` has the pool size of each effort level.
    """
    pool_size, top_k = search.config.sizes
    options = {name: getattr(search.config, name) for name in PER_SEARCH}
    fusion = search.retriever.fusion if isinstance(search.retriever, Fuses) else None
    efforts = {name: level["pool_size"] for name, level in (search.config.efforts or {}).items()}
    return {**options, "pool_size": pool_size, "top_k": top_k, "fusion": fusion, "efforts": efforts}


def _file(name: str) -> Response:
    content = _files().get(name)
    if content is None:
        raise Problem(Kind.NOT_FOUND, f"the page has no file {name!r}")
    return Response(content, media_type=KINDS[Path(name).suffix], headers=dict(HEADERS))


@cache
def _files() -> Mapping[str, bytes]:
    """Return the files of the page by name. The names are fixed, so a request cannot reach other files."""
    return {path.name: path.read_bytes() for path in sorted(FOLDER.iterdir()) if path.suffix in KINDS}
