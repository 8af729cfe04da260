"""`/predict` and `/similarity` of TEI: https://huggingface.github.io/text-embeddings-inference."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal

import numpy as np
from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema

from shortlist.server.answers import Json
from shortlist.server.batching.embedding import EmbedRequest, embed
from shortlist.server.bodies import Query, Strings, Texts, described, read
from shortlist.server.components import components_of
from shortlist.server.pair_scores import Pair, score_pairs
from shortlist.server.problems import Kind, Problem
from shortlist.server.routes.tei import Direction, may_truncate
from shortlist.wording.requests import place_of

router = APIRouter()

LABEL = "LABEL_0"
"""The name of the only class of a cross-encoder."""
TEXT = {"type": "string", "minLength": 1}
PAIR = {"type": "array", "minItems": 2, "maxItems": 2, "items": TEXT}
PAIRS = {"anyOf": [PAIR, {"type": "array", "minItems": 1, "items": PAIR}]}


class PredictRequest(BaseModel):
    """A request: a pair of a query and a text, or a list of such pairs. Unknown fields are ignored."""

    model_config = ConfigDict(strict=True)

    inputs: Annotated[str | Strings | Annotated[list[str | Strings], Field(fail_fast=True)], WithJsonSchema(PAIRS)]
    raw_scores: bool | None = None
    truncate: bool | None = None
    truncation_direction: Direction | None = None


@router.post("/predict", openapi_extra=described(PredictRequest))
async def predictions(request: Request) -> Json:
    """Score a pair or several pairs in the order of the request, TEI."""
    components = components_of(request)
    body = await read(request, PredictRequest, components.limits.max_body)
    truncate = may_truncate(components, body.truncate, body.truncation_direction)
    single = isinstance(body.inputs, list) and all(isinstance(item, str) for item in body.inputs)
    given: Sequence[Any] = [body.inputs] if single or isinstance(body.inputs, str) else body.inputs
    pairs = [_pair(item, place, single=single) for place, item in enumerate(given)]
    result = await score_pairs(components, pairs, "inputs", truncate=truncate, raw=bool(body.raw_scores))
    rows = [[{"score": score, "label": LABEL}] for score in result.scores]
    return Json(rows[0] if single else rows)


def _pair(given: object, place: int, *, single: bool) -> Pair:
    """Return an item of `inputs` as a pair. If `single` is true, `inputs` itself is the pair."""
    if isinstance(given, list) and len(given) == 2:
        before = ("inputs",) if single else ("inputs", place)
        return Pair(str(given[0]), str(given[1]), (*before, 0), (*before, 1))
    raise Problem(
        Kind.INVALID,
        f"{place_of('inputs', place)} is not a pair: this model scores a query with a text. Give [query, text], "
        "or a list of such pairs",
        field="inputs",
    )


class Sentences(BaseModel):
    """The sentences of a request to `/similarity`."""

    model_config = ConfigDict(strict=True)

    source_sentence: Query
    sentences: Texts


class Parameters(BaseModel):
    """The parameters of a request to `/similarity`."""

    model_config = ConfigDict(strict=True)

    truncate: bool | None = None
    truncation_direction: Direction | None = None
    prompt_name: Literal["query", "document", "passage"] | None = None


class SimilarityRequest(BaseModel):
    """A request. Unknown fields are ignored. The schema has no references: it becomes a part of a larger document."""

    model_config = ConfigDict(strict=True)

    inputs: Annotated[Sentences, WithJsonSchema(Sentences.model_json_schema())]
    parameters: Annotated[Parameters | None, WithJsonSchema(Parameters.model_json_schema())] = None


@router.post("/similarity", openapi_extra=described(SimilarityRequest))
async def similarities(request: Request) -> Json:
    """Answer with the cosine of the source sentence and each sentence, as a bare array, TEI."""
    components = components_of(request)
    body = await read(request, SimilarityRequest, components.limits.max_body)
    parameters = body.parameters or Parameters()
    truncate = may_truncate(components, parameters.truncate, parameters.truncation_direction)
    texts = [body.inputs.source_sentence, *body.inputs.sentences]
    if len(texts) == 1:
        raise Problem(Kind.EMPTY, "inputs.sentences is empty: give at least one", field="inputs")
    query = parameters.prompt_name == "query"
    to_cut = 'send "parameters": {"truncate": true}'
    result = await embed(components, EmbedRequest(texts, "inputs", query=query, truncate=truncate, to_cut=to_cut))
    lengths = np.linalg.norm(result.vectors, axis=1)
    cosines = result.vectors[1:] @ result.vectors[0] / np.maximum(lengths[1:] * lengths[0], np.finfo(np.float32).tiny)
    return Json([float(cosine) for cosine in cosines])
