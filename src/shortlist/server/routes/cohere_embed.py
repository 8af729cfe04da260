"""`/v2/embed` of Cohere's v2 API: https://docs.cohere.com/reference/embed."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field
from pydantic_core import to_json
from starlette.concurrency import run_in_threadpool

from shortlist.server.answers import Json, json_array
from shortlist.server.batching.embedding import Embeddings, EmbedRequest, embed, encoder_of
from shortlist.server.bodies import Texts, described, read
from shortlist.server.components import components_of
from shortlist.server.problems import Kind, Problem
from shortlist.server.reranking import check_model
from shortlist.server.vectors import FORMS

router = APIRouter()

Form = Literal["float", "int8", "uint8", "binary", "ubinary", "base64"]
Kinds = Literal["search_document", "search_query", "classification", "clustering", "image"]


class Part(BaseModel):
    """A part of an input. Only texts are read: a part of another type, or with an image, is an error."""

    model_config = ConfigDict(extra="forbid", strict=True)

    type: str
    text: str | None = None
    image_url: Any = None


class Input(BaseModel):
    """An input in parts. Its texts are read as one text, with a line end between them."""

    model_config = ConfigDict(extra="forbid", strict=True)

    content: Annotated[list[Part], Field(fail_fast=True, min_length=1)]


class CohereEmbedRequest(BaseModel):
    """A request with either `texts` or `inputs`. Unknown fields are refused, as by Cohere. `priority` has no effect.

    `input_type` "search_query" selects the prompt for queries. `truncate` is "END" or "NONE".
    """

    model_config = ConfigDict(extra="forbid", strict=True)

    model: str
    input_type: Kinds
    texts: Texts | None = None
    inputs: Annotated[list[Input], Field(fail_fast=True)] | None = None
    embedding_types: Annotated[list[Form], Field(fail_fast=True, max_length=6)] | None = None
    truncate: Literal["NONE", "START", "END"] | None = None
    output_dimension: int | None = Field(None, ge=1)
    priority: int | None = Field(None, ge=0, le=999)


@router.post("/v2/embed", openapi_extra=described(CohereEmbedRequest))
async def answer(request: Request) -> Json:
    """Embed texts, Cohere v2."""
    components = components_of(request)
    body = await read(request, CohereEmbedRequest, components.limits.max_body)
    check_model(components, body.model, encoder_of(components).name)
    forms = list(dict.fromkeys(body.embedding_types or ["float"]))
    _check(body, forms)
    texts = _texts(body)
    embed_request = EmbedRequest(
        texts,
        "texts" if body.inputs is None else "inputs",
        query=body.input_type == "search_query",
        truncate=body.truncate != "NONE",
        to_cut='send "truncate": "END"',
        dimensions=body.output_dimension,
    )
    result = await embed(components, embed_request)
    return Json(await run_in_threadpool(_written, result, forms, texts))


def _texts(body: CohereEmbedRequest) -> list[str]:
    if body.texts is not None and body.inputs is not None:
        raise Problem(Kind.INVALID, "texts and inputs are both given: give one of them", field="texts")
    if body.inputs is None:
        if body.texts is None:
            raise Problem(Kind.INVALID, "the field 'texts' is required", field="texts")
        return body.texts
    return ["\n".join(_text(part, number) for part in each.content) for number, each in enumerate(body.inputs)]


def _text(part: Part, number: int) -> str:
    if part.type != "text" or part.text is None or part.image_url is not None:
        content = "has an image" if part.type == "text" and part.text else f"has a part of type {part.type!r}"
        raise Problem(
            Kind.INVALID,
            f"item {number} (counted from 0) of the field 'inputs' {content}: send parts of type 'text' with a text",
            field="inputs",
        )
    return part.text


def _check(body: CohereEmbedRequest, forms: Sequence[str]) -> None:
    if body.input_type == "image":
        raise Problem(Kind.INVALID, "this model reads no images: use another input_type", field="input_type")
    if body.truncate == "START":
        raise Problem(Kind.INVALID, "texts are cut at their end alone: use END or NONE", field="truncate")
    unknown = next((form for form in forms if form not in FORMS), None)
    if unknown is not None:
        raise Problem(
            Kind.INVALID,
            f"embedding_types has {unknown}, which needs a calibration that this model lacks: use {', '.join(FORMS)}",
            field="embedding_types",
        )


def _written(embeddings: Embeddings, forms: Sequence[str], texts: list[str]) -> bytes:
    parts = [to_json(form) + b":" + json_array(FORMS[form](vector) for vector in embeddings.vectors) for form in forms]
    meta: dict[str, Any] = {
        "api_version": {"version": "2"},
        "billed_units": {"input_tokens": embeddings.tokens},
    }
    if embeddings.truncated:
        meta["warnings"] = [f"{embeddings.truncated} of {len(texts)} texts were cut to the model's window"]
    rest = to_json({"id": str(uuid.uuid4()), "texts": texts, "meta": meta, "response_type": "embeddings_by_type"})
    return rest[:-1] + b',"embeddings":{' + b",".join(parts) + b"}}"
