"""`/search`: both stages over the index of the server."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from anyio.to_thread import run_sync
from fastapi import APIRouter, Request
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_core import PydanticCustomError

from shortlist.config.limits import LARGEST, LARGEST_BLEND
from shortlist.config.search_config import PER_SEARCH
from shortlist.errors import InvalidInput, NotFitted, ShortlistError
from shortlist.search.context import ContextOptions, check_context, context_of
from shortlist.search.filters import where_of
from shortlist.search.neighbours import MOST
from shortlist.search.query_texts import MOST_QUERIES, QueryTexts
from shortlist.server.answers import Json
from shortlist.server.bodies import Query, described, read
from shortlist.server.components import Components, components_of
from shortlist.server.middleware.logs import log_event
from shortlist.server.problems import Kind, Problem, problem_of
from shortlist.server.searching import SearchCall, at_fusion, checked_texts_of, configured, search, searcher_of
from shortlist.text import is_markdown, marked, snippet
from shortlist.types import Ranking
from shortlist.wording import describe, worded, worded_notes

router = APIRouter()
LOG = logging.getLogger(__name__)

SNIPPET = 200
"""The largest number of characters in a snippet."""
MAX_FIELDS = 64
MAX_VALUES = 1024
"""The largest number of fields in a filter, and of values in all its fields. The index checks each value separately."""

Scalar = str | int | float | bool


def _check_size(where: Any) -> Any:
    """Refuse a filter that is too large before anything in it is read."""
    if isinstance(where, list) and len(where) > MAX_VALUES:
        raise _too_many("conditions", len(where), MAX_VALUES)
    if not isinstance(where, dict):
        return where
    if len(where) > MAX_FIELDS:
        raise _too_many("fields", len(where), MAX_FIELDS)
    values = sum(map(_size, where.values()))
    if values > MAX_VALUES:
        raise _too_many("values in all", values, MAX_VALUES)
    return where


def _size(content: Any) -> int:
    if isinstance(content, dict):
        return sum(map(_size, content.values()))
    return len(content) if isinstance(content, list) else 1


def _too_many(what: str, count: int, limit: int) -> PydanticCustomError:
    return PydanticCustomError(
        "too_many", "{count} {what}, at most {limit}: send fewer", {"what": what, "count": count, "limit": limit}
    )


Values = Scalar | Annotated[list[Scalar], Field(fail_fast=True)]
Filter = Annotated[
    dict[str, Values | dict[str, Values]] | str | Annotated[list[str], Field(fail_fast=True)],
    BeforeValidator(_check_size),
]


def _documented_bound(**schema: float) -> Any:
    """Describe a bound in the OpenAPI document. `SearchConfig` checks it, as it does for every surface."""
    return Field(None, json_schema_extra=dict(schema))


class SearchRequest(BaseModel):
    """A request. The fields of `PER_SEARCH` and `where` have the same meaning as in Python: see `SearchConfig`.

    A request cannot name a function for `expand`. If a request does not give a field, the field has the server's value.
    `collections` names some of the server's collections. `fusion` is the weight of the vectors in stage one.
    `budget_ms` limits the wall-clock time in milliseconds. `fail` applies if the reranker fails: "open" answers in
    stage one's order, and "closed" answers with an error. `context`, `neighbours`, `section` and `budget_tokens` add
    the hits as one text for a prompt, "context".
    """

    model_config = ConfigDict(extra="forbid", strict=True)

    query: Query
    queries: Annotated[list[str], Field(fail_fast=True, max_length=MOST_QUERIES)] | None = None
    rerank_query: Query | None = None
    collections: list[str] | None = Field(None, max_length=MAX_FIELDS)
    top_k: int | None = _documented_bound(minimum=1, maximum=LARGEST)
    pool_size: int | Literal["auto"] | None = _documented_bound(minimum=1, maximum=LARGEST)
    effort: Literal["low", "mid", "high"] | None = None
    where: Filter | None = None
    min_score: float | None = None
    min_probability: float | None = _documented_bound(minimum=0, maximum=1)
    rerank: bool | None = None
    blend: float | None = _documented_bound(minimum=0, maximum=LARGEST_BLEND)
    progressive: bool | None = None
    tail: bool | None = None
    duplicates: bool | None = None
    per_document: int | None = _documented_bound(minimum=1, maximum=LARGEST)
    mmr: float | None = _documented_bound(minimum=0, maximum=1)
    expand: Literal["rm3", "none"] | None = None
    gate: bool | None = None
    fusion: float | None = _documented_bound(minimum=0, maximum=1)
    budget_ms: float | None = Field(None, ge=0, le=600_000)
    fail: Literal["open", "closed"] = "open"
    context: bool | None = None
    neighbours: int | None = _documented_bound(minimum=0, maximum=MOST)
    section: bool | None = None
    budget_tokens: int | None = _documented_bound(minimum=1, maximum=LARGEST)

    @property
    def context_options(self) -> ContextOptions | None:
        """The options of the context, or None if the request asks for no context.

        Raises:
            InvalidInput: See `ContextOptions`; or `context` is false and another field asks for a context.
        """
        fields = ("neighbours", "section", "budget_tokens")
        given = {name: value for name in fields if (value := getattr(self, name)) is not None}
        asking = [name for name, value in given.items() if value is not False]
        if self.context is False and asking:
            raise InvalidInput(
                f"context is false, and {asking[0]} asks for a context: give one of them", field="context"
            )
        options = ContextOptions(**given)
        return options if self.context or asking else None


@router.post("/search", openapi_extra=described(SearchRequest))
async def answer(request: Request) -> Json:
    """Search the index in both stages."""
    components = components_of(request)
    body = await read(request, SearchRequest, components.limits.max_body)
    searcher = at_fusion(searcher_of(components, body.collections), body.fusion)
    parts = components.context_parts or searcher.context_parts
    try:
        options = body.context_options
        if options is not None:
            check_context(options, parts)
        texts = QueryTexts(body.query, tuple(body.queries or ()), body.rerank_query)
        given = {name: getattr(body, name) for name in PER_SEARCH}
        call = SearchCall(
            checked_texts_of(components, texts),
            configured(components, given),
            components.names.where(where_of(body.where)),
            None if body.budget_ms is None else body.budget_ms / 1000,
            given.get("pool_size") is not None,
        )
        ranking, failure = await search(components, searcher, call)
        context = None if options is None else await run_sync(context_of, ranking, options, parts)
    except InvalidInput as error:  # only errors of the filter have no field
        raise Problem(Kind.INVALID, str(error), field=error.field or "where") from error
    except NotFitted as error:
        log_event(LOG, "not fitted", logging.WARNING, reason=components.names.message(str(error)))
        raise problem_of(error) from error
    shown = components.names.ranking(ranking)
    if failure is not None and body.fail == "closed":
        raise _failure(shown, failure)
    content = _answer(shown, components, body.query)
    if context is not None:
        content["context"] = {**context.to_dict(), "notes": worded_notes(context.notes)}
    return Json(content)


def _failure(ranking: Ranking, failure: ShortlistError) -> Problem:
    """Return the problem for a request that accepts only reranked answers."""
    problem = problem_of(failure)
    if problem.kind in (Kind.INVALID, Kind.TOO_LONG):
        return problem
    note = ranking.note("rerank_failed")
    message = describe(note) if note is not None else "not reranked"
    return Problem(Kind.UNAVAILABLE, message, retry_after=problem.retry_after)


def _answer(ranking: Ranking, components: Components, query: str) -> dict[str, Any]:
    """Return `Ranking.to_dict` with worded notes, a snippet of each hit, and the judgments of a judged query."""
    body = worded(ranking)
    for hit in body["hits"]:
        hit["snippet"] = _snippet(hit, query)
    labels = components.labels.get(query.strip())
    shown = components.names.shown
    sees = components.sees
    relevant = None if labels is None else {shown(key): grade for key, grade in labels.items() if sees(key)}
    return {**body, "labels": None if relevant is None else {"relevant": relevant}}


def _snippet(hit: Mapping[str, Any], query: str) -> list[dict[str, Any]]:
    """Return the part of the text that fits the query, without Markdown, in pieces. `match`: a word of the query."""
    pieces = marked(snippet(hit["text"], query, SNIPPET, markdown=is_markdown(hit["metadata"])), query)
    return [{"text": text, "match": match} for text, match in pieces]
