"""One search in both stages, without blocking the event loop and within a budget."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from starlette.concurrency import run_in_threadpool

from shortlist.errors import InvalidInput, ModelError, QueueFull, ShortlistError
from shortlist.protocols import Declines, Encoder
from shortlist.redaction import public_name
from shortlist.search.pipeline import Shortlist, placed
from shortlist.server.batching.scorer import Scored, Scorer
from shortlist.server.batching.worker import in_one_call
from shortlist.server.middleware.logs import say
from shortlist.server.middleware.tracing import NO_SPANS, RerankSpans
from shortlist.types import Hit, Where

LOG = logging.getLogger(__name__)

Status = Literal["ok", "partial", "off", "declined", "failed"]

CHUNK = 8
"""Passages that are scored between two looks at the clock, where there is a budget."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One search. `budget` is in seconds from the start, None for no limit."""

    query: str
    pool_size: int
    k: int
    where: Where | None = None
    rerank: bool = True
    budget: float | None = None


@dataclass(frozen=True, slots=True)
class Searched:
    """Every hit of the pool, best first: the scored ones, and then the others in stage one's order.

    `why_not` says why the status is not "ok". `seconds` maps "retrieve", "rerank" and "total" to wall-clock time.
    """

    hits: Sequence[Hit]
    status: Status
    why_not: str
    scored: int
    query_cut: bool
    seconds: Mapping[str, float]
    failure: ShortlistError | None = None


async def search(
    shortlist: Shortlist,
    encoder: Encoder | None,
    scorer: Scorer | None,
    asked: Asked,
    spans: RerankSpans = NO_SPANS,
) -> Searched:
    """The pool in both stages. A reranker that fails leaves stage one's order, and `failure` holds its error.

    Raises:
        InvalidInput: An empty query, or a filter that can't be used.
    """
    began = time.perf_counter()
    pool, query_cut, declined = await run_in_threadpool(_stage_one, shortlist, encoder, asked)
    retrieved = time.perf_counter()
    status, why_not, failure = _beforehand(shortlist, scorer, asked, declined), declined, None
    hits, stopped = list(pool), ""
    if scorer is not None and status == "ok":
        deadline = None if asked.budget is None else began + asked.budget
        try:
            texts = [hit.passage.content for hit in pool]
            with spans.rerank(scorer.name, asked.query, texts, asked.k) as tell:
                found, stopped = await _scored(scorer, asked.query, texts, deadline)
                done = len(found.scores)
                hits = [*placed(pool[:done], found.scores, found.truncated, shortlist.weights), *pool[done:]]
                tell(_answered(hits[: asked.k]))
        except ShortlistError as error:
            status, why_not, failure = "failed", _reason(error), error
            say(LOG, "search left in stage one's order", logging.WARNING, error)
    scored = sum(hit.rerank_score is not None for hit in hits)
    if status == "ok" and scored < len(pool):
        status, why_not = "partial", f"{stopped} after {scored} of {len(pool)} passages"
    elif status == "off":
        why_not = "reranking was not asked for" if not asked.rerank else "this server has no reranker"
    ended = time.perf_counter()
    seconds = {"retrieve": retrieved - began, "rerank": ended - retrieved, "total": ended - began}
    return Searched(hits, status, why_not, scored, query_cut, seconds, failure)


def _answered(hits: Sequence[Hit]) -> dict[int, float]:
    """Of those hits that were scored, in order: place in the pool -> the reranker's score."""
    return {hit.retrieval_rank - 1: hit.rerank_score for hit in hits if hit.rerank_score is not None}


def _stage_one(shortlist: Shortlist, encoder: Encoder | None, asked: Asked) -> tuple[list[Hit], bool, str]:
    """The pool, whether the bi-encoder read only the query's start, and why the reranker leaves the query alone."""
    pool = shortlist.retriever.retrieve(asked.query, asked.pool_size, asked.where)
    cuts = getattr(encoder, "cuts_query", None)
    reranker = shortlist.reranker
    declined = reranker.declines(asked.query) if asked.rerank and isinstance(reranker, Declines) else ""
    if reranker is not None:
        declined = declined.replace(reranker.name, public_name(reranker.name))
    return pool, bool(cuts(asked.query)) if callable(cuts) else False, declined


def _beforehand(shortlist: Shortlist, scorer: Scorer | None, asked: Asked, declined: str) -> Status:
    if not asked.rerank or scorer is None or shortlist.reranker is None:
        return "off"
    return "declined" if declined else "ok"


def _reason(error: ShortlistError) -> str:
    """The error in words that may leave this host."""
    said = isinstance(error, QueueFull | InvalidInput)
    return str(error) if said else f"the reranker failed ({type(error).__name__})"


async def _scored(scorer: Scorer, query: str, texts: Sequence[str], deadline: float | None) -> tuple[Scored, str]:
    """The scores of as many leading texts as were done by the deadline, and what stopped it from being all.

    Passages are scored in stage one's order. A reranker that is not pointwise gets them all in one call, since scores
    of several lists do not compare, and so does one that another machine runs: at the deadline it has all or none.
    """
    try:
        if deadline is None:
            return await scorer.score(query, texts), ""
        chunk = max(1, len(texts)) if in_one_call(scorer.reranker) else CHUNK
        return await _scored_until(scorer, query, texts, deadline, chunk)
    except ShortlistError:
        raise
    except Exception as error:  # a runtime's errors share no base but Exception
        raise ModelError(f"the reranker failed: {error}") from error


async def _scored_until(
    scorer: Scorer, query: str, texts: Sequence[str], deadline: float, chunk: int
) -> tuple[Scored, str]:
    """The scores of as many leading texts as were done by the deadline, and what ended it; the rest is cancelled.

    Raises:
        QueueFull: There was no room for the first texts. Where there is none for later ones, the earlier stand.
    """
    scores: list[float] = []
    cut: list[bool] = []
    tokens, stopped = 0, "the budget ran out"
    for start in range(0, len(texts), chunk):
        left = deadline - time.perf_counter()
        if left <= 0:
            break
        try:
            part = await asyncio.wait_for(scorer.score(query, texts[start : start + chunk]), left)
        except asyncio.TimeoutError:
            break
        except QueueFull:
            if not scores:
                raise
            stopped = "the queue filled up"
            break
        scores += part.scores
        cut += part.truncated
        tokens += part.tokens
    return Scored(scores, cut, tokens), stopped
