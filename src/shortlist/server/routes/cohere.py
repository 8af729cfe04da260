"""`/v2/rerank` of Cohere's v2 API: https://docs.cohere.com/reference/rerank."""

from __future__ import annotations

import math
import uuid

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field

from shortlist.server.answers import Json
from shortlist.server.bodies import Query, Texts, described, read
from shortlist.server.components import components_of
from shortlist.server.reranking import RerankRequest, RerankResult, check_model, rerank, scorer_of

router = APIRouter()


class CohereRequest(BaseModel):
    """A request. Unknown fields are refused, as by Cohere. `priority` is accepted and has no effect.

    `return_documents` belongs to v1. Clients such as litellm also send it to v2, so it works here, too.
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
    """Rerank documents, Cohere v2."""
    components = components_of(request)
    body = await read(request, CohereRequest, components.limits.max_body)
    check_model(components, body.model, scorer_of(components).name)
    result = await rerank(
        components, RerankRequest(body.query, body.documents, top_n=body.top_n, max_tokens=body.max_tokens_per_doc)
    )
    results = [
        {"index": place, "relevance_score": score}
        | ({"document": {"text": body.documents[place]}} if body.return_documents else {})
        for place, score in zip(result.places, result.scores, strict=True)
    ]
    return Json({"id": str(uuid.uuid4()), "results": results, "meta": meta("2", result, len(body.documents))})


def meta(version: str, result: RerankResult, documents: int) -> dict[str, object]:
    """Return Cohere's field "meta": a search unit for each 100 documents, the tokens read, and warnings."""
    fields: dict[str, object] = {
        "api_version": {"version": version},
        "billed_units": {"search_units": math.ceil(documents / 100)},
        "tokens": {"input_tokens": result.tokens},
    }
    return fields | ({"warnings": result.warnings} if result.warnings else {})
