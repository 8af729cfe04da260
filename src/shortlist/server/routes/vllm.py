"""`/v1/score` and `/score` of vLLM: https://docs.vllm.ai/en/latest/serving/openai_compatible_server.html."""

from __future__ import annotations

import time
import uuid
from collections.abc import Sequence

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict

from shortlist.search.scores import info_of
from shortlist.server.answers import Json
from shortlist.server.bodies import Query, Texts, described, read
from shortlist.server.components import Components, components_of
from shortlist.server.pair_scores import score_pairs
from shortlist.server.problems import Kind, Problem
from shortlist.server.reranking import check_model, scorer_of, single_size

router = APIRouter()


class ScoreRequest(BaseModel):
    """A request. `text_1` and `text_2` are also named `queries` and `documents`. Unknown fields are ignored.

    One text of the first field is scored with every text of the second. Lists of the same length are scored in pairs.
    """

    model_config = ConfigDict(strict=True)

    model: str | None = None
    text_1: Query | Texts | None = None
    text_2: Query | Texts | None = None
    queries: Query | Texts | None = None
    documents: Query | Texts | None = None
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
    result = await score_pairs(
        components,
        _pairs(body),
        "text_2" if body.text_2 is not None else "documents",
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


def _pairs(body: ScoreRequest) -> list[tuple[str, str]]:
    first = _listed("text_1", body.text_1, "queries", body.queries)
    second = _listed("text_2", body.text_2, "documents", body.documents)
    if len(first) == 1:
        return [(first[0], text) for text in second]
    if len(first) != len(second):
        raise Problem(
            Kind.INVALID,
            f"text_1 has {len(first)} texts and text_2 has {len(second)}: give one text_1, or as many as text_2 has",
            field="text_1",
        )
    return list(zip(first, second, strict=True))


def _listed(
    name: str, given: str | Sequence[str] | None, other: str, also: str | Sequence[str] | None
) -> Sequence[str]:
    if given is not None and also is not None:
        raise Problem(Kind.INVALID, f"{name} and {other} are both given: give one of them", field=name)
    texts = also if given is None else given
    if texts is None:
        raise Problem(Kind.INVALID, f"the field {name!r} is required", field=name)
    return [texts] if isinstance(texts, str) else texts


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
