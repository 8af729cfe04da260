"""`/api/embed` of Ollama, and its older `/api/embeddings`: https://docs.ollama.com/api/embed."""

from __future__ import annotations

import time
from typing import Any

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field
from pydantic_core import to_json
from starlette.concurrency import run_in_threadpool

from shortlist.server.answers import Json, json_array
from shortlist.server.batching.embedding import EmbedRequest, embed, encoder_of
from shortlist.server.bodies import Query, Texts, described, read
from shortlist.server.components import components_of
from shortlist.server.reranking import check_model
from shortlist.server.vectors import floats

router = APIRouter()

LATEST = ":latest"
"""The tag that Ollama adds to a name without one."""


class OllamaRequest(BaseModel):
    """A request. Without `truncate`, long texts are cut, as by Ollama. `options` and `keep_alive` have no effect."""

    model_config = ConfigDict(strict=True)

    model: str
    input: Query | Texts
    truncate: bool | None = None
    dimensions: int | None = Field(None, ge=1)
    options: dict[str, Any] | None = None
    keep_alive: str | int | None = None


@router.post("/api/embed", openapi_extra=described(OllamaRequest))
async def answer(request: Request) -> Json:
    """Embed texts, Ollama."""
    began = time.perf_counter_ns()
    components = components_of(request)
    body = await read(request, OllamaRequest, components.limits.max_body)
    check_model(components, body.model.removesuffix(LATEST), encoder_of(components).name)
    texts = [body.input] if isinstance(body.input, str) else body.input
    embed_request = EmbedRequest(texts, "input", truncate=body.truncate is not False, dimensions=body.dimensions)
    result = await embed(components, embed_request)
    vectors = await run_in_threadpool(lambda: json_array(floats(vector) for vector in result.vectors))
    rest = to_json(
        {
            "model": body.model,
            "total_duration": time.perf_counter_ns() - began,
            "load_duration": 0,
            "prompt_eval_count": result.tokens,
        }
    )
    return Json(rest[:-1] + b',"embeddings":' + vectors + b"}")


class OllamaPromptRequest(BaseModel):
    """A request for one vector. A long text is cut. `options` and `keep_alive` have no effect."""

    model_config = ConfigDict(strict=True)

    model: str
    prompt: Query
    options: dict[str, Any] | None = None
    keep_alive: str | int | None = None


@router.post("/api/embeddings", openapi_extra=described(OllamaPromptRequest))
async def answer_prompt(request: Request) -> Json:
    """Embed one text, Ollama's older route."""
    components = components_of(request)
    body = await read(request, OllamaPromptRequest, components.limits.max_body)
    check_model(components, body.model.removesuffix(LATEST), encoder_of(components).name)
    result = await embed(components, EmbedRequest([body.prompt], "prompt", truncate=True))
    return Json({"embedding": floats(result.vectors[0])})
