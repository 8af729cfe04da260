"""Infinity's part of `/rerank`: https://github.com/michaelfeil/infinity."""

from __future__ import annotations

import time
import uuid

from pydantic import BaseModel, ConfigDict, Field

from shortlist.server.answers import Json
from shortlist.server.bodies import Query, Texts
from shortlist.server.components import Components
from shortlist.server.reranking import RerankRequest, check_model, rerank, scorer_of

UNNAMED = "default/not-specified"


class InfinityRequest(BaseModel):
    """A request. Unknown fields are ignored, as by Infinity."""

    model_config = ConfigDict(strict=True)

    query: Query
    documents: Texts
    model: str | None = UNNAMED
    top_n: int | None = Field(None, ge=1)
    return_documents: bool | None = None
    raw_scores: bool | None = None


async def answer(components: Components, body: InfinityRequest) -> Json:
    """Answer with the documents, best first."""
    model = None if body.model == UNNAMED else body.model
    name = check_model(components, model, scorer_of(components).name)
    result = await rerank(
        components, RerankRequest(body.query, body.documents, top_n=body.top_n, raw=bool(body.raw_scores))
    )
    results = result.rows(body.documents if body.return_documents else None)
    return Json(
        {
            "object": "rerank",
            "results": results,
            "model": name,
            "usage": {"prompt_tokens": result.tokens, "total_tokens": result.tokens},
            "id": f"infinity-{uuid.uuid4()}",
            "created": int(time.time()),
        }
        | ({"warnings": result.warnings} if result.warnings else {})
    )
