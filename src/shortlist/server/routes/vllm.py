"""`/v1/score` and `/score` of vLLM: https://docs.vllm.ai/en/latest/serving/openai_compatible_server.html."""

from __future__ import annotations

import time
import uuid
from collections.abc import Sequence
from typing import TypeAlias

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict

from shortlist.search.scores import info_of
from shortlist.server.answers import Json
from shortlist.server.bodies import Query, Texts, described, read
from shortlist.server.components import Components, components_of
from shortlist.server.pair_scores import Pair, score_pairs
from shortlist.server.problems import Kind, Problem
from shortlist.server.reranking import check_model, scorer_of, single_size
from shortlist.wording.requests import ValuePath

router = APIRouter()

FIRST, SECOND = ("text_1", "queries", "data_1"), ("text_2", "documents", "data_2")
"""The names of the two sides of a request."""

Texted: TypeAlias = tuple[str, Sequence[tuple[str, ValuePath]]]
"""A field of a request, and its texts with their places."""


class ScoreRequest(BaseModel):
    """A request. `text_1` and `text_2` are also named `queries` and `documents`, or `data_1` and `data_2`.

    One text of the first field is scored with every text of the second. Lists of the same length are scored in pairs.
    Unknown fields are ignored.
    """

    model_config = ConfigDict(strict=True)

    model: str | None = None
    text_1: Query | Texts | None = None
    text_2: Query | Texts | None = None
    queries: Query | Texts | None = None
    documents: Query | Texts | None = None
    data_1: Query | Texts | None = None
    data_2: Query | Texts | None = None
    truncate_prompt_tokens: int | None = None
    activation: bool | None = None
    use_activation: bool | None = None


@router.post("/v1/score", openapi_extra=described(ScoreRequest))
@router.post("/score", openapi_extra=described(ScoreRequest))
async def answer(request: Request) -> Json:
    """Score pairs of texts in the order of the request, vLLM."""
    components = components_of(request)
    body = await read(request, ScoreRequest, components.limits.max_body)
    name = check_model(components, body.model, scorer_of(components).name)
    activation = single_size([("activation", body.activation), ("use_activation", body.use_activation)])
    first, second = _given(body, FIRST, SECOND), _given(body, SECOND, FIRST)
    result = await score_pairs(
        components,
        _pairs(first, second),
        second[0],
        truncate=_may_cut(components, body.truncate_prompt_tokens),
        raw=activation is False,
    )
    data = [{"index": place, "object": "score", "score": score} for place, score in enumerate(result.scores)]
    return Json(
        {
            "id": f"score-{uuid.uuid4()}",
            "object": "list",
            "created": int(time.time()),
            "model": name,
            "data": data,
            "usage": {"prompt_tokens": result.tokens, "total_tokens": result.tokens, "completion_tokens": 0},
        }
    )


def _pairs(first_field: Texted, second_field: Texted) -> list[Pair]:
    (first_name, first), (second_name, second) = first_field, second_field
    if len(first) == 1:
        first = list(first) * len(second)
    if len(first) != len(second):
        raise Problem(
            Kind.INVALID,
            f"{first_name} has {len(first)} texts and {second_name} has {len(second)}: "
            f"give one text in {first_name}, or as many as {second_name} has",
            field=first_name,
        )
    return [
        Pair(query, text, query_place, text_place)
        for (query, query_place), (text, text_place) in zip(first, second, strict=True)
    ]


def _given(body: ScoreRequest, names: Sequence[str], others: Sequence[str]) -> Texted:
    """Return the field that the request gives, and its texts. `others` are the names of the other side, in order."""
    given = [name for name in names if getattr(body, name) is not None]
    if len(given) > 1:
        raise Problem(Kind.INVALID, f"{given[0]} and {given[1]} are both given: give one of them", field=given[0])
    if not given:
        partner = next((place for place, name in enumerate(others) if getattr(body, name) is not None), 0)
        raise Problem(Kind.INVALID, f"the field {names[partner]!r} is required", field=names[partner])
    name, value = given[0], getattr(body, given[0])
    texts = [(value, (name,))] if isinstance(value, str) else [(text, (name, item)) for item, text in enumerate(value)]
    return name, texts


def _may_cut(components: Components, tokens: int | None) -> bool:
    """Return whether a long text may be cut: if the request names a length, which must not be below the window."""
    window = info_of(scorer_of(components).reranker).window
    if tokens is not None and tokens != -1 and (tokens < 1 or (window is not None and tokens < window)):
        raise Problem(
            Kind.INVALID,
            f"truncate_prompt_tokens is {tokens}, and texts are cut at the window of the model alone: use -1",
            field="truncate_prompt_tokens",
        )
    return tokens is not None
