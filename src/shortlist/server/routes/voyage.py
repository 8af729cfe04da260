"""`/voyage/v1/rerank` as Voyage has it: https://docs.voyageai.com/reference/reranker-api."""

from __future__ import annotations

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field

from shortlist.server.answers import Json
from shortlist.server.bodies import Query, Texts, described, read
from shortlist.server.components import parts_of
from shortlist.server.reranking import Call, check_model, rerank, scorer_of

router = APIRouter()


class VoyageRequest(BaseModel):
    """`truncation` False makes a document that would be cut an error."""

    model_config = ConfigDict(extra="forbid", strict=True)

    query: Query
    documents: Texts
    model: str
    top_k: int | None = Field(None, ge=1)
    return_documents: bool | None = None
    truncation: bool | None = None


@router.post("/voyage/v1/rerank", openapi_extra=described(VoyageRequest))
async def answer(request: Request) -> Json:
    """Reranks documents, Voyage."""
    parts = parts_of(request)
    asked = await read(request, VoyageRequest, parts.settings.max_body)
    name = check_model(parts, asked.model, scorer_of(parts).name)
    call = Call(asked.query, asked.documents, top_n=asked.top_k, truncate=asked.truncation is not False)
    order = await rerank(parts, call)
    data = [
        {"relevance_score": score, "index": place}
        | ({"document": asked.documents[place]} if asked.return_documents else {})
        for place, score in zip(order.places, order.scores, strict=True)
    ]
    return Json(
        {"object": "list", "data": data, "model": name, "usage": {"total_tokens": order.tokens}}
        | ({"warnings": order.warnings} if order.warnings else {})
    )
