"""`/v1/rerank` for Jina's clients (https://jina.ai/reranker) and those of Cohere's v1 API."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field

from shortlist.server.answers import Json
from shortlist.server.bodies import Query, Strings, described, read
from shortlist.server.components import parts_of
from shortlist.server.problems import Kind, Problem
from shortlist.server.reranking import Call, check_model, one_size, rerank, scorer_of
from shortlist.server.routes.cohere import meta

router = APIRouter()

MOST_RANK_FIELDS = 64
"""Each of them is looked for in each document."""


class JinaRequest(BaseModel):
    """What Jina and Cohere v1 send. A document is a text, or an object whose `rank_fields` are read, joined by lines.

    `max_doc_length` (Jina) and `max_tokens_per_doc` (Cohere) mean the same. Fields of neither are passed over.
    """

    model_config = ConfigDict(strict=True)

    model: str | None = None
    query: Query
    documents: list[str | dict[str, Any]] = Field(fail_fast=True, json_schema_extra={"minItems": 1})
    top_n: int | None = Field(None, ge=1)
    top_k: int | None = Field(None, ge=1)
    return_documents: bool | None = None
    rank_fields: Annotated[Strings, Field(max_length=MOST_RANK_FIELDS)] | None = None
    max_tokens_per_doc: int | None = Field(None, ge=1)
    max_doc_length: int | None = Field(None, ge=1)
    truncation: bool | None = None
    max_chunks_per_doc: int | None = None
    return_embeddings: bool | None = None


@router.post("/v1/rerank", openapi_extra=described(JinaRequest))
async def answer(request: Request) -> Json:
    """Reranks documents, Jina and Cohere v1."""
    parts = parts_of(request)
    asked = await read(request, JinaRequest, parts.settings.max_body)
    name = check_model(parts, asked.model, scorer_of(parts).name)
    if asked.return_embeddings:
        raise Problem(Kind.INVALID, "return_embeddings is not offered here", field="return_embeddings")
    fields = asked.rank_fields or ["text"]
    call = Call(
        asked.query,
        [_text(one, place, fields) for place, one in enumerate(asked.documents)],
        top_n=one_size([("top_n", asked.top_n), ("top_k", asked.top_k)]),
        max_tokens=one_size(
            [("max_tokens_per_doc", asked.max_tokens_per_doc), ("max_doc_length", asked.max_doc_length)]
        ),
        truncate=asked.truncation is not False,
    )
    order = await rerank(parts, call)
    if asked.max_chunks_per_doc is not None:
        order.warnings.append("max_chunks_per_doc has no effect: documents are not read in chunks here")
    results = [
        {"index": place, "relevance_score": score}
        | ({"document": _echo(asked.documents[place])} if asked.return_documents is not False else {})
        for place, score in zip(order.places, order.scores, strict=True)
    ]
    return Json(
        {
            "id": str(uuid.uuid4()),
            "model": name,
            "object": "list",
            "usage": {"total_tokens": order.tokens, "prompt_tokens": order.tokens},
            "results": results,
            "meta": meta("1", order, len(call.texts)),
        }
    )


def _text(document: str | Mapping[str, Any], place: int, fields: Sequence[str]) -> str:
    if isinstance(document, str):
        return document
    held = [name for name in fields if document.get(name) is not None]
    if not held:
        raise Problem(
            Kind.INVALID,
            f"documents.{place} has no text under {', '.join(fields)}: give strings or objects with text",
            field="documents",
        )
    for name in held:
        if not isinstance(document[name], str):
            raise Problem(
                Kind.INVALID,
                f"documents.{place}.{name} is no text: give a string, or leave it out of rank_fields",
                field="documents",
            )
    return "\n".join(document[name] for name in held)


def _echo(document: str | dict[str, Any]) -> dict[str, Any]:
    return {"text": document} if isinstance(document, str) else document
