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
from starlette.concurrency import run_in_threadpool

from shortlist.protocols import CountsTokens, Encoder
from shortlist.server.bodies import described, read
from shortlist.server.parts import Parts, parts_of
from shortlist.server.problems import Kind, Problem
from shortlist.server.reranking import check_model, check_texts

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
    if parts.encoder is None:
        raise Problem(Kind.UNAVAILABLE, "this server has no bi-encoder: start it with one to embed texts")
    name = check_model(parts, asked.model, parts.encoder.name)
    texts = _texts(parts, asked)
    if asked.dimensions not in (None, parts.encoder.dimension):
        raise Problem(
            Kind.INVALID, f"{name} gives {parts.encoder.dimension} dimensions and no others", field="dimensions"
        )
    vectors, tokens, cut = await run_in_threadpool(
        _encoded, parts.encoder, texts, asked.input_type == "query", asked.truncate
    )
    data = [
        {"object": "embedding", "index": place, "embedding": _said(vector, asked.encoding_format)}
        for place, vector in enumerate(vectors)
    ]
    usage = {"prompt_tokens": tokens, "total_tokens": tokens}
    return JSONResponse(
        {"object": "list", "data": data, "model": name, "usage": usage} | ({"truncated": cut} if cut else {})
    )


def _texts(parts: Parts, asked: EmbeddingsRequest) -> list[str]:
    given = [asked.input] if isinstance(asked.input, str) else asked.input
    texts = [one for one in given if isinstance(one, str)]
    if len(texts) < len(given):
        raise Problem(
            Kind.INVALID,
            "input holds token ids, and ids of another model's tokenizer would be misread here: send text "
            "(LangChain: check_embedding_ctx_length=False)",
            field="input",
        )
    check_texts(parts, texts, "input", parts.settings.max_inputs)
    if not all(one.strip() for one in texts):
        raise Problem(Kind.EMPTY, "input holds an empty text", field="input")
    return texts


def _encoded(
    encoder: Encoder, texts: Sequence[str], query: bool, truncate: bool
) -> tuple[NDArray[np.float32], int, int]:
    """The vectors, how many tokens were read (0 where the encoder can't say), and how many texts were cut."""
    counts, cut = encoder.tokens_of(texts, query=query) if isinstance(encoder, CountsTokens) else ([], [])
    if any(cut) and not truncate:
        place = cut.index(True)
        raise Problem(
            Kind.TOO_LONG,
            f"input.{place} is longer than the {counts[place]} tokens that the model reads: shorten it, or send "
            '"truncate": true to embed its start',
            field="input",
        )
    encode = encoder.encode_queries if query else encoder.encode_passages
    return encode(texts), sum(counts), sum(cut)


def _said(vector: NDArray[np.float32], how: str | None) -> list[float] | str:
    if how == "base64":
        return base64.b64encode(vector.astype("<f4").tobytes()).decode("ascii")
    return [float(one) for one in vector]
