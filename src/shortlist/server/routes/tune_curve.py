"""`/tune-curve`: a measure at every pool size, for judged queries of the request."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field

from shortlist.config.limits import LARGEST_BLEND
from shortlist.errors import InvalidInput
from shortlist.evaluation.metrics.measures import Measure, parse_with_cutoff
from shortlist.evaluation.tuning.options import SIZES
from shortlist.search.query_texts import QueryTexts
from shortlist.server.answers import Json
from shortlist.server.bodies import Query, described, read
from shortlist.server.components import Components, components_of
from shortlist.server.curves import CurveCall, curve
from shortlist.server.problems import Kind, Problem
from shortlist.server.searching import at_fusion, checked_texts_of, configured, searcher_of
from shortlist.wording.requests import path_of, place_of

router = APIRouter()

MAX_QUERIES = 200
MAX_JUDGMENTS = 1000
"""The largest number of judged ids of one query."""
MAX_SIZES = 32
MAX_COLLECTIONS = 64
MAX_PAIRS = 20_000
"""The largest number of queries, multiplied by the largest pool size."""

Grade = Annotated[int, Field(ge=-1000, le=1000)]


class JudgedQuery(BaseModel):
    """A query, and the grade of each judged id. A grade above 0 is relevant."""

    model_config = ConfigDict(extra="forbid", strict=True)

    query: Query
    relevant: Annotated[dict[str, Grade], Field(min_length=1, max_length=MAX_JUDGMENTS)]
    rerank_query: Query | None = None


class TuneCurveRequest(BaseModel):
    """Judged queries, a measure with a cutoff, and pool sizes.

    If a request does not give `blend`, `expand` or `fusion`, the server's values apply. `collections` names some of the
    server's collections.
    """

    model_config = ConfigDict(extra="forbid", strict=True)

    queries: Annotated[list[JudgedQuery], Field(fail_fast=True, min_length=1, max_length=MAX_QUERIES)]
    measure: str = "nDCG@10"
    sizes: (
        Annotated[list[Annotated[int, Field(ge=1)]], Field(fail_fast=True, min_length=1, max_length=MAX_SIZES)] | None
    ) = None
    blend: float | None = Field(None, json_schema_extra={"minimum": 0, "maximum": LARGEST_BLEND})
    expand: Literal["rm3", "none"] | None = None
    fusion: float | None = Field(None, json_schema_extra={"minimum": 0, "maximum": 1})
    collections: list[str] | None = Field(None, max_length=MAX_COLLECTIONS)


@router.post("/tune-curve", openapi_extra=described(TuneCurveRequest))
async def answer(request: Request) -> Json:
    """Measure the judged queries at every pool size, from one scoring pass of each query."""
    components = components_of(request)
    body = await read(request, TuneCurveRequest, components.limits.max_body)
    searcher = at_fusion(searcher_of(components, body.collections), body.fusion)
    queries = {path_of("queries", place): each for place, each in enumerate(body.queries)}
    try:
        call = CurveCall(
            queries={key: _texts(components, place, each) for place, (key, each) in enumerate(queries.items())},
            qrels={key: each.relevant for key, each in queries.items()},
            measure=_measure(components, body.measure),
            sizes=_sizes(components, body),
            config=configured(components, {"blend": body.blend, "expand": body.expand}).override(
                {"rerank": True, "progressive": False}
            ),
        )
        return Json(await curve(components, searcher, call))
    except InvalidInput as error:
        raise Problem(Kind.INVALID, str(error), field=error.field or "queries") from error


def _texts(components: Components, place: int, judged: JudgedQuery) -> QueryTexts:
    """Return the texts of a query, checked. A problem names its place."""
    try:
        return checked_texts_of(components, QueryTexts(judged.query, (), judged.rerank_query))
    except Problem as problem:
        message = f"{place_of('queries', place)}: {problem.message}"
        raise Problem(problem.kind, message, field=path_of("queries", place, problem.field)) from problem


def _measure(components: Components, name: str) -> Measure:
    """Return the measure.

    Raises:
        InvalidInput: An unknown name, or no cutoff.
        Problem: The cutoff is above the limit of an answer.
    """
    measure, limit = parse_with_cutoff(name[:40]), components.limits.max_documents
    if (measure.cutoff or 0) > limit:
        raise Problem(Kind.TOO_MANY, f"the cutoff of {measure} is above {limit}, the limit", field="measure")
    return measure


def _sizes(components: Components, body: TuneCurveRequest) -> tuple[int, ...]:
    """Return the pool sizes in order, each once. Without sizes in the request, the usual ones up to the limit.

    Raises:
        Problem: A size is above the limit, or the request would score too many passages.
    """
    limit = components.limits.max_documents
    usual = [size for size in SIZES if size <= limit] or [limit]
    sizes = sorted(set(usual if body.sizes is None else body.sizes))
    if sizes[-1] > limit:
        raise Problem(Kind.TOO_MANY, f"a pool size is {sizes[-1]}, and at most {limit} is allowed", field="sizes")
    if (pairs := sizes[-1] * len(body.queries)) > MAX_PAIRS:
        message = (
            f"{len(body.queries)} queries with pools of {sizes[-1]} are {pairs} passages, and at most {MAX_PAIRS} are "
            "allowed: send fewer queries or smaller sizes, or run `shortlist tune`"
        )
        raise Problem(Kind.TOO_MANY, message, field="queries")
    return tuple(sizes)
