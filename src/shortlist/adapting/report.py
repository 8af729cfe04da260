"""The adapted model against the unadapted one, on queries from which nothing was learned."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from shortlist.config.weights import Weights
from shortlist.evaluation.metrics.measures import Measure
from shortlist.evaluation.metrics.outcomes import depth_of, measured
from shortlist.evaluation.metrics.statistics import Estimate, Paired, estimate, paired
from shortlist.evaluation.query_sets.holdout import ALPHA
from shortlist.evaluation.query_sets.query_set import Judged
from shortlist.evaluation.whole_pool import begin_whole, name_query, whole_pool_config
from shortlist.protocols import Reranker
from shortlist.search.search import Search, scores_of


@dataclass(frozen=True, slots=True)
class Report:
    """A measure of the final order before and after the adaptation, on the same queries.

    `paired` is after minus before, query by query, with its p value.
    """

    measure: str
    queries: int
    before: Estimate
    after: Estimate
    paired: Paired

    @property
    def better(self) -> bool:
        """True if the mean rises, and the paired randomisation test gives a p value below 0.05."""
        return self.paired.difference.mean > 0 and self.paired.p < ALPHA


def report_on(
    search: Search,
    reranker: Reranker,
    weights: Weights,
    judged: Judged,
    pool_size: int,
    measure: Measure,
    progress: Callable[[int, int], None],
) -> Report:
    """Return the measure of `search` and of the same search with another reranker and other weights.

    Each query is retrieved once. If the reranker stays, each pool is scored once.
    """
    before: list[float] = []
    after: list[float] = []
    cutoff = measure.cutoff or 1
    config = whole_pool_config(search.config, depth=depth_of([measure], cutoff, judged.level), pool_size=pool_size)
    for done, query_id in enumerate(judged.queries, start=1):
        with name_query(query_id):
            pending = begin_whole(search, judged.texts(query_id), config)
            scores = scores_of(pending)
            other = replace(pending, weights=weights)
            if pending.reranker is not None and reranker is not pending.reranker:
                other = replace(other, reranker=reranker)
                other_scores = scores_of(other)
            else:
                other_scores = scores
        for values, ranking in ((before, pending.finish(scores)), (after, other.finish(other_scores))):
            values.append(measured(query_id, ranking, judged, [measure], cutoff).reranked[str(measure)])
        progress(done, len(judged.queries))
    return Report(str(measure), len(before), estimate(before), estimate(after), paired(after, before))
