"""`/v1/embeddings` of OpenAI's API, https://platform.openai.com/docs/api-reference/embeddings, and of Jina's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema
from pydantic_core import to_json
from starlette.concurrency import run_in_threadpool

from shortlist.server.answers import Json, json_array
from shortlist.server.batching.embedding import Embeddings, EmbedRequest, embed, encoder_of
from shortlist.server.bodies import Strings, described, read
from shortlist.server.components import components_of
from shortlist.server.problems import Kind, Problem
from shortlist.server.reranking import check_model
from shortlist.server.vectors import FORMS
from shortlist.wording.requests import place_of

router = APIRouter()

TEXT = {"type": "string", "minLength": 1}
OBJECT = {"type": "object", "properties": {"text": TEXT}, "required": ["text"], "additionalProperties": False}
TEXTS = {"anyOf": [TEXT, OBJECT, {"type": "array", "minItems": 1, "items": {"anyOf": [TEXT, OBJECT]}}]}
"""The allowed forms of `input`. The model accepts token ids, so that the route can refuse them with a clear message."""

Ids = Annotated[list[int], Field(fail_fast=True)]
Objects = Annotated[list[str | dict[str, Any]], Field(fail_fast=True)]
QUERY_TASKS = ("retrieval.query", "code.query", "nl2code.query", "qa.query")


class EmbeddingsRequest(BaseModel):
    """A request. Two fields extend OpenAI's API: `input_type` selects the prompt, and `truncate` allows cutting.

    The fields of Jina's API also work: objects with a `text` as input, `task`, `normalized`, `embedding_type` and
    `late_chunking`.
    """

    model_config = ConfigDict(extra="forbid", strict=True)

    input: Annotated[
        str | Strings | Ids | Annotated[list[Ids], Field(fail_fast=True)] | dict[str, Any] | Objects,
        WithJsonSchema(TEXTS),
    ]
    model: str
    encoding_format: Literal["float", "base64"] | None = None
    dimensions: int | None = Field(None, ge=1)
    user: str | None = None
    input_type: Literal["query", "document"] = "document"
    truncate: bool = False
    task: str | None = None
    normalized: bool | None = None
    embedding_type: Literal["float", "base64", "binary", "ubinary"] | None = None
    late_chunking: bool | None = None


@router.post("/v1/embeddings", openapi_extra=described(EmbeddingsRequest))
async def answer(request: Request) -> Json:
    """Embed texts, OpenAI."""
    components = components_of(request)
    body = await read(request, EmbeddingsRequest, components.limits.max_body)
    name = check_model(components, body.model, encoder_of(components).name)
    _check_jina(body)
    embed_request = EmbedRequest(
        _texts(body.input),
        "input",
        query=body.input_type == "query" or body.task in QUERY_TASKS,
        truncate=body.truncate,
        dimensions=body.dimensions,
    )
    embeddings = await embed(components, embed_request)
    return Json(
        await run_in_threadpool(_written, embeddings, name, body.embedding_type or body.encoding_format or "float")
    )


def _check_jina(body: EmbeddingsRequest) -> None:
    if body.late_chunking:
        raise Problem(Kind.INVALID, "late_chunking is not available here: leave it out", field="late_chunking")
    if body.normalized is False:
        raise Problem(
            Kind.INVALID,
            "the model's files decide whether vectors are normalized: leave normalized out",
            field="normalized",
        )
    if body.embedding_type and body.encoding_format and body.embedding_type != body.encoding_format:
        raise Problem(
            Kind.INVALID, "embedding_type and encoding_format contradict each other: give one", field="embedding_type"
        )


def _written(embeddings: Embeddings, name: str, form: str) -> bytes:
    data = json_array(
        {"object": "embedding", "index": place, "embedding": FORMS[form](vector)}
        for place, vector in enumerate(embeddings.vectors)
    )
    usage = {"prompt_tokens": embeddings.tokens, "total_tokens": embeddings.tokens}
    truncated = {"truncated": embeddings.truncated} if embeddings.truncated else {}
    rest = to_json({"object": "list", "model": name, "usage": usage} | truncated)
    return rest[:-1] + b',"data":' + data + b"}"


def _texts(given: str | dict[str, Any] | Sequence[str | int | list[int] | dict[str, Any]]) -> list[str]:
    items = [given] if isinstance(given, str | dict) else given
    read_items = [_text_of(item, place) if isinstance(item, dict) else item for place, item in enumerate(items)]
    texts = [item for item in read_items if isinstance(item, str)]
    if len(texts) < len(items):
        raise Problem(
            Kind.INVALID,
            "input contains token ids, and this model's tokenizer has other ids: send text "
            "(LangChain: check_embedding_ctx_length=False)",
            field="input",
        )
    return texts


def _text_of(item: dict[str, Any], place: int) -> str:
    """The text of an object of Jina. A model for text reads no images."""
    text = item.get("text")
    if isinstance(text, str) and set(item) == {"text"}:
        return text
    raise Problem(
        Kind.INVALID,
        f"{place_of('input', place)} has {', '.join(map(repr, sorted(item)[:4])) or 'nothing'}: this model reads "
        "objects with text alone",
        field="input",
    )
