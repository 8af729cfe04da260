"""`/v1/rerank` for the clients of Jina (https://jina.ai/reranker) and of Cohere's v1 API."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field

from shortlist.server.answers import Json
from shortlist.server.bodies import Query, Strings, described, read
from shortlist.server.components import components_of
from shortlist.server.problems import Kind, Problem
from shortlist.server.reranking import RerankRequest, check_model, rerank, scorer_of, single_size
from shortlist.server.routes.cohere import meta
from shortlist.wording.requests import place_of

router = APIRouter()

MAX_RANK_FIELDS = 64
"""The limit of `rank_fields`: each field is looked up in each document."""


class JinaRequest(BaseModel):
    """A request of Jina or Cohere v1. A document is a text, or an object; its `rank_fields` are joined by newlines.

    `max_doc_length` (Jina) and `max_tokens_per_doc` (Cohere) mean the same. Unknown fields are ignored.
    """

    model_config = ConfigDict(strict=True)

    model: str | None = None
    query: Query
    documents: list[str | dict[str, Any]] = Field(fail_fast=True, json_schema_extra={"minItems": 1})
    top_n: int | None = Field(None, ge=1)
    top_k: int | None = Field(None, ge=1)
    return_documents: bool | None = None
    rank_fields: Annotated[Strings, Field(max_length=MAX_RANK_FIELDS)] | None = None
    max_tokens_per_doc: int | None = Field(None, ge=1)
    max_doc_length: int | None = Field(None, ge=1)
    truncation: bool | None = None
    max_chunks_per_doc: int | None = None
    return_embeddings: bool | None = None


@router.post("/v1/rerank", openapi_extra=described(JinaRequest))
async def answer(request: Request) -> Json:
    """Rerank documents, Jina and Cohere v1."""
    components = components_of(request)
    body = await read(request, JinaRequest, components.limits.max_body)
    name = check_model(components, body.model, scorer_of(components).name)
    if body.return_embeddings:
        raise Problem(Kind.INVALID, "return_embeddings is not available here: leave it out", field="return_embeddings")
    fields = body.rank_fields or ["text"]
    max_tokens = [("max_tokens_per_doc", body.max_tokens_per_doc), ("max_doc_length", body.max_doc_length)]
    result = await rerank(
        components,
        RerankRequest(
            body.query,
            [_text(document, place, fields) for place, document in enumerate(body.documents)],
            top_n=single_size([("top_n", body.top_n), ("top_k", body.top_k)]),
            max_tokens=single_size(max_tokens),
            truncate=body.truncation is not False,
        ),
    )
    if body.max_chunks_per_doc is not None:
        result.warnings.append("max_chunks_per_doc has no effect: documents are not read in chunks here")
    results = [
        {"index": place, "relevance_score": score}
        | ({"document": _returned_document(body.documents[place])} if body.return_documents is not False else {})
        for place, score in zip(result.places, result.scores, strict=True)
    ]
    return Json(
        {
            "id": str(uuid.uuid4()),
            "model": name,
            "object": "list",
            "usage": {"total_tokens": result.tokens, "prompt_tokens": result.tokens},
            "results": results,
            "meta": meta("1", result, len(body.documents)),
        }
    )


def _text(document: str | Mapping[str, Any], place: int, fields: Sequence[str]) -> str:
    if isinstance(document, str):
        return document
    present = [name for name in fields if document.get(name) is not None]
    if not present:
        raise Problem(
            Kind.INVALID,
            f"{place_of('documents', place)} has no text under {', '.join(fields)}: give strings or objects with text",
            field="documents",
        )
    for name in present:
        if not isinstance(document[name], str):
            raise Problem(
                Kind.INVALID,
                f"{place_of('documents', place, name)} is not a text: give a string, or leave it out of rank_fields",
                field="documents",
            )
    return "\n".join(document[name] for name in present)


def _returned_document(document: str | dict[str, Any]) -> dict[str, Any]:
    return {"text": document} if isinstance(document, str) else document
