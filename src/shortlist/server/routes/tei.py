"""TEI's half of `/rerank`, and `/info`: https://huggingface.github.io/text-embeddings-inference."""

from __future__ import annotations

from typing import Literal

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict

from shortlist.server.names import public_name
from shortlist.server.parts import Parts, parts_of
from shortlist.server.problems import Kind, Problem
from shortlist.server.reranking import Call, rerank, scorer_of

router = APIRouter()


class TeiRequest(BaseModel):
    """`truncate` False, the default, makes a text that would be cut an error. Unknown fields are passed over."""

    model_config = ConfigDict(strict=True)

    query: str
    texts: list[str]
    raw_scores: bool | None = None
    return_text: bool | None = None
    truncate: bool | None = None
    truncation_direction: Literal["right", "Right", "left", "Left"] | None = None


async def answer(parts: Parts, asked: TeiRequest) -> JSONResponse:
    """Every text, best first, as a bare array."""
    if asked.truncate and asked.truncation_direction in {"left", "Left"}:
        raise Problem(
            Kind.INVALID, "texts are only cut on the right here: leave truncation_direction out", field="texts"
        )
    call = Call(asked.query, asked.texts, "texts", truncate=bool(asked.truncate), raw=bool(asked.raw_scores))
    order = await rerank(parts, call)
    return JSONResponse(
        [
            {"index": place, "score": score} | ({"text": asked.texts[place]} if asked.return_text else {})
            for place, score in zip(order.places, order.scores, strict=True)
        ]
    )


@router.get("/info")
async def info(request: Request) -> JSONResponse:
    """What TEI's clients read before they send: the model, and how many texts one request may hold."""
    parts = parts_of(request)
    return JSONResponse(
        {
            "model_id": public_name(scorer_of(parts).name),
            "model_type": {"reranker": {"id2label": {"0": "LABEL_0"}, "label2id": {"LABEL_0": 0}}},
            "max_client_batch_size": parts.settings.max_documents,
        }
    )
