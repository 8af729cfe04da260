"""`/v1/embeddings` as OpenAI has it: https://platform.openai.com/docs/api-reference/embeddings."""

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

from shortlist.server.answers import Json, array
from shortlist.server.batching.embedding import Embedded, ToEmbed, embedded, encoder_of
from shortlist.server.bodies import Strings, described, read
from shortlist.server.components import parts_of
from shortlist.server.problems import Kind, Problem
from shortlist.server.reranking import check_model

router = APIRouter()

TEXTS = {
    "anyOf": [
        {"type": "string", "minLength": 1},
        {"type": "array", "minItems": 1, "items": {"type": "string", "minLength": 1}},
    ]
}
"""What `input` may be; token ids are read only to refuse them in so many words."""

Ids = Annotated[list[int], Field(fail_fast=True)]


class EmbeddingsRequest(BaseModel):
    """OpenAI's fields, and two of our own: `input_type` chooses the model's prompt, `truncate` allows cutting."""

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
    """Embeds texts, OpenAI."""
    parts = parts_of(request)
    asked = await read(request, EmbeddingsRequest, parts.settings.max_body)
    name = check_model(parts, asked.model, encoder_of(parts).name)
    wanted = ToEmbed(
        _texts(asked.input),
        "input",
        query=asked.input_type == "query",
        truncate=asked.truncate,
        dimensions=asked.dimensions,
    )
    found = await embedded(parts, wanted)
    return Json(await run_in_threadpool(_written, found, name, asked.encoding_format))


def _written(found: Embedded, name: str, how: str | None) -> bytes:
    data = array(
        {"object": "embedding", "index": place, "embedding": _said(vector, how)}
        for place, vector in enumerate(found.vectors)
    )
    usage = {"prompt_tokens": found.tokens, "total_tokens": found.tokens}
    cut = {"truncated": found.truncated} if found.truncated else {}
    rest = to_json({"object": "list", "model": name, "usage": usage} | cut)
    return rest[:-1] + b',"data":' + data + b"}"


def _texts(given: str | Sequence[str | int | list[int]]) -> list[str]:
    held = [given] if isinstance(given, str) else given
    texts = [one for one in held if isinstance(one, str)]
    if len(texts) < len(held):
        raise Problem(
            Kind.INVALID,
            "input holds token ids, and ids of another model's tokenizer would be misread here: send text "
            "(LangChain: check_embedding_ctx_length=False)",
            field="input",
        )
    return texts


def _said(vector: NDArray[np.float32], how: str | None) -> list[float] | str:
    if how == "base64":
        return base64.b64encode(vector.astype("<f4").tobytes()).decode("ascii")
    return [float(one) for one in vector.tolist()]
