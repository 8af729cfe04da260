"""The scoring pass: every query's largest pool through the reranker once, or one run a size where it has to be."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from shortlist.errors import InvalidInput
from shortlist.evaluation.query_sets.query_set import Judged
from shortlist.evaluation.replay.checkpoint import Checkpoint
from shortlist.evaluation.replay.replay import (
    Recorded,
    answer,
    ranking_from_json,
    ranking_to_json,
    recorded_from_json,
    recorded_to_json,
    slim,
)
from shortlist.protocols import Declines, Fuses, KeepsPrefix, Reranker, Retriever
from shortlist.search.pipeline import Shortlist, score_texts
from shortlist.types import Hit, Ranking

CHECKED_QUERIES = 3
CHECKED_TEXTS = 10
TOLERANCE = 0.02
"""Share of the spread of scores that a score may move by between pools.

Batches pad differently, which moves a score by its rounding: by up to 2e-6 with the packaged model in fp32, by more in
low precision.
"""


@dataclass(frozen=True, slots=True)
class PointwiseCheck:
    """The same pairs scored in two pools.

    `largest_difference` is between the two scores of one pair, `spread` the highest less the lowest score of all
    checked pools; both in the reranker's own unit. `holds` is True where the difference is small beside the spread.
    """

    pairs: int
    largest_difference: float
    spread: float

    @property
    def holds(self) -> bool:
        """Whether scores stay what they are in another pool."""
        return self.largest_difference <= max(1e-6, TOLERANCE * self.spread)


def retrieval_sizes(retriever: Retriever | Fuses, sizes: Sequence[int], depth: int) -> list[int]:
    """The k to ask of the retriever, largest first, so that every pool is the very one that a search would get.

    A search with a pool of `size` and a tail to `depth` asks for each by itself. Where the retriever keeps its
    prefix, one answer stands for all shorter ones; else each k is asked for itself.
    """
    asked = sorted({depth, *sizes}, reverse=True)
    kept = retriever.prefix_depth if isinstance(retriever, KeepsPrefix) else 0
    within = [k for k in asked if k <= kept]
    return [k for k in asked if k > kept] + within[:1]


def record(shortlist: Shortlist, query_id: str, query: str, sizes: Sequence[int], depth: int) -> Recorded:
    """One query's pools and scores.

    The largest pool is scored in one call, as a search scores it. Passages that only a smaller pool holds are scored
    in a second call; there are none where the retriever keeps its prefix.

    Raises:
        InvalidInput: The reranker can't take the query; the message names it.
        BadScores: The reranker returned NaN, infinity or a wrong count.
    """
    reranker = _reranker(shortlist)
    found, took = {}, {}
    for k in retrieval_sizes(shortlist.retriever, sizes, depth):
        began = time.perf_counter()
        found[k] = shortlist.retriever.retrieve(query, k)
        took[k] = time.perf_counter() - began
    largest = answer(found, max(sizes))
    why_not = reranker.declines(query) if isinstance(reranker, Declines) else ""
    scoring = time.perf_counter()
    scores, cut = score_hits(reranker, query_id, query, [] if why_not else largest)
    scored = time.perf_counter()
    if not why_not:
        others, also_cut = score_hits(reranker, query_id, query, _others(found, sizes, scores))
        scores, cut = scores | others, cut | also_cut
    held = {k: tuple(slim(hit) for hit in hits) for k, hits in found.items()}
    seconds = {"retrieve": took[min(k for k in took if k >= max(sizes))], "rerank": scored - scoring}
    return Recorded(query_id, query, held, scores, frozenset(cut), why_not, seconds)


def _others(found: dict[int, list[Hit]], sizes: Sequence[int], scores: dict[str, float]) -> list[Hit]:
    """Hits of smaller pools that have no score yet."""
    missing: dict[str, Hit] = {}
    for size in sizes:
        missing.update({hit.passage.id: hit for hit in answer(found, size) if hit.passage.id not in scores})
    return list(missing.values())


def score_hits(reranker: Reranker, query_id: str, query: str, hits: Sequence[Hit]) -> tuple[dict[str, float], set[str]]:
    """Passage id -> score, and the ids of passages that were cut; no hits send nothing to the reranker.

    Raises:
        InvalidInput: The reranker can't take the query; the message names it.
        BadScores: It returned NaN, infinity or a wrong count.
    """
    if not hits:
        return {}, set()
    try:
        found, truncated = score_texts(reranker, query, [hit.passage.content for hit in hits])
    except InvalidInput as error:
        raise InvalidInput(f"query {query_id!r}: {error}") from error
    ids = [hit.passage.id for hit in hits]
    return dict(zip(ids, found, strict=True)), {key for key, cut in zip(ids, truncated, strict=True) if cut}


def score_all(
    shortlist: Shortlist,
    judged: Judged,
    sizes: Sequence[int],
    depth: int,
    checkpoint: Checkpoint,
    progress: Callable[[int], None],
) -> dict[str, Recorded]:
    """Query id -> its pass; `progress` is told how many passages of a largest pool were dealt with."""
    done: dict[str, Recorded] = {}
    for query_id, query in judged.queries.items():
        key = f"pass {query_id}"
        held = checkpoint.get(key)
        if held is None:
            done[query_id] = record(shortlist, query_id, query, sizes, depth)
            checkpoint.put(key, recorded_to_json(done[query_id]))
        else:
            done[query_id] = recorded_from_json(held)
        progress(max(sizes))
    return done


def run_each(
    shortlist: Shortlist,
    judged: Judged,
    sizes: Sequence[int],
    depth: int,
    checkpoint: Checkpoint,
    progress: Callable[[int], None],
) -> dict[int, dict[str, Ranking]]:
    """Size -> query id -> its ranking, searched anew at each size; size 0 is stage one alone."""
    out: dict[int, dict[str, Ranking]] = {}
    for size in [0, *sizes]:
        searcher = shortlist if size else Shortlist(shortlist.retriever)
        pool = size or depth
        for query_id, query in judged.queries.items():
            key = f"run {size} {query_id}"
            held = checkpoint.get(key)
            if held is None:
                ranking = searcher.search(query, pool_size=pool, k=max(pool, depth), tail=True)
                held = ranking_to_json(ranking)
                checkpoint.put(key, held)
            out.setdefault(size, {})[query_id] = ranking_from_json(held)
            progress(size)
    return out


def check_pointwise(shortlist: Shortlist, recorded: Sequence[Recorded], size: int) -> PointwiseCheck:
    """Scores texts of a few pools again in a smaller pool and another order, and compares.

    Every second text of the pool is taken, at most 10 of each of 3 queries, last first. Pools of one text, and
    queries that the reranker declined, are passed over.
    """
    reranker = _reranker(shortlist)
    pairs, largest, spread = 0, 0.0, 0.0
    able = [one for one in recorded if len(one.scores) > 1]
    step = max(1, len(able) // CHECKED_QUERIES)
    for one in able[::step][:CHECKED_QUERIES]:
        pool = shortlist.retriever.retrieve(one.query, size)
        again = [hit for hit in pool[::-2] if hit.passage.id in one.scores][:CHECKED_TEXTS]
        scores, _ = score_texts(reranker, one.query, [hit.passage.content for hit in again])
        moved = [abs(one.scores[hit.passage.id] - score) for hit, score in zip(again, scores, strict=True)]
        pairs += len(moved)
        largest = max([largest, *moved])
        spread = max(spread, max(one.scores.values()) - min(one.scores.values()))
    return PointwiseCheck(pairs, largest, spread)


def _reranker(shortlist: Shortlist) -> Reranker:
    if shortlist.reranker is None:
        raise InvalidInput("there is no reranker to tune the pool for: name a cross-encoder")
    return shortlist.reranker
