"""`/why`: the words of a query that put one passage above another, in each stage."""

from __future__ import annotations

from dataclasses import asdict

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict
from starlette.concurrency import run_in_threadpool

from shortlist.errors import InvalidInput
from shortlist.search.explain import check_words
from shortlist.server.bodies import Query, described, json_of, parsed
from shortlist.server.components import components_of
from shortlist.server.explaining import both_models, compared, compared_passages, passages_of
from shortlist.server.problems import Kind, Problem

router = APIRouter()

PASSAGE_FIELDS = frozenset({"id_a", "id_b", "text_a", "text_b"})
"""The fields that name the two passages, by id or by text."""


class WhyById(BaseModel):
    """Two passages of the index, by the ids that `/search` shows."""

    model_config = ConfigDict(extra="forbid", strict=True)

    query: Query
    id_a: str
    id_b: str


class WhyByText(BaseModel):
    """Two passages by their texts."""

    model_config = ConfigDict(extra="forbid", strict=True)

    query: Query
    text_a: Query
    text_b: Query


@router.post("/why", openapi_extra=described(WhyByText, WhyById))
async def answer(request: Request) -> JSONResponse:
    """Leave out one word of the query at a time, and answer with what each word adds to the margin of A over B."""
    components = components_of(request)
    fields = await json_of(request, components.limits.max_body)
    given = {name for name in PASSAGE_FIELDS if fields.get(name) is not None}
    if not given:
        raise Problem(Kind.INVALID, "give two passages: id_a and id_b, or text_a and text_b")
    by_text = "text_a" in given or "text_b" in given
    body = parsed(WhyByText, fields) if by_text else parsed(WhyById, fields)
    both_models(components)
    _check(body, components.limits.max_characters)
    if isinstance(body, WhyByText):
        explanation = await compared(components, body.query, body.text_a, body.text_b)
    else:
        a, b = await run_in_threadpool(passages_of, components, body.query, [body.id_a, body.id_b])
        explanation = await compared_passages(components, body.query, a, b)
    return JSONResponse(asdict(explanation))


def _check(body: WhyById | WhyByText, max_characters: int) -> None:
    texts = {"query": body.query}
    if isinstance(body, WhyByText):
        texts |= {"text_a": body.text_a, "text_b": body.text_b}
    for name, text in texts.items():
        if not text.strip():
            raise Problem(Kind.EMPTY, f"{name} is empty: give at least one word", field=name)
        if len(text) > max_characters:
            raise Problem(Kind.TOO_LONG, f"{name} is longer than {max_characters} characters", field=name)
    try:
        check_words(body.query)
    except InvalidInput as error:
        raise Problem(Kind.TOO_LONG, str(error), field="query") from error
