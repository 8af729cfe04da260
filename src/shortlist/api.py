"""The public functions that take parts by name, and load what is needed when they are called."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from shortlist import registry
from shortlist.errors import MissingExtra
from shortlist.protocols import Reranker
from shortlist.search.rerank import rank
from shortlist.types import Ranked

if TYPE_CHECKING:
    from fastapi import FastAPI

    from shortlist.index import OpenIndex
    from shortlist.search.search import Search


def rerank(
    query: str, documents: Iterable[Any], *, top_k: int | None = None, reranker: Reranker | str | None = None
) -> list[Ranked]:
    """Rerank the result of any retriever: return the documents, best first, at most `top_k`.

    Args:
        query: What to rank for.
        documents: Strings, or dicts or objects with a text field ("text", "page_content", "content" and others).
        top_k: Length of the result. None: all documents.
        reranker: A reranker, or a name for `load_reranker`. None: the packaged model. A name is loaded at every call,
            so load a reranker once if you rerank more than once.

    Returns:
        Each document as it was given, with its score, its rank and its place in `documents`. No documents give an
        empty list. The score is the reranker's own (a logit for a cross-encoder); higher is better.

    Raises:
        InvalidInput: An empty query, a `top_k` below 1, one string in place of documents, or a document without text.
        BadScores: The reranker returned a wrong count, NaN, infinity, or something that is not a number.
    """
    if reranker is None or isinstance(reranker, str):
        reranker = registry.load_reranker(reranker or registry.RERANKER)
    return rank(query, documents, reranker, top_k=top_k)


SERVER_PACKAGES = {"fastapi", "starlette", "pydantic", "pydantic_core", "anyio", "prometheus_client"}


def asgi(search: Search | OpenIndex) -> FastAPI:
    """Return an ASGI application that serves reranking, embeddings and, over `search`, searches and the page.

    The routes are those of `shortlist serve`. API keys, host checks, limits on requests and metrics belong to that
    command: put a proxy in front of the application if strangers can reach it. Requests share the models through a
    queue. The queue ends with the application's lifespan. The caller closes an index.

    Args:
        search: A `Search`, or an open index. Its configuration holds the defaults of `/search`.

    Raises:
        MissingExtra: The server extra is not installed.
        InvalidInput: `search` is something else.
    """
    try:
        from shortlist.server.app import asgi as make_app
    except ImportError as error:
        if (error.name or "").partition(".")[0] not in SERVER_PACKAGES:
            raise
        raise MissingExtra("asgi", "server") from error
    return make_app(search)
