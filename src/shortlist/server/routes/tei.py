"""TEI's half of `/rerank`, `/embed` and `/info`: https://huggingface.github.io/text-embeddings-inference."""

from __future__ import annotations

from typing import Literal

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict
from starlette.concurrency import run_in_threadpool

from shortlist.protocols import Encoder, Reranker, SaysWindow
from shortlist.redaction import public_name
from shortlist.server.answers import Json, array
from shortlist.server.batching.embedding import ToEmbed, embedded, encoder_of
from shortlist.server.bodies import Query, Strings, Texts, described, read
from shortlist.server.components import Parts, parts_of
from shortlist.server.problems import Kind, Problem
from shortlist.server.reranking import Call, rerank

router = APIRouter()

Direction = Literal["right", "Right", "left", "Left"]
RERANKER = {"reranker": {"id2label": {"0": "LABEL_0"}, "label2id": {"LABEL_0": 0}}}


class TeiRequest(BaseModel):
    """`truncate` False, the default, makes a text that would be cut an error. Unknown fields are passed over."""

    model_config = ConfigDict(strict=True)

    query: Query
    texts: Texts
    raw_scores: bool | None = None
    return_text: bool | None = None
    truncate: bool | None = None
    truncation_direction: Direction | None = None


async def answer(parts: Parts, asked: TeiRequest) -> Json:
    """Every text, best first, as a bare array."""
    cut = _may_cut(parts, asked.truncate, asked.truncation_direction)
    call = Call(asked.query, asked.texts, "texts", truncate=cut, raw=bool(asked.raw_scores))
    order = await rerank(parts, call)
    return Json(
        [
            {"index": place, "score": score} | ({"text": asked.texts[place]} if asked.return_text else {})
            for place, score in zip(order.places, order.scores, strict=True)
        ]
    )


class TeiEmbedRequest(BaseModel):
    """TEI's `/embed`, which the Hugging Face client's feature extraction calls. Unknown fields are passed over."""

    model_config = ConfigDict(strict=True)

    inputs: str | Strings
    truncate: bool | None = None
    truncation_direction: Direction | None = None
    normalize: bool | None = None
    prompt_name: Literal["query", "document", "passage"] | None = None
    dimensions: int | None = None


@router.post("/embed", openapi_extra=described(TeiEmbedRequest))
async def embed(request: Request) -> Json:
    """One vector a text, as a bare array of arrays, TEI."""
    parts = parts_of(request)
    asked = await read(request, TeiEmbedRequest, parts.settings.max_body)
    if asked.normalize is False:
        raise Problem(
            Kind.INVALID, "vectors are given as the model's files say: leave normalize out", field="normalize"
        )
    texts = [asked.inputs] if isinstance(asked.inputs, str) else asked.inputs
    cut = _may_cut(parts, asked.truncate, asked.truncation_direction)
    found = await embedded(
        parts,
        ToEmbed(texts, "inputs", query=asked.prompt_name == "query", truncate=cut, dimensions=asked.dimensions),
    )
    return Json(await run_in_threadpool(lambda: array(vector.tolist() for vector in found.vectors)))


def _may_cut(parts: Parts, truncate: bool | None, direction: str | None) -> bool:
    cut = parts.settings.auto_truncate if truncate is None else truncate
    if cut and direction is not None and direction.lower() == "left":
        raise Problem(Kind.INVALID, "texts are only cut on the right here: leave it out", field="truncation_direction")
    return cut


@router.get("/info")
async def info(request: Request) -> Json:
    """What TEI's clients read before they send: the model, its window, and how many texts one request may hold.

    TEI serves one model; here that is the reranker, or the bi-encoder where there is no other. The texts of a request
    are as many as each route that this server has takes.
    """
    parts = parts_of(request)
    model: Reranker | Encoder
    if parts.scorer is not None:
        model, kind, most = parts.scorer.reranker, RERANKER, parts.settings.max_documents
    else:
        model, kind, most = encoder_of(parts), {"embedding": {}}, parts.settings.max_inputs
    if parts.encoder is not None:
        most = min(most, parts.settings.max_inputs)
    return Json(
        {
            "model_id": public_name(model.name),
            "model_type": kind,
            "max_input_length": model.max_length if isinstance(model, SaysWindow) else None,
            "max_client_batch_size": most,
        }
    )
