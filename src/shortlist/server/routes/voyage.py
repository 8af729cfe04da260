"""`/voyage/v1/rerank` and `/voyage/v1/embeddings` of Voyage's API: https://docs.voyageai.com/reference."""

from __future__ import annotations

from typing import Literal

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field
from pydantic_core import to_json
from starlette.concurrency import run_in_threadpool

from shortlist.server.answers import Json, json_array
from shortlist.server.batching.embedding import Embeddings, EmbedRequest, embed, encoder_of
from shortlist.server.bodies import Query, Texts, described, read
from shortlist.server.components import components_of
from shortlist.server.problems import Kind, Problem
from shortlist.server.reranking import RerankRequest, check_model, rerank, scorer_of
from shortlist.server.vectors import FORMS, IN_BASE64

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


class VoyageEmbedRequest(BaseModel):
    """A request. If `truncation` is false, a text that would be cut is an error. `input_type` selects the prompt."""

    model_config = ConfigDict(extra="forbid", strict=True)

    input: Query | Texts
    model: str
    input_type: Literal["query", "document"] | None = None
    truncation: bool | None = None
    output_dimension: int | None = Field(None, ge=1)
    output_dtype: Literal["float", "int8", "uint8", "binary", "ubinary"] | None = None
    encoding_format: Literal["base64"] | None = None


@router.post("/voyage/v1/embeddings", openapi_extra=described(VoyageEmbedRequest))
async def embeddings(request: Request) -> Json:
    """Embed texts, Voyage."""
    components = components_of(request)
    body = await read(request, VoyageEmbedRequest, components.limits.max_body)
    name = check_model(components, body.model, encoder_of(components).name)
    dtype = body.output_dtype or "float"
    if dtype not in IN_BASE64:
        raise Problem(
            Kind.INVALID,
            f"output_dtype {dtype} needs a calibration that this model lacks: use {', '.join(IN_BASE64)}",
            field="output_dtype",
        )
    result = await embed(
        components,
        EmbedRequest(
            [body.input] if isinstance(body.input, str) else body.input,
            "input",
            query=body.input_type == "query",
            truncate=body.truncation is not False,
            to_cut='send "truncation": true',
            dimensions=body.output_dimension,
        ),
    )
    return Json(await run_in_threadpool(_written, result, name, dtype, body.encoding_format is not None))


def _written(result: Embeddings, name: str, dtype: str, in_base64: bool) -> bytes:
    form = IN_BASE64[dtype] if in_base64 else FORMS[dtype]
    data = json_array(
        {"object": "embedding", "index": place, "embedding": form(vector)}
        for place, vector in enumerate(result.vectors)
    )
    truncated = {"truncated": result.truncated} if result.truncated else {}
    rest = to_json({"object": "list", "model": name, "usage": {"total_tokens": result.tokens}} | truncated)
    return rest[:-1] + b',"data":' + data + b"}"
