"""The worker that scores the pools of searches, and the function that gives it the pools of an evaluation."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import partial

from shortlist import registry
from shortlist.config import SearchConfig
from shortlist.errors import ShortlistError, WorkersFailed
from shortlist.evaluation.whole_pool import name_query
from shortlist.protocols import Reranker
from shortlist.search.limits import Limits
from shortlist.search.pending import Pending
from shortlist.search.search import scores_of
from shortlist.types import Ranking, Scores
from shortlist.workers.base import Carried, Unit, Workers


@dataclass(frozen=True, slots=True)
class PoolScores:
    """The value of a unit: the scores of a pool, or the error of the reranker, and the seconds that it took."""

    scores: Scores | Carried
    seconds: float


class PoolScorer:
    """Scores the pool of a search, with the reranker of a configuration."""

    def __init__(self, config: SearchConfig, threads: int) -> None:
        name = config.reranker_name
        if name is None:
            raise WorkersFailed("the configuration has no reranker")
        reranker: Reranker = registry.load_reranker(
            name,
            precision=config.precision,
            device=config.device,
            threads=threads,
            early_exits=config.progressive,
            as_worker=True,
        )
        progressive = registry.progressive_of(reranker) if config.progressive else None
        self._reranker = reranker if progressive is None else progressive()

    def __call__(self, pending: Pending) -> PoolScores:
        """Return the scores of the pool. The pending search comes without its reranker."""
        began = time.perf_counter()
        try:
            scores: Scores | Carried = scores_of(replace(pending, reranker=self._reranker))
        except ShortlistError as error:
            scores = Carried.of(error)
        return PoolScores(scores, time.perf_counter() - began)


@dataclass(frozen=True, slots=True)
class ByWorkers:
    """Scores the pools of an evaluation by workers. Satisfies `evaluation.whole_pool.Finish`.

    The time of a rerank is the time in the worker.
    """

    crew: Workers
    config: SearchConfig

    def __call__(self, pools: Iterable[tuple[str, Pending]]) -> Iterator[tuple[str, Ranking]]:
        """Yield the id and the answer of each query, in the order in which they are done.

        Raises:
            InvalidInput: The reranker cannot process a query. The message names the query.
            WorkersFailed: As `Workers.run`, or every worker that scored a pool ended.
            BadScores: See `search.search.scores_of`.
        """
        waiting: dict[int, tuple[str, Pending]] = {}
        unscored: list[tuple[str, Ranking]] = []

        def units() -> Iterator[Unit]:
            for number, (query_id, pending) in enumerate(pools):
                if pending.reranker is None:
                    unscored.append((query_id, pending.finish()))
                else:
                    waiting[number] = (query_id, pending)
                    yield Unit(number, _sent(pending))

        for answer in self.crew.run(partial(PoolScorer, self.config, self.crew.threads), units()):
            query_id, pending = waiting.pop(answer.number)
            if answer.lost:
                raise WorkersFailed(f"query {query_id!r}: {answer.lost}")
            yield query_id, _finished(query_id, pending, answer.value)
            yield from _taken(unscored)
        yield from _taken(unscored)


def _sent(pending: Pending) -> Pending:
    """The part of a pending search that scoring needs."""
    return replace(pending, reranker=None, below=(), limits=Limits(), notes=())


def _finished(query_id: str, pending: Pending, scored: PoolScores) -> Ranking:
    if isinstance(scored.scores, Carried):
        with name_query(query_id):
            raise scored.scores.error()
    return replace(pending, retrieved_at=time.perf_counter() - scored.seconds).finish(scored.scores)


def _taken(rankings: list[tuple[str, Ranking]]) -> Iterator[tuple[str, Ranking]]:
    while rankings:
        yield rankings.pop(0)
