"""Measured seconds of a search at each pool size: batches make time grow in steps, so no size stands for another."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from shortlist.evaluation.query_set import Judged
from shortlist.evaluation.statistics import quantile
from shortlist.pipeline import Shortlist

SHARE = 0.05
LEAST = 3


@dataclass(frozen=True, slots=True)
class Latency:
    """Wall-clock seconds at one pool size, one value a query: both stages."""

    retrieve: tuple[float, ...]
    rerank: tuple[float, ...]

    def whole(self, share: float) -> float:
        """Seconds of both stages together that `share` of the queries stay below; 0.5 is the median."""
        return quantile([a + b for a, b in zip(self.retrieve, self.rerank, strict=True)], share)


def how_many(queries: int, sizes: Sequence[int]) -> int:
    """How many queries to time, so that it costs about 5 % of the scoring pass; at least 3 where there are as many."""
    return min(queries, max(LEAST, round(SHARE * queries * max(sizes) / sum(sizes))))


def measure(
    shortlist: Shortlist,
    judged: Judged,
    sizes: Sequence[int],
    depth: int,
    queries: int,
    progress: Callable[[int], None],
) -> Mapping[int, Latency]:
    """Size -> seconds of some queries, spread over the set; the sizes take turns, so that a busy minute hits all alike.

    The first search, which warms up, is not counted.
    """
    texts = list(judged.queries.values())
    chosen = texts[:: max(1, len(texts) // queries)][:queries]
    shortlist.search(chosen[0], pool_size=min(sizes), k=max(min(sizes), depth), tail=True)
    retrieve: dict[int, list[float]] = {size: [] for size in sizes}
    rerank: dict[int, list[float]] = {size: [] for size in sizes}
    for query in chosen:
        for size in sizes:
            seconds = shortlist.search(query, pool_size=size, k=max(size, depth), tail=True).seconds
            retrieve[size].append(seconds["retrieve"])
            rerank[size].append(seconds["rerank"])
            progress(size)
    return {size: Latency(tuple(retrieve[size]), tuple(rerank[size])) for size in sizes}
