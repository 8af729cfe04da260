"""`/v1/embeddings` as OpenAI has it: https://platform.openai.com/docs/api-reference/embeddings."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Literal

import numpy as np
from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from shortlist.server.bodies import described, read
from shortlist.server.embedding import ToEmbed, embedded, encoder_of
from shortlist.server.parts import parts_of
from shortlist.server.problems import Kind, Problem
from shortlist.server.reranking import check_model

router = APIRouter()


class EmbeddingsRequest(BaseModel):
    """OpenAI's fields, and two of our own: `input_type` chooses the model's prompt, `truncate` allows cutting."""

    model_config = ConfigDict(extra="forbid", strict=True)

    input: str | list[str] | list[int] | list[list[int]]
    model: str
    encoding_format: Literal["float", "base64"] | None = None
    dimensions: int | None = Field(None, ge=1)
    user: str | None = None
    input_type: Literal["query", "document"] = "document"
    truncate: bool = False


@router.post("/v1/embeddings", openapi_extra=described(EmbeddingsRequest))
async def answer(request: Request) -> JSONResponse:
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
    data = [
        {"object": "embedding", "index": place, "embedding": _said(vector, asked.encoding_format)}
        for place, vector in enumerate(found.vectors)
    ]
    usage = {"prompt_tokens": found.tokens, "total_tokens": found.tokens}
    return JSONResponse(
        {"object": "list", "data": data, "model": name, "usage": usage}
        | ({"truncated": found.truncated} if found.truncated else {})
    )


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
    return [float(one) for one in vector]
