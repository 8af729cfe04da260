"""`/voyage/v1/rerank` of Voyage's API: https://docs.voyageai.com/reference/reranker-api."""

from __future__ import annotations

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field

from shortlist.server.answers import Json
from shortlist.server.bodies import Query, Texts, described, read
from shortlist.server.components import components_of
from shortlist.server.reranking import RerankRequest, check_model, rerank, scorer_of

router = APIRouter()


class VoyageRequest(BaseModel):
    """A request. If `truncation` is false, a document that would be cut is an error."""

    model_config = ConfigDict(extra="forbid", strict=True)

    query: Query
    documents: Texts
    model: str
    top_k: int | None = Field(None, ge=1)
    return_documents: bool | None = None
    truncation: bool | None = None


@router.post("/voyage/v1/rerank", openapi_extra=described(VoyageRequest))
async def answer(request: Request) -> Json:
    """Rerank documents, Voyage."""
    components = components_of(request)
    body = await read(request, VoyageRequest, components.limits.max_body)
    name = check_model(components, body.model, scorer_of(components).name)
    result = await rerank(
        components,
        RerankRequest(body.query, body.documents, top_n=body.top_k, truncate=body.truncation is not False),
    )
    data = result.rows(body.documents if body.return_documents else None)
    return Json(
        {"object": "list", "data": data, "model": name, "usage": {"total_tokens": result.tokens}}
        | ({"warnings": result.warnings} if result.warnings else {})
    )
