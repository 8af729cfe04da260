"""`/v2/rerank` as Cohere's v2 API has it: https://docs.cohere.com/reference/rerank."""

from __future__ import annotations

import math
import uuid

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field

from shortlist.server.answers import Json
from shortlist.server.bodies import Query, Texts, described, read
from shortlist.server.components import parts_of
from shortlist.server.reranking import Call, Order, check_model, rerank, scorer_of

router = APIRouter()


class CohereRequest(BaseModel):
    """Unknown fields are refused, as Cohere does. `priority` is read and has no effect.

    `return_documents` belongs to v1; clients such as litellm send it to v2 as well, and it is honoured.
    """

    model_config = ConfigDict(extra="forbid", strict=True)

    model: str
    query: Query
    documents: Texts
    top_n: int | None = Field(None, ge=1)
    max_tokens_per_doc: int | None = Field(None, ge=1)
    priority: int | None = Field(None, ge=0, le=999)
    return_documents: bool | None = None


@router.post("/v2/rerank", openapi_extra=described(CohereRequest))
async def answer(request: Request) -> Json:
    """Reranks documents, Cohere v2."""
    parts = parts_of(request)
    asked = await read(request, CohereRequest, parts.settings.max_body)
    check_model(parts, asked.model, scorer_of(parts).name)
    order = await rerank(
        parts, Call(asked.query, asked.documents, top_n=asked.top_n, max_tokens=asked.max_tokens_per_doc)
    )
    results = [
        {"index": place, "relevance_score": score}
        | ({"document": {"text": asked.documents[place]}} if asked.return_documents else {})
        for place, score in zip(order.places, order.scores, strict=True)
    ]
    return Json({"id": str(uuid.uuid4()), "results": results, "meta": meta("2", order, len(asked.documents))})


def meta(version: str, order: Order, documents: int) -> dict[str, object]:
    """What Cohere tells beside the results: one search unit a 100 documents, tokens read, and warnings."""
    held: dict[str, object] = {
        "api_version": {"version": version},
        "billed_units": {"search_units": math.ceil(documents / 100)},
        "tokens": {"input_tokens": order.tokens},
    }
    return held | ({"warnings": order.warnings} if order.warnings else {})
