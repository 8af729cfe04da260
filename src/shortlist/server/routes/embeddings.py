"""`/v1/embeddings` of OpenAI's API: https://platform.openai.com/docs/api-reference/embeddings."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Annotated, Literal

import numpy as np
from fastapi import APIRouter, Request
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema
from pydantic_core import to_json
from starlette.concurrency import run_in_threadpool

from shortlist.server.answers import Json, json_array
from shortlist.server.batching.embedding import Embeddings, EmbedRequest, embed, encoder_of
from shortlist.server.bodies import Strings, described, read
from shortlist.server.components import components_of
from shortlist.server.problems import Kind, Problem
from shortlist.server.reranking import check_model

router = APIRouter()

TEXTS = {
    "anyOf": [
        {"type": "string", "minLength": 1},
        {"type": "array", "minItems": 1, "items": {"type": "string", "minLength": 1}},
    ]
}
"""The allowed forms of `input`. The model accepts token ids, so that the route can refuse them with a clear message."""

Ids = Annotated[list[int], Field(fail_fast=True)]


class EmbeddingsRequest(BaseModel):
    """A request. Two fields extend OpenAI's API: `input_type` selects the prompt, and `truncate` allows cutting."""

    model_config = ConfigDict(extra="forbid", strict=True)

    input: Annotated[str | Strings | Ids | Annotated[list[Ids], Field(fail_fast=True)], WithJsonSchema(TEXTS)]
    model: str
    encoding_format: Literal["float", "base64"] | None = None
    dimensions: int | None = Field(None, ge=1)
    user: str | None = None
    input_type: Literal["query", "document"] = "document"
    truncate: bool = False


@router.post("/v1/embeddings", openapi_extra=described(EmbeddingsRequest))
async def answer(request: Request) -> Json:
    """Embed texts, OpenAI."""
    components = components_of(request)
    body = await read(request, EmbeddingsRequest, components.limits.max_body)
    name = check_model(components, body.model, encoder_of(components).name)
    embed_request = EmbedRequest(
        _texts(body.input),
        "input",
        query=body.input_type == "query",
        truncate=body.truncate,
        dimensions=body.dimensions,
    )
    embeddings = await embed(components, embed_request)
    return Json(await run_in_threadpool(_written, embeddings, name, body.encoding_format))


def _written(embeddings: Embeddings, name: str, encoding: str | None) -> bytes:
    data = json_array(
        {"object": "embedding", "index": place, "embedding": _encoded(vector, encoding)}
        for place, vector in enumerate(embeddings.vectors)
    )
    usage = {"prompt_tokens": embeddings.tokens, "total_tokens": embeddings.tokens}
    truncated = {"truncated": embeddings.truncated} if embeddings.truncated else {}
    rest = to_json({"object": "list", "model": name, "usage": usage} | truncated)
    return rest[:-1] + b',"data":' + data + b"}"


def _texts(given: str | Sequence[str | int | list[int]]) -> list[str]:
    items = [given] if isinstance(given, str) else given
    texts = [item for item in items if isinstance(item, str)]
    if len(texts) < len(items):
        raise Problem(
            Kind.INVALID,
            "input contains token ids, and this model's tokenizer has other ids: send text "
            "(LangChain: check_embedding_ctx_length=False)",
            field="input",
        )
    return texts


def _encoded(vector: NDArray[np.float32], encoding: str | None) -> list[float] | str:
    if encoding == "base64":
        return base64.b64encode(vector.astype("<f4").tobytes()).decode("ascii")
    return [float(value) for value in vector.tolist()]
