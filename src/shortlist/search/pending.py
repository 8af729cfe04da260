"""A search between its two stages. The caller runs the reranker and scores the texts of the pool."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from shortlist.errors import ShortlistError
from shortlist.protocols import Reranker
from shortlist.search.diversity import NO_DIVERSITY, Diversity, folded_notes
from shortlist.search.limits import Limits
from shortlist.search.order import ordered, stage_one_share, weights_for
from shortlist.search.stopping import StopRule
from shortlist.types import Hit, Note, Ranking, Scores, Status

Cause = Literal["budget", "queue"]
NO_LIMITS = Limits()


@dataclass(frozen=True, slots=True)
class Pending:
    """A retrieved pool that waits for its scores. No method does any I/O or runs a model.

    `query` is the query of stage one: the weights and signals of the final score are those of this query.
    `rerank_query` is the text that the reranker reads in place of the query, or None. `reranker` scores the texts, None
    if nothing is to be scored. `pool` holds the candidates in stage one's order, and `below` the hits that follow them
    if the answer is longer than the pool. `top_k` is the length of the answer. `status` is that of an answer without
    scores: "off" or "skipped"; "ok" if there are texts to score. `weights` are those of the signals of stage one,
    before `weights_for`. `diversity` chooses the hits of the answer.
    """

    query: str
    pool: Sequence[Hit]
    below: Sequence[Hit]
    reranker: Reranker | None
    status: Status
    pool_size: int
    top_k: int
    weights: Mapping[str, float]
    limits: Limits = NO_LIMITS
    diversity: Diversity = NO_DIVERSITY
    rule: StopRule | None = None
    notes: tuple[Note, ...] = ()
    seconds: float = 0.0
    retrieved_at: float = 0.0
    rerank_query: str | None = None
    queries: tuple[str, ...] = ()
    effort: str | None = None

    @property
    def scored_query(self) -> str:
        """The text that the reranker reads with each passage."""
        return self.query if self.rerank_query is None else self.rerank_query

    @property
    def texts(self) -> list[str]:
        """The texts of the whole pool, in stage one's order; none if nothing is to be scored."""
        return [hit.passage.content for hit in self.pool] if self.status == "ok" else []

    @property
    def prior(self) -> list[float]:
        """The part of stage one in the final score of each text."""
        weights = self.query_weights
        return [stage_one_share(hit, weights) for hit in self.pool]

    @property
    def query_weights(self) -> Mapping[str, float]:
        """The weight of each signal for this query: see `order.weights_for`."""
        return weights_for(self.query, self.weights)

    def next_texts(self, scores: Scores) -> list[str]:
        """Return the texts to score next, given the scores of the texts so far; none if scoring is complete.

        A pool of fixed size is one block. The stop rule of an adaptive pool is checked after each block.
        """
        if self.status != "ok" or len(scores) >= len(self.pool):
            return []
        if self.rule is None:
            return self.texts[len(scores) :]
        if len(scores) and self._stopped(self.rule, scores):
            return []
        end = next(step for step in self.rule.steps(len(self.pool)) if step > len(scores))
        return [hit.passage.content for hit in self.pool[len(scores) : end]]

    def finish(
        self, scores: Scores | None = None, *, error: ShortlistError | None = None, cause: Cause | None = None
    ) -> Ranking:
        """Return the answer.

        `scores` belong to the first texts of the pool. The texts without a score follow the others in stage one's
        order. `error` is what the reranker raised: the answer then keeps stage one's order. `cause` tells why only a
        part of the pool was scored.
        """
        done = time.perf_counter()
        scores = Scores() if scores is None or error is not None else scores
        status = self._status(scores, error, cause)
        hits = ordered(self.pool, scores, self.query_weights)
        reranked = _has_scores(status, scores)
        hits, crowded = self._chosen([*hits, *self.below], reranked=reranked)
        kept = self.limits.kept(hits) if reranked else hits
        return Ranking(
            query=self.query,
            hits=tuple(kept),
            status=status,
            pool_size=self.pool_size,
            scored=sum(not left for left in scores.exits_left) if scores.exits_left else len(scores),
            truncated=sum(scores.truncated),
            dropped=sum(left > 0 for left in scores.exits_left),
            seconds={"retrieve": self.seconds, "rerank": done - self.retrieved_at if self.retrieved_at else 0.0},
            weights=dict(self.query_weights) if reranked else {},
            min_score=self.limits.min_score,
            min_probability=self.limits.min_probability,
            left_out=len(hits) - len(kept),
            notes=(*self._notes(scores, status, error, cause, hits, kept), *folded_notes(kept), *crowded),
            rerank_query=self.rerank_query,
            queries=self.queries,
            effort=self.effort,
        )

    def _chosen(self, hits: list[Hit], *, reranked: bool) -> tuple[list[Hit], list[Note]]:
        """Return the answer before the limits, and notes. MMR chooses among the hits that reach the limits."""
        if self.diversity.mmr is not None and reranked:
            hits = self.limits.kept(hits) or hits
        return self.diversity.chosen(hits, self.top_k)

    def _status(self, scores: Scores, error: ShortlistError | None, cause: Cause | None) -> Status:
        if error is not None and self.status == "ok":
            return "failed"
        return "partial" if self.status == "ok" and cause is not None else self.status

    def _notes(
        self,
        scores: Scores,
        status: Status,
        error: ShortlistError | None,
        cause: Cause | None,
        hits: Sequence[Hit],
        kept: Sequence[Hit],
    ) -> list[Note]:
        notes = [*self.notes, *scores.notes]
        if status == "failed" and error is not None:
            notes.append(Note("rerank_failed", error=type(error).__name__, message=str(error)))
        if status == "partial" and cause is not None:
            notes.append(Note("rerank_partial", scored=len(scores), pool=len(self.pool), cause=cause))
        if status == "ok" and self.rule is not None and self.pool:
            notes.append(self.rule.note(len(scores), len(self.pool)))
        reranked = _has_scores(status, scores)
        return notes + (self.limits.notes(hits, kept) if reranked else self.limits.not_applied())

    def _stopped(self, rule: StopRule, scores: Scores) -> bool:
        prior = self.prior
        pairs = [(share + score, score) for share, score in zip(prior, scores, strict=False)]
        return rule.stops(pairs, prior[len(scores) :])


def _has_scores(status: Status, scores: Scores) -> bool:
    """Whether limits apply: not if a search ended before the first passage was scored."""
    return status == "ok" or (status == "partial" and len(scores) > 0)
