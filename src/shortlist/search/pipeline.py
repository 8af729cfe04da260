"""The two stages joined: a pool from a retriever, scored by a reranker, cut at k."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from numbers import Integral, Real

from shortlist.errors import BadScores, InvalidInput
from shortlist.protocols import Declines, KeepsPrefix, ReportsTruncation, Reranker, Retriever, ScoresProgressively
from shortlist.search.stopping import StopRule
from shortlist.text.validation import checked_text
from shortlist.types import Hit, Ranking, Where

POOL_SIZE = 50
K = 5


def score_texts(reranker: Reranker, query: str, texts: Sequence[str]) -> tuple[list[float], list[bool]]:
    """One finite score a text, and for each whether it was cut (False where the reranker can't say).

    Raises:
        BadScores: The reranker returned a wrong count, NaN, infinity or no numbers.
    """
    if isinstance(reranker, ReportsTruncation):
        scores, cut = reranker.score_and_report(query, texts)
    else:
        scores, cut = reranker.score(query, texts), [False] * len(texts)
    return checked_scores(reranker, scores, texts), cut


def checked_scores(reranker: Reranker, scores: Sequence[float], texts: Sequence[str]) -> list[float]:
    """The scores as plain floats; raises as `score_texts` does."""
    try:
        given = list(scores)
        found = [float(score) for score in given]
    except (TypeError, ValueError, OverflowError) as error:
        raise BadScores(f"{reranker.name} returned {scores!r:.80} where one number a text is meant") from error
    if any(isinstance(score, str) for score in given):
        raise BadScores(f"{reranker.name} returned strings where one number a text is meant, such as {given[0]!r:.80}")
    if len(found) != len(texts):
        raise BadScores(f"{reranker.name} returned {len(found)} scores for {len(texts)} texts")
    for place, score in enumerate(found):
        if not math.isfinite(score):
            raise BadScores(f"{reranker.name} returned {score} for text {place}: {texts[place][:80]!r}")
    return found


def checked_reranker(reranker: Reranker) -> Reranker:
    """The reranker, if it can score.

    Raises:
        InvalidInput: It is something without a method `score`, such as a model's name, or a class.
    """
    if isinstance(reranker, type) or not callable(getattr(reranker, "score", None)):
        raise InvalidInput(
            f"the reranker is {reranker!r:.80}, which has no score(query, texts): give an object that has, such as "
            "CrossEncoder() or load_reranker(name)"
        )
    return reranker


def check_size(name: str, size: int) -> None:
    """Does nothing where the size is a whole number of at least 1.

    Raises:
        InvalidInput: It is not.
    """
    if isinstance(size, bool) or not isinstance(size, Integral):
        raise InvalidInput(f"{name} must be a whole number, not {size!r:.80}")
    if size < 1:
        raise InvalidInput(f"{name} must be at least 1, not {size}")


def rerank_pool(
    reranker: Reranker, query: str, pool: Sequence[Hit], weights: Mapping[str, float] | None = None
) -> list[Hit]:
    """The pool's hits, best first, with `rerank_score` filled in, as `placed` gives them.

    Only a progressive reranker leaves hits behind: those have no `rerank_score` and stand below the others, ordered by
    the last exit that they reached and its score; below those the ones that it never read, in the order of stage one's
    share of the score.
    """
    if not pool:
        return []
    texts = [hit.passage.content for hit in pool]
    if isinstance(reranker, ScoresProgressively):
        shares = [stage_one_share(hit, weights or {}) for hit in pool]
        found, left, cut = reranker.score_progressively(query, texts, shares)
        return placed(pool, checked_scores(reranker, found, texts), cut, weights or {}, left)
    scores, cut = score_texts(reranker, query, texts)
    return placed(pool, scores, cut, weights or {})


def placed(
    pool: Sequence[Hit],
    scores: Sequence[float],
    cut: Sequence[bool],
    weights: Mapping[str, float],
    exits_left: Sequence[int] = (),
) -> list[Hit]:
    """The hits with their scores, best first, ranks from 1; ties keep the order given.

    `scores` are the reranker's and `cut` says which texts it cut, one entry a hit each. `score` is the raw score plus,
    for each signal in `weights`, its weight times the hit's signal; a hit that lacks the signal gets 0 from it. No
    score depends on the other hits. A hit with `exits_left` (nothing: 0 for all) was not scored to the end: it has no
    `rerank_score` and stands below those with fewer.
    """
    left = exits_left or [0] * len(pool)
    final = [score + stage_one_share(hit, weights) for hit, score in zip(pool, scores, strict=True)]
    order = sorted(range(len(final)), key=lambda place: (left[place], -final[place]))
    return [
        replace(
            pool[place],
            score=final[place],
            rank=rank,
            rerank_score=None if left[place] else scores[place],
            truncated=cut[place],
        )
        for rank, place in enumerate(order, start=1)
    ]


def stage_one_share(hit: Hit, weights: Mapping[str, float]) -> float:
    """What stage one adds to the hit's final score: the weighted sum of its signals."""
    return sum(weight * hit.signals.get(name, 0.0) for name, weight in weights.items())


def rerank_until(
    reranker: Reranker, query: str, pool: Sequence[Hit], weights: Mapping[str, float], rule: StopRule
) -> tuple[list[Hit], list[Hit], str]:
    """The pool scored in blocks, in stage one's order, until the rule stops; with why it did.

    The scored hits come back as `rerank_pool` gives them, and those that were not scored in stage one's order.
    """
    scored: list[Hit] = []
    stopped = False
    for done in rule.steps(len(pool)):
        scored += rerank_pool(reranker, query, pool[len(scored) : done], weights)
        left = [stage_one_share(hit, weights) for hit in pool[done:]]
        stopped = rule.stops([(hit.score, hit.rerank_score or 0.0) for hit in scored], left)
        if stopped:
            break
    scored.sort(key=lambda hit: (-hit.score, hit.retrieval_rank))
    ranked = [replace(hit, rank=rank) for rank, hit in enumerate(scored, start=1)]
    return ranked, list(pool[len(scored) :]), rule.why(len(scored), len(pool), stopped=stopped)


class Shortlist:
    """Search in two stages. `reranker` None gives stage one alone.

    `weights` says how much of each stage-one signal goes into the final score beside the reranker's; none by
    default. See `rerank_pool`.
    """

    def __init__(
        self, retriever: Retriever, reranker: Reranker | None = None, *, weights: Mapping[str, float] | None = None
    ) -> None:
        self.weights = dict(weights or {})
        for name, weight in self.weights.items():
            if not math.isfinite(weight) or weight < 0:
                raise InvalidInput(f"the weight of {name} must be 0 or more, not {weight}")
        self.retriever = retriever
        self.reranker = None if reranker is None else checked_reranker(reranker)

    def search(
        self,
        query: str,
        *,
        pool_size: int | StopRule = POOL_SIZE,
        k: int = K,
        where: Where | None = None,
        tail: bool = False,
    ) -> Ranking:
        """The `k` best passages of the pool.

        With `tail`, `k` may go beyond the pool: what lies below it follows in stage-one order. No match gives no
        hits. The pool depends on `pool_size` alone, never on `k` (see `pool_and_tail`). With a stop rule, the rule's
        largest pool is scored in blocks until the rule stops; what was not scored follows in stage-one order.

        Raises:
            InvalidInput: An empty query, a size that is no whole number of 1 or more, `k` above `pool_size` (or above
                the rule's k) without `tail`, or a stop rule with a reranker that is not pointwise.
            BadScores: The reranker returned NaN, infinity, no numbers or a wrong count.
        """
        query = checked_text(query)
        rule = pool_size if isinstance(pool_size, StopRule) else None
        size = pool_size.pool_size if isinstance(pool_size, StopRule) else pool_size
        _check_sizes(k, size, tail=tail)
        _check_rule(rule, k, self.reranker, tail=tail)
        began = time.perf_counter()
        pool, below = pool_and_tail(self.retriever, query, size, k, where)
        retrieved = time.perf_counter()
        why_not = self.reranker.declines(query) if isinstance(self.reranker, Declines) else ""
        reranker = None if why_not else self.reranker
        hits, unscored, why_stopped = list(pool), list[Hit](), ""
        if reranker is not None and rule is not None:
            hits, unscored, why_stopped = rerank_until(reranker, query, pool, self.weights, rule)
        elif reranker is not None:
            hits = rerank_pool(reranker, query, pool, self.weights)
        done = time.perf_counter()
        return Ranking(
            query=query,
            hits=tuple([*hits, *unscored, *below][:k]),
            pool_size=size,
            scored=sum(hit.rerank_score is not None for hit in hits) if reranker is not None else 0,
            truncated=sum(hit.truncated for hit in hits),
            reranked=reranker is not None,
            seconds={"retrieve": retrieved - began, "rerank": done - retrieved},
            dropped=sum(hit.rerank_score is None for hit in hits) if reranker is not None else 0,
            why_not=why_not,
            why_stopped=why_stopped,
        )


def pool_and_tail(
    retriever: Retriever, query: str, size: int, k: int, where: Where | None = None
) -> tuple[list[Hit], list[Hit]]:
    """The pool as the retriever answers `size`, and what it adds below down to `k`, numbered on from the pool.

    A retriever is asked once where the pool is the start of its longer answer, or where there is nothing below.
    """
    if k <= size:
        return retriever.retrieve(query, size, where), []
    if isinstance(retriever, KeepsPrefix) and k <= retriever.prefix_depth:
        found = retriever.retrieve(query, k, where)
        return found[:size], found[size:]
    pool = retriever.retrieve(query, size, where)
    if len(pool) < size:
        return pool, []
    held = {hit.passage.id for hit in pool}
    below = [hit for hit in retriever.retrieve(query, k, where) if hit.passage.id not in held][: k - size]
    return pool, [replace(hit, rank=rank, retrieval_rank=rank) for rank, hit in enumerate(below, start=size + 1)]


def above(ranking: Ranking, threshold: float | None) -> Ranking:
    """The ranking without the hits whose final score is below `threshold`; `left_out` counts them.

    Hits that the reranker did not score, below the pool or at an early exit, are left out too. Where nothing stays,
    `no_good_answer` says so. A ranking that was not reranked keeps its hits: their scores are in another unit. None
    and minus infinity leave out nothing.

    Raises:
        InvalidInput: `threshold` is NaN, plus infinity or no number.
    """
    if threshold is None or threshold == -math.inf:
        return ranking
    if not isinstance(threshold, Real) or not math.isfinite(threshold):
        raise InvalidInput(f"the threshold must be a number, not {threshold!r}")
    if not ranking.reranked:
        return replace(ranking, threshold=threshold)
    scored = [hit for hit in ranking.hits if hit.rerank_score is not None]
    kept = tuple(hit for hit in scored if hit.score >= threshold)
    said = ""
    if not kept:
        best = max((hit.score for hit in scored), default=None)
        what = "no passage matches" if best is None else f"the best final score is {best:.3f}, below {threshold:g}"
        said = f"no good answer: {what}"
    left_out = len(ranking.hits) - len(kept)
    return replace(ranking, hits=kept, threshold=threshold, left_out=left_out, no_good_answer=said)


def _check_sizes(k: int, pool_size: int, *, tail: bool) -> None:
    check_size("k (--top)", k)
    check_size("the pool (pool_size, --pool)", pool_size)
    if k > pool_size and not tail:
        raise InvalidInput(
            f"k (--top) is {k} but the pool (pool_size, --pool) holds {pool_size}: only "
            f"passages in the pool are reranked, so at most {pool_size} can be returned. Ask for fewer, or for a "
            "larger pool"
        )


def _check_rule(rule: StopRule | None, k: int, reranker: Reranker | None, *, tail: bool) -> None:
    if rule is None or reranker is None:
        return
    if not reranker.pointwise:
        raise InvalidInput(
            f"{reranker.name} scores a pool as a whole, and an adaptive pool is scored in blocks: give a fixed pool "
            "size"
        )
    if k > rule.k and not tail:
        raise InvalidInput(
            f"k (--top) is {k} but the rule of the adaptive pool was fitted for the first {rule.k}: ask for at most "
            f"{rule.k}, fit it for more, or give a fixed pool size"
        )
