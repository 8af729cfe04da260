"""Infinity's half of `/rerank`: https://github.com/michaelfeil/infinity."""

from __future__ import annotations

import time
import uuid

from pydantic import BaseModel, ConfigDict, Field

from shortlist.server.answers import Json
from shortlist.server.bodies import Query, Texts
from shortlist.server.components import Parts
from shortlist.server.reranking import Call, check_model, rerank, scorer_of

UNNAMED = "default/not-specified"


class InfinityRequest(BaseModel):
    """Unknown fields are passed over, as Infinity does."""

    model_config = ConfigDict(strict=True)

    query: Query
    documents: Texts
    model: str | None = UNNAMED
    top_n: int | None = Field(None, ge=1)
    return_documents: bool | None = None
    raw_scores: bool | None = None


async def answer(parts: Parts, asked: InfinityRequest) -> Json:
    """The documents, best first."""
    model = None if asked.model == UNNAMED else asked.model
    name = check_model(parts, model, scorer_of(parts).name)
    call = Call(asked.query, asked.documents, top_n=asked.top_n, raw=bool(asked.raw_scores))
    order = await rerank(parts, call)
    results = [
        {"relevance_score": score, "index": place}
        | ({"document": asked.documents[place]} if asked.return_documents else {})
        for place, score in zip(order.places, order.scores, strict=True)
    ]
    return Json(
        {
            "object": "rerank",
            "results": results,
            "model": name,
            "usage": {"prompt_tokens": order.tokens, "total_tokens": order.tokens},
            "id": f"infinity-{uuid.uuid4()}",
            "created": int(time.time()),
        }
        | ({"warnings": order.warnings} if order.warnings else {})
    )
