"""Measured seconds of a search at each pool size: batches make time grow in steps, so no size stands for another."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from shortlist.evaluation.metrics.counting import Count
from shortlist.evaluation.metrics.curves import Curves
from shortlist.evaluation.metrics.statistics import quantile
from shortlist.evaluation.query_sets.query_set import Judged
from shortlist.evaluation.tuning.request import Request
from shortlist.search.pipeline import Shortlist

SHARE = 0.08
"""Passages scored to time the smaller pools, as a share of the pass."""
FUSIONS, LIMIT = 0.05, 0.15
"""Passages that other fusion weights may need scored, and all that is scored beyond the pass, as shares of it."""


@dataclass(frozen=True, slots=True)
class Latency:
    """Wall-clock seconds at one pool size, one value a query: both stages."""

    retrieve: tuple[float, ...]
    rerank: tuple[float, ...]

    def whole(self, share: float) -> float:
        """Seconds of both stages together that `share` of the queries stay below; 0.5 is the median."""
        return quantile([a + b for a, b in zip(self.retrieve, self.rerank, strict=True)], share)


def how_many(passed: int, queries: int, sizes: Sequence[int]) -> int:
    """How many queries to time at each of `sizes`: at most 8 % of the passages that a pass scored, and at least 1."""
    each = passages(passed, queries, sizes)
    return max(1, min(queries, int(SHARE * passed / each))) if each else 1


def passages(passed: int, queries: int, sizes: Sequence[int]) -> float:
    """How many passages a query timed at each of `sizes` scores, where so many passages of so many queries `passed`."""
    return sum(min(size, passed / queries) for size in sizes)


def of_seconds(seconds: Iterable[Mapping[str, float]]) -> Latency:
    """The latency that a pass or a run took down, without its first query, which warms up, where there are others."""
    held = list(seconds)
    held = held[1:] or held
    return Latency(tuple(one["retrieve"] for one in held), tuple(one["rerank"] for one in held))


def measure(
    shortlist: Shortlist,
    judged: Judged,
    sizes: Sequence[int],
    depth: int,
    queries: int,
    progress: Callable[[int], None],
) -> Mapping[int, Latency]:
    """Size -> seconds of some queries, spread over the set; the sizes take turns, so that a busy minute hits all alike.

    The first search, which warms up, is not counted. No sizes search nothing.
    """
    if not sizes:
        return {}
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


def clock(shortlist: Shortlist, judged: Judged, asked: Request, curves: Curves, count: Count) -> Mapping[int, Latency]:
    """Each size's latency: as the pass or the runs took it down, and timed by itself where they did not."""
    if curves.recorded is None:
        assert curves.runs is not None
        return {size: of_seconds(one.seconds for one in curves.runs[size].values()) for size in asked.sizes}
    *smaller, largest = asked.sizes
    queries = asked.timed or how_many(_passed(curves), len(judged.queries), smaller)
    count.expect(queries * sum(smaller))
    found = measure(shortlist, judged, smaller, curves.depth, queries, count.add)
    return {**found, largest: of_seconds(one.seconds for one in curves.recorded.values())}


def left(curves: Curves, asked: Request, queries: int) -> int:
    """How many passages may still be scored: 5 % of the pass, and with what was before no more than 15 %.

    What `asked.timed` costs was asked for, and is not counted.
    """
    smaller, passed = asked.sizes[:-1], _passed(curves)
    spent = float(curves.checked.pairs) if curves.checked is not None else 0.0
    if smaller and asked.timed is None:
        spent += how_many(passed, queries, smaller) * passages(passed, queries, smaller) + smaller[0]
    return max(0, int(min(FUSIONS * passed, LIMIT * passed - spent)))


def _passed(curves: Curves) -> int:
    """How many passages the pass scored."""
    return sum(len(one.scores) for one in (curves.recorded or {}).values())
