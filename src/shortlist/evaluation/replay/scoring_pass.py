"""The scoring pass of the largest pool of every query, or separate runs if scores depend on the pool."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from shortlist.evaluation.metrics.outcomes import repeated_in
from shortlist.evaluation.query_sets.query_set import Judged
from shortlist.evaluation.replay.checkpoint import Checkpoint
from shortlist.evaluation.replay.replay import (
    Recorded,
    RecordedRetriever,
    answer_to,
    ranking_from_json,
    ranking_to_json,
    recorded_from_json,
    recorded_to_json,
    slim,
)
from shortlist.evaluation.whole_pool import name_query, search_whole, whole_pool_config
from shortlist.protocols import Fuses, KeepsPrefix, Reranker, Retriever
from shortlist.search.pool import is_approximate, notes_of, retrieved
from shortlist.search.query_texts import QueryTexts, texts_of
from shortlist.search.scores import score_texts
from shortlist.search.search import Search, scores_of
from shortlist.text.validation import checked_text
from shortlist.types import Hit, Ranking

CHECKED_QUERIES = 3
CHECKED_TEXTS = 10
TOLERANCE = 0.02
"""The largest allowed change of a score between two pools, as a share of the spread of the scores.

Batches of different lengths round differently. With the packaged model in fp32, a score changes by up to 2e-6. In low
precision, a score changes by more.
"""


class PassageCount:
    """Counts the finished passages and all passages to score, and reports both numbers to `report`."""

    def __init__(self, report: Callable[[int, int], None] | None) -> None:
        self._report = report or (lambda done, total: None)
        self.done = self.total = 0

    def expect(self, passages: int) -> None:
        """Add to the passages to do."""
        self.total += passages

    def add(self, passages: int, expected: int) -> None:
        """Add to the passages that are done. `expected` of them were passages to do."""
        self.done += passages
        self.total += passages - expected
        self._report(self.done, self.total)


@dataclass(frozen=True, slots=True)
class PointwiseCheck:
    """The same pairs scored in two pools.

    `largest_difference` is the largest difference of the two scores of a pair. `spread` is the highest minus the lowest
    score of a checked pool. Both are in the unit of the reranker.
    """

    pairs: int
    largest_difference: float
    spread: float

    @property
    def holds(self) -> bool:
        """True if the difference is small compared with the spread: a score does not depend on the pool."""
        return self.largest_difference <= max(1e-6, TOLERANCE * self.spread)


def retrieval_sizes(retriever: Retriever | Fuses, sizes: Sequence[int], depth: int) -> list[int]:
    """Return each k to retrieve, largest first, so that every pool is exactly the pool of a search.

    A search with a pool of `size` and hits down to `depth` retrieves both. Up to the retriever's prefix depth, the
    longest answer contains the shorter answers. Beyond this depth, each k needs its own retrieval. An approximate
    retriever promises the same answer for no k. Its longest answer is therefore cut, and only its k is returned.
    """
    every = sorted({depth, *sizes}, reverse=True)
    if is_approximate(retriever):
        return every[:1]
    prefix = retriever.prefix_depth if isinstance(retriever, KeepsPrefix) else 0
    within = [k for k in every if k <= prefix]
    return [k for k in every if k > prefix] + within[:1]


def record(search: Search, query_id: str, query: str | QueryTexts, sizes: Sequence[int], depth: int) -> Recorded:
    """Record one query's pools and scores.

    The largest pool is scored in one call, as a search scores it. A second call scores the passages that only a smaller
    pool has. If the retriever keeps its prefix, there is no second call.

    Raises:
        InvalidInput: The reranker cannot take the query; the message names it.
        BadScores: The reranker returned a wrong count, NaN, infinity, or something that is not a number.
    """
    texts = texts_of(query)
    retriever = search.retriever_at()
    answers, retrieve_seconds = {}, {}
    for k in retrieval_sizes(retriever, sizes, depth):
        began = time.perf_counter()
        answers[k] = retrieved(retriever, texts.query, k)
        retrieve_seconds[k] = time.perf_counter() - began
    largest = max(sizes)
    config = whole_pool_config(search.config, depth=largest, pool_size=largest).override(
        {"expand": None, "gate": False}
    )
    pending = replace(search, retriever=RecordedRetriever(answers)).begin(texts, config=config)
    began = time.perf_counter()
    with name_query(query_id):
        scores = scores_of(pending)
    rerank_seconds = time.perf_counter() - began
    by_id = {hit.passage.id: score for hit, score in zip(pending.pool, scores, strict=False)}
    truncated = {hit.passage.id for hit, cut in zip(pending.pool, scores.truncated, strict=False) if cut}
    if pending.reranker is not None:
        hits = _unscored(answers, sizes, by_id)
        more_scores, more_truncated = score_hits(pending.reranker, query_id, texts.scored, hits)
        by_id, truncated = by_id | more_scores, truncated | more_truncated
    skipped = next((note for note in pending.notes if note.code == "rerank_skipped"), None)
    retrieved_at = min(k for k in answers if k >= largest)
    seconds = {"retrieve": retrieve_seconds[retrieved_at], "rerank": rerank_seconds}
    slim_answers = {k: tuple(slim(hit) for hit in hits) for k, hits in answers.items()}
    notes = [note for hits in answers.values() for note in notes_of(hits) if note.code == "retriever_limited"]
    return Recorded(
        query_id,
        texts.query,
        slim_answers,
        by_id,
        frozenset(truncated),
        skipped,
        seconds,
        next(iter(notes), None),
        repeated_in(notes_of(answers[max(answers)])),
        texts.rerank_query,
    )


def _unscored(answers: Mapping[int, Sequence[Hit]], sizes: Sequence[int], scores: Mapping[str, float]) -> list[Hit]:
    """The hits of smaller pools that have no score yet."""
    hits: dict[str, Hit] = {}
    for size in sizes:
        hits.update({hit.passage.id: hit for hit in answer_to(answers, size) if hit.passage.id not in scores})
    return list(hits.values())


def score_hits(reranker: Reranker, query_id: str, query: str, hits: Sequence[Hit]) -> tuple[dict[str, float], set[str]]:
    """Return passage id -> score, and the ids of passages that were cut. Without hits, the reranker is not called.

    Raises:
        InvalidInput: The reranker cannot take the query; the message names it.
        BadScores: The reranker returned a wrong count, NaN, infinity, or something that is not a number.
    """
    with name_query(query_id):
        scores = score_texts(reranker, query, [hit.passage.content for hit in hits])
    ids = [hit.passage.id for hit in hits]
    truncated = {key for key, cut in zip(ids, scores.truncated, strict=True) if cut}
    return dict(zip(ids, scores, strict=True)), truncated


def score_all(
    search: Search,
    judged: Judged,
    sizes: Sequence[int],
    depth: int,
    checkpoint: Checkpoint,
    count: PassageCount,
) -> dict[str, Recorded]:
    """Return query id -> its pass. `count` has the largest size for each query, until its pool is known."""
    count.expect(len(judged.queries) * max(sizes))
    passes: dict[str, Recorded] = {}
    for query_id in judged.queries:
        key = f"pass {query_id}"
        saved = checkpoint.get(key)
        if saved is None:
            passes[query_id] = record(search, query_id, judged.texts(query_id), sizes, depth)
            checkpoint.put(key, recorded_to_json(passes[query_id]))
        else:
            passes[query_id] = recorded_from_json(saved)
        count.add(len(passes[query_id].scores), max(sizes))
    return passes


def run_each(
    search: Search,
    judged: Judged,
    sizes: Sequence[int],
    depth: int,
    checkpoint: Checkpoint,
    count: PassageCount,
) -> dict[int, dict[str, Ranking]]:
    """Return size -> query id -> its ranking, searched again at each size. Size 0 is stage one alone.

    `count` has the size for each ranking, until its pool is known.
    """
    count.expect(len(judged.queries) * sum(sizes))
    rankings: dict[int, dict[str, Ranking]] = {}
    for size in [0, *sizes]:
        at_size = whole_pool_config(search.config, depth=depth, pool_size=size or depth).override({"rerank": size > 0})
        for query_id in judged.queries:
            key = f"run {size} {query_id}"
            saved = checkpoint.get(key)
            if saved is None:
                saved = ranking_to_json(search_whole(search, judged.texts(query_id), at_size))
                checkpoint.put(key, saved)
            ranking = rankings.setdefault(size, {})[query_id] = ranking_from_json(saved)
            count.add(ranking.scored, size)
    return rankings


def rescore_some(search: Search, reranker: Reranker, recorded: Sequence[Recorded], size: int) -> PointwiseCheck:
    """Score some texts of a few pools again, in a smaller pool and another order, and return how the scores differ.

    Every second text of a pool is scored, at most 10 texts of each of 3 queries, last first. Pools of one text, and
    queries that the reranker skipped, are left out.
    """
    pairs, largest, spread = 0, 0.0, 0.0
    scored = [each for each in recorded if len(each.scores) > 1]
    step, retriever = max(1, len(scored) // CHECKED_QUERIES), search.retriever_at()
    for each in scored[::step][:CHECKED_QUERIES]:
        pool = retrieved(retriever, checked_text(each.query), size)
        checked_hits = [hit for hit in pool[::-2] if hit.passage.id in each.scores][:CHECKED_TEXTS]
        scores = score_texts(reranker, each.scored_query, [hit.passage.content for hit in checked_hits])
        changes = [abs(each.scores[hit.passage.id] - score) for hit, score in zip(checked_hits, scores, strict=True)]
        pairs += len(changes)
        largest = max([largest, *changes])
        spread = max(spread, max(each.scores.values()) - min(each.scores.values()))
    return PointwiseCheck(pairs, largest, spread)
