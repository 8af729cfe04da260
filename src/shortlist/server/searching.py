"""One search without blocking the event loop, within a time budget.

`Search.begin` retrieves the pool in a thread. The scorer, which is shared by all requests, scores the texts that
`Pending.next_texts` names. `Pending.finish` makes the answer.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, replace
from typing import Any, cast

import anyio
from anyio.to_thread import run_sync

from shortlist.config import SearchConfig
from shortlist.config.efforts import pool_of
from shortlist.errors import InvalidInput, ModelError, QueueFull, ShortlistError
from shortlist.protocols import Fuses, Retriever
from shortlist.retrievers.hybrid import checked_fusion
from shortlist.search.pending import Cause, Pending
from shortlist.search.query_texts import QueryTexts, texts_of
from shortlist.search.scores import info_of
from shortlist.search.search import Search, scores_of
from shortlist.server.batching.progressive import is_progressive
from shortlist.server.batching.worker import needs_one_call
from shortlist.server.components import Components
from shortlist.server.middleware.logs import log_event
from shortlist.server.middleware.observer import Observer
from shortlist.server.problems import Kind, Problem
from shortlist.server.reranking import check_query
from shortlist.types import Note, Ranking, Scores, Where

LOG = logging.getLogger(__name__)

CHUNK = 8
"""The passages that are scored between two checks of the time, if there is a budget."""


@dataclass(frozen=True, slots=True)
class SearchCall:
    """One search. `budget` is in seconds from its start; None means no limit.

    `fixed_pool` is true if the request gave the pool size itself, so that load does not change it.
    """

    query: QueryTexts
    config: SearchConfig
    where: Where | None = None
    budget: float | None = None
    fixed_pool: bool = False


def searcher_of(components: Components, collections: Sequence[str] | None = None) -> Search:
    """Return the search of the server, over the collections that a request names or its key may search.

    Raises:
        Problem: The server has none; or see `Collections.chosen`.
    """
    if components.search is None:
        raise Problem(
            Kind.UNAVAILABLE, "this server has no index: start it with --index DIR or --retriever NAME to search"
        )
    if components.collections is None:
        if collections is not None:
            message = "what this server searches has no name: leave out collections"
            raise Problem(Kind.INVALID, message, field="collections")
        return components.search
    return components.collections.within(components.collections.chosen(collections))


def at_fusion(searcher: Search, fusion: float | None) -> Search:
    """Return the search with this weight of the vectors in its fused order. None: the search itself.

    The stored stop rule, gate and probabilities were fitted for another order, so the new search has none.

    Raises:
        InvalidInput: The retriever does not fuse two lists, or the weight is outside 0 to 1.
    """
    retriever = searcher.retriever
    if fusion is None or (isinstance(retriever, Fuses) and retriever.fusion == fusion):
        return searcher
    if not isinstance(retriever, Fuses):
        raise InvalidInput(
            "fusion weighs the vectors against BM25, and this server does not fuse both: leave out fusion",
            field="fusion",
        )
    weighed = copy(retriever)
    weighed.fusion = checked_fusion(fusion)
    return replace(searcher, retriever=cast("Retriever", weighed), fits=None)


def checked_texts_of(components: Components, query: str | QueryTexts) -> QueryTexts:
    """Return the texts of a request, checked.

    Raises:
        InvalidInput: As `search.query_texts.query_texts`.
        Problem: A text is empty or too long.
    """
    given = query if isinstance(query, QueryTexts) else QueryTexts(query)
    for field, text in given.fields.items():
        check_query(components, text, field)
    return texts_of(given)


def configured(components: Components, options: Mapping[str, Any]) -> SearchConfig:
    """Return the configuration of a request; None means "not given". Sizes that are not given shrink to the limit.

    Raises:
        InvalidInput: Values that cannot be used.
        Problem: A given size is above the limit, or there is no search.
    """
    limit = components.limits.max_documents
    for name in ("pool_size", "top_k"):
        size = options.get(name)
        if isinstance(size, int) and size > limit:
            raise Problem(Kind.TOO_MANY, f"{name} is {size}, and at most {limit} is allowed", field=name)
    config = searcher_of(components).configured(options)
    pool_size, _ = config.sizes
    if isinstance(pool_size, int) and pool_size > limit:
        config = config.override({"pool_size": limit})
    return config.override({"top_k": limit}) if config.sizes[1] > limit else config


def eased(components: Components, call: SearchCall) -> tuple[SearchConfig, list[Note]]:
    """Return the configuration of a search under the load of the server, and a note if its effort is lower.

    The effort is that of `Components.effort_under_load` if this level has a smaller pool that still holds the answer,
    and one of these holds: more passages of other searches wait than the pool has; or the search has a budget, and the
    passages that wait and its own need more time than the budget at the measured pace.
    """
    config, effort, load = call.config, components.effort_under_load, components.load
    size, top_k = config.sizes
    if effort is None or load is None or call.fixed_pool or not config.rerank or not isinstance(size, int):
        return config, []
    pool, (waiting, pace) = pool_of(effort, config.efforts), load()
    too_slow = call.budget is not None and pace > 0 and (waiting + size) / pace > call.budget
    if pool >= size or (top_k > pool and not config.tail) or not (waiting > size or too_slow):
        return config, []
    note = Note("effort_lowered", effort=effort, pool=pool, before=size, waiting=waiting)
    return config.override({"effort": effort}), [note]


async def search(components: Components, searcher: Search, call: SearchCall) -> tuple[Ranking, ShortlistError | None]:
    """Return the answer, and the error of the reranker if it failed. The answer then keeps stage one's order.

    The observer of the server gets the numbers of the search.

    Raises:
        InvalidInput, NotFitted, StoreError, RetrieverFailed: As `Search.begin`.
        Problem: Stage one takes longer than the limit.
    """
    config, notes = eased(components, call)
    ranking, failure = await _searched(components, searcher, replace(call, config=config))
    _report(components.observer, ranking)
    return replace(ranking, notes=(*ranking.notes, *notes)) if notes else ranking, failure


def _report(observer: Observer, ranking: Ranking) -> None:
    observer.took("retrieve", ranking.seconds["retrieve"])
    if ranking.scored:
        observer.took("rerank", ranking.seconds["rerank"])
    if ranking.status == "ok":
        ranks = [hit.retrieval_rank for hit in ranking if hit.rerank_score is not None]
        observer.results(ranks, ranking.scored + ranking.dropped)


async def _searched(
    components: Components, searcher: Search, call: SearchCall
) -> tuple[Ranking, ShortlistError | None]:
    deadline = None if call.budget is None else time.perf_counter() + call.budget
    pending = await _retrieved(components, searcher, call)
    if pending.reranker is None or not pending.texts:
        return pending.finish(), None
    name = info_of(pending.reranker).name
    try:
        with components.spans.rerank(name, pending.scored_query, pending.texts, pending.top_k) as report:
            scores, cause = await _scores(components, pending, deadline)
            ranking = pending.finish(scores, cause=cause)
            report({hit.retrieval_rank - 1: hit.rerank_score for hit in ranking if hit.rerank_score is not None})
            return ranking, None
    except ShortlistError as error:
        log_event(LOG, "search left in stage one's order", logging.WARNING, error)
        return pending.finish(error=error), error


async def _retrieved(components: Components, searcher: Search, call: SearchCall) -> Pending:
    """Return the search with its pool. A retriever that does not answer in time is left to its thread."""
    seconds = components.retrieve_seconds
    try:
        with anyio.fail_after(seconds):
            return await run_sync(
                lambda: searcher.begin(call.query, where=call.where, config=call.config),
                abandon_on_cancel=seconds is not None,
            )
    except TimeoutError as error:
        message = f"stage one did not answer within {seconds:g} s: try again later"
        raise Problem(Kind.UNAVAILABLE, message) from error


async def _scores(components: Components, pending: Pending, deadline: float | None) -> tuple[Scores, Cause | None]:
    """Return the scores of the first texts, and the cause if scoring ended before the last text."""
    scores = Scores()
    for texts in _parts(pending, scores, deadline):
        left = None if deadline is None else deadline - time.perf_counter()
        if left is not None and left <= 0:
            return scores, "budget"
        try:
            with anyio.move_on_after(left) as scope:
                part = await _score(components, pending, texts)
        except QueueFull:
            if not scores:
                raise
            return scores, "queue"
        except ShortlistError:
            raise
        except Exception as error:  # the errors of a runtime share no base but Exception
            raise ModelError(f"the reranker failed: {error}") from error
        if scope.cancelled_caught:
            return scores, "budget"
        _append(scores, part)
    return scores, None


def _parts(pending: Pending, scores: Scores, deadline: float | None) -> Iterator[Sequence[str]]:
    """Yield the texts of each call. `scores` grows between the calls, and determines the next block.

    With a deadline, each call has only a few texts, because the time is checked between two calls. If one call must
    score all texts, there is only that call.
    """
    reranker = pending.reranker
    whole = deadline is None or reranker is None or needs_one_call(reranker)
    while texts := pending.next_texts(scores):
        step = len(texts) if whole else CHUNK
        for start in range(0, len(texts), step):
            yield texts[start : start + step]


async def _score(components: Components, pending: Pending, texts: Sequence[str]) -> Scores:
    if is_progressive(pending) and components.progressive is not None:
        return await components.progressive.score(pending)
    if is_progressive(pending) or components.scorer is None:
        return await run_sync(lambda: scores_of(pending), abandon_on_cancel=True)
    scored = await components.scorer.score(pending.scored_query, texts)
    return Scores(scored.scores, scored.truncated, notes=scored.notes)


def _append(scores: Scores, part: Scores) -> None:
    scores.extend(part)
    scores.truncated.extend(part.truncated)
    scores.exits_left.extend(part.exits_left)
    scores.notes += part.notes
