"""`/search`: both stages over the opened index."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Request
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_core import PydanticCustomError

from shortlist.errors import InvalidInput
from shortlist.redaction import Names
from shortlist.search.pipeline import POOL_SIZE, K
from shortlist.server.answers import Json
from shortlist.server.bodies import Query, described, read
from shortlist.server.components import Parts, parts_of
from shortlist.server.middleware.observer import Watch
from shortlist.server.problems import Kind, Problem, problem_of
from shortlist.server.reranking import check_query
from shortlist.server.searching import Asked, Searched, search
from shortlist.server.settings import ServerSettings
from shortlist.types import Hit

router = APIRouter()

MOST_FIELDS = 64
MOST_VALUES = 1024
"""Fields of a filter, and values of all its fields together: each is one more condition for the index to check."""

Scalar = str | int | float | bool


def _bounded(where: Any) -> Any:
    """Refuses a filter that is too large before anything in it is read."""
    if not isinstance(where, dict):
        return where
    if len(where) > MOST_FIELDS:
        raise _too_many("fields", len(where), MOST_FIELDS)
    values = sum(len(value) if isinstance(value, list) else 1 for value in where.values())
    if values > MOST_VALUES:
        raise _too_many("values in all", values, MOST_VALUES)
    return where


def _too_many(what: str, count: int, most: int) -> PydanticCustomError:
    held = {"what": what, "count": count, "most": most}
    return PydanticCustomError("too_many", "{count} {what}, at most {most}: send fewer", held)


Filter = Annotated[dict[str, Scalar | Annotated[list[Scalar], Field(fail_fast=True)]], BeforeValidator(_bounded)]


class SearchRequest(BaseModel):
    """`budget_ms` counts wall-clock milliseconds; `fail` says what a failing reranker does to the answer.

    The defaults of `pool_size` and `k` are those of a server that was not told others.
    """

    model_config = ConfigDict(extra="forbid", strict=True)

    query: Query
    pool_size: int = Field(POOL_SIZE, ge=1)
    k: int = Field(K, ge=1)
    where: Filter | None = None
    budget_ms: float | None = Field(None, ge=0, le=600_000)
    rerank: bool = True
    fail: Literal["open", "closed"] = "open"


@router.post("/search", openapi_extra=described(SearchRequest))
async def answer(request: Request) -> Json:
    """Searches the index in both stages."""
    parts = parts_of(request)
    asked = _sized(await read(request, SearchRequest, parts.settings.max_body), parts.settings)
    if parts.shortlist is None:
        raise Problem(Kind.UNAVAILABLE, "this server has no index: start it with --index DIR to search")
    _check(asked, parts)
    wanted = Asked(
        asked.query,
        asked.pool_size,
        asked.k,
        parts.names.where(asked.where),
        asked.rerank,
        None if asked.budget_ms is None else asked.budget_ms / 1000,
    )
    try:
        found = await search(parts.shortlist, parts.encoder, parts.scorer, wanted, parts.spans)
    except InvalidInput as error:  # query and sizes are checked, so the filter is left
        raise Problem(Kind.INVALID, str(error), field="where") from error
    _tell(parts.watch, found, asked.k)
    if found.failure is not None and asked.fail == "closed":
        said = problem_of(found.failure)
        if said.kind in (Kind.INVALID, Kind.TOO_LONG):
            raise said
        raise Problem(Kind.UNAVAILABLE, f"not reranked: {found.why_not}", retry_after=said.retry_after)
    return Json(_answer(asked, found, parts))


def _sized(asked: SearchRequest, settings: ServerSettings) -> SearchRequest:
    """With the server's sizes for those that were not sent, as small as those that were sent make them."""
    sent = asked.model_fields_set
    pool = asked.pool_size if "pool_size" in sent else min(settings.pool_size, settings.max_documents)
    k = asked.k if "k" in sent else min(settings.k, pool)
    return asked.model_copy(update={"pool_size": pool, "k": k})


def _tell(watch: Watch, found: Searched, k: int) -> None:
    watch.took("retrieve", found.seconds["retrieve"])
    if found.scored:
        watch.took("rerank", found.seconds["rerank"])
    if found.status == "ok":
        watch.results([hit.retrieval_rank for hit in found.hits[:k]], len(found.hits))


def _check(asked: SearchRequest, parts: Parts) -> None:
    most = parts.settings.max_documents
    check_query(parts, asked.query)
    if asked.pool_size > most:
        raise Problem(Kind.TOO_MANY, f"pool_size is {asked.pool_size} and at most {most} here", field="pool_size")
    if asked.k > asked.pool_size:
        raise Problem(Kind.INVALID, f"k is {asked.k} but the pool holds {asked.pool_size}", field="k")


def _answer(asked: SearchRequest, found: Searched, parts: Parts) -> dict[str, Any]:
    names, labels = parts.names, parts.labels.get(asked.query.strip())
    return {
        "query": asked.query,
        "rerank_status": found.status,
        "why_not": found.why_not,
        "why_nothing": "" if found.hits else _why_nothing(asked, parts),
        "pool_size": asked.pool_size,
        "scored": found.scored,
        "truncated": sum(hit.truncated for hit in found.hits),
        "query_cut": found.query_cut,
        "seconds": dict(found.seconds),
        "labels": None if labels is None else {"relevant": {names.shown(key): grade for key, grade in labels.items()}},
        "hits": [_hit(hit, names) for hit in found.hits[: asked.k]],
    }


def _why_nothing(asked: SearchRequest, parts: Parts) -> str:
    if parts.index is not None and not len(parts.index):
        return "the index is empty"
    return "no passage has what the filter asks for" if asked.where else "no passage matches"


def _hit(hit: Hit, names: Names) -> dict[str, Any]:
    passage = hit.passage
    metadata = names.metadata(passage.metadata)
    document_id = names.shown(passage.document_id)
    return {
        "id": names.shown(passage.id),
        "document_id": document_id,
        "title": passage.title,
        "text": passage.text,
        "source": str(metadata.get("source") or document_id or names.shown(passage.id)),
        "start": passage.start,
        "end": passage.end,
        "metadata": metadata,
        "rank": hit.rank,
        "retrieval_rank": hit.retrieval_rank,
        "retrieval_score": hit.retrieval_score,
        "rerank_score": hit.rerank_score,
        "score": hit.score,
        "truncated": hit.truncated,
        "signals": dict(hit.signals),
    }
