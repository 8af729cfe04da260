"""TEI's part of `/rerank`, `/embed` and `/info`: https://huggingface.github.io/text-embeddings-inference."""

from __future__ import annotations

from typing import Literal

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict
from starlette.concurrency import run_in_threadpool

from shortlist.protocols import CountsTokens
from shortlist.redaction import public_name
from shortlist.search.scores import info_of
from shortlist.server.answers import Json, json_array
from shortlist.server.batching.embedding import EmbedRequest, embed, encoder_of
from shortlist.server.bodies import Query, Strings, Texts, described, read
from shortlist.server.components import Components, components_of
from shortlist.server.problems import Kind, Problem
from shortlist.server.reranking import RerankRequest, rerank

router = APIRouter()

Direction = Literal["right", "Right", "left", "Left"]
RERANKER = {"reranker": {"id2label": {"0": "LABEL_0"}, "label2id": {"LABEL_0": 0}}}


class TeiRequest(BaseModel):
    """A request. Without `truncate`, a text that would be cut is an error. Unknown fields are ignored."""

    model_config = ConfigDict(strict=True)

    query: Query
    texts: Texts
    raw_scores: bool | None = None
    return_text: bool | None = None
    truncate: bool | None = None
    truncation_direction: Direction | None = None


async def answer(components: Components, body: TeiRequest) -> Json:
    """Answer with every text, best first, as a bare array."""
    truncate = may_truncate(components, body.truncate, body.truncation_direction)
    result = await rerank(
        components, RerankRequest(body.query, body.texts, "texts", truncate=truncate, raw=bool(body.raw_scores))
    )
    return Json(
        [
            {"index": place, "score": score} | ({"text": body.texts[place]} if body.return_text else {})
            for place, score in zip(result.places, result.scores, strict=True)
        ]
    )


class TeiEmbedRequest(BaseModel):
    """A request to `/embed`, which the Hugging Face client's feature extraction calls. Unknown fields are ignored."""

    model_config = ConfigDict(strict=True)

    inputs: str | Strings
    truncate: bool | None = None
    truncation_direction: Direction | None = None
    normalize: bool | None = None
    prompt_name: Literal["query", "document", "passage"] | None = None
    dimensions: int | None = None


@router.post("/embed", openapi_extra=described(TeiEmbedRequest))
async def embeddings(request: Request) -> Json:
    """Answer with one vector for each text, as a bare array of arrays, TEI."""
    components = components_of(request)
    body = await read(request, TeiEmbedRequest, components.limits.max_body)
    if body.normalize is False:
        raise Problem(
            Kind.INVALID,
            "the model's files decide whether vectors are normalized: leave normalize out",
            field="normalize",
        )
    texts = [body.inputs] if isinstance(body.inputs, str) else body.inputs
    truncate = may_truncate(components, body.truncate, body.truncation_direction)
    query = body.prompt_name == "query"
    embed_request = EmbedRequest(texts, "inputs", query=query, truncate=truncate, dimensions=body.dimensions)
    result = await embed(components, embed_request)
    return Json(await run_in_threadpool(lambda: json_array(vector.tolist() for vector in result.vectors)))


def may_truncate(components: Components, truncate: bool | None, direction: str | None) -> bool:
    """Return whether a long text may be cut, for the routes of TEI.

    Raises:
        Problem: The texts should be cut on the left.
    """
    allowed = components.limits.auto_truncate if truncate is None else truncate
    if allowed and direction is not None and direction.lower() == "left":
        raise Problem(
            Kind.INVALID,
            "texts are cut on the right only: leave truncation_direction out",
            field="truncation_direction",
        )
    return allowed


@router.get("/info")
async def info(request: Request) -> Json:
    """Answer with the facts that TEI's clients read first: the model, its window, and the texts of one request.

    TEI serves one model. Here it is the reranker, or the bi-encoder if there is no reranker. Every route of this server
    accepts the reported number of texts.
    """
    components = components_of(request)
    limits = components.limits
    if components.scorer is not None:
        reranker = info_of(components.scorer.reranker)
        name, window, kind, texts = reranker.name, reranker.window, RERANKER, limits.max_documents
    else:
        encoder = encoder_of(components)
        window = encoder.window if isinstance(encoder, CountsTokens) else None
        name, kind, texts = encoder.name, {"embedding": {}}, limits.max_inputs
    if components.encoder is not None:
        texts = min(texts, limits.max_inputs)
    return Json(
        {
            "model_id": public_name(name),
            "model_type": kind,
            "max_input_length": window,
            "max_client_batch_size": texts,
        }
    )
