"""Measured seconds of a search at each pool size. Batches make time grow in steps, so each size is timed by itself."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from shortlist.evaluation.metrics.statistics import quantile
from shortlist.evaluation.query_sets.query_set import Judged
from shortlist.evaluation.replay.scoring_pass import PassageCount
from shortlist.evaluation.tuning.curves import Curves
from shortlist.evaluation.tuning.options import TuneOptions
from shortlist.evaluation.whole_pool import search_whole, whole_pool_config
from shortlist.search.search import Search
from shortlist.types import Note

SHARE = 0.08
"""Passages that are scored to time the smaller pools, as a share of the pass."""
FEWEST_FOR_P95 = 20
"""With fewer timed searches, the 95th percentile is the slowest one, which other load on the machine decides."""
FEWEST_FOR_BUDGET = 3
"""With a time budget, at least so many queries are timed, so that one slow search does not reject a pool size."""
FUSION_SHARE, EXTRA_SHARE = 0.05, 0.15
"""The limits of additional passages, as shares of the pass: for other fusion weights, and for everything together."""


@dataclass(frozen=True, slots=True)
class Latency:
    """Wall-clock seconds of both stages at one pool size, one value for each query."""

    retrieve: tuple[float, ...]
    rerank: tuple[float, ...]

    def whole(self, share: float) -> float:
        """Return a quantile of the seconds of both stages together. A `share` of 0.5 gives the median."""
        return quantile([a + b for a, b in zip(self.retrieve, self.rerank, strict=True)], share)

    @property
    def searches(self) -> int:
        """The number of timed searches."""
        return len(self.rerank)

    @property
    def p95(self) -> float | None:
        """The seconds that 95 of 100 searches take at most, or None if fewer than 20 searches are timed."""
        return self.whole(0.95) if self.searches >= FEWEST_FOR_P95 else None

    @property
    def decisive(self) -> float:
        """The seconds that a time budget limits: `p95`, or the median if there is no `p95`."""
        return self.whole(0.5) if self.p95 is None else self.p95


def queries_to_time(passed: int, queries: int, sizes: Sequence[int]) -> int:
    """Return how many queries to time at each size: at least 1, for at most 8 % of the `passed` passages."""
    passages = passages_to_time(passed, queries, sizes)
    return max(1, min(queries, int(SHARE * passed / passages))) if passages else 1


def passages_to_time(passed: int, queries: int, sizes: Sequence[int]) -> float:
    """Return how many passages are scored to time one query at each size, if the pass scored `passed` of `queries`."""
    return sum(min(size, passed / queries) for size in sizes)


def of_seconds(seconds: Iterable[Mapping[str, float]]) -> Latency:
    """Return the latency of a pass or a run. The first query warms up, so it is left out if there are more queries."""
    rows = list(seconds)
    return _latency(rows[1:] or rows)


def _latency(rows: Sequence[Mapping[str, float]]) -> Latency:
    return Latency(tuple(row["retrieve"] for row in rows), tuple(row["rerank"] for row in rows))


def time_sizes(
    search: Search,
    judged: Judged,
    sizes: Sequence[int],
    depth: int,
    queries: int,
    count: PassageCount,
) -> Mapping[int, Latency]:
    """Return size -> the seconds of some queries, spread over the set.

    The sizes take turns, so that other load on the machine affects all sizes. The first search warms up and does not
    count. Without sizes, nothing is searched.
    """
    if not sizes:
        return {}
    texts = [judged.texts(key) for key in judged.queries]
    chosen = texts[:: max(1, len(texts) // queries)][:queries]
    configs = {size: whole_pool_config(search.config, depth=depth, pool_size=size) for size in sizes}
    count.expect(min(sizes) + len(chosen) * sum(sizes))
    count.add(search_whole(search, chosen[0], configs[min(sizes)]).scored, min(sizes))
    rows: dict[int, list[Mapping[str, float]]] = {size: [] for size in sizes}
    for query in chosen:
        for size in sizes:
            ranking = search_whole(search, query, configs[size])
            rows[size].append(ranking.seconds)
            count.add(ranking.scored, size)
    return {size: _latency(rows[size]) for size in sizes}


def latencies(
    search: Search, judged: Judged, options: TuneOptions, curves: Curves, count: PassageCount
) -> Mapping[int, Latency]:
    """Return each size's latency: as the pass or the runs recorded it, or timed by itself."""
    if curves.recorded is None:
        assert curves.runs is not None
        return {size: of_seconds(ranking.seconds for ranking in curves.runs[size].values()) for size in curves.sizes}
    *smaller, largest = curves.sizes
    queries = options.timed or queries_to_time(_passages_of_pass(curves), len(judged.queries), smaller)
    if options.timed is None and options.budget_ms is not None:
        queries = min(len(judged.queries), max(FEWEST_FOR_BUDGET, queries))
    timed = time_sizes(search, judged, smaller, curves.depth, queries, count)
    return {**timed, largest: of_seconds(each.seconds for each in curves.recorded.values())}


def timing_note(curves: Curves, latency: Mapping[int, Latency]) -> Note:
    """Return the note about the origin of the times."""
    if curves.recorded is None:
        return Note("times_of_runs")
    *smaller, largest = curves.sizes
    return Note("times_of_pass", pool=largest, queries=len(latency[smaller[0]].rerank) if smaller else None)


def passages_left(curves: Curves, options: TuneOptions, queries: int) -> int:
    """Return how many more passages may be scored: 5 % of the pass, and at most 15 % in all beyond the pass.

    The cost of `options.timed` and of the queries that only a budget needs do not count, because the caller chose them.
    """
    smaller, passed = curves.sizes[:-1], _passages_of_pass(curves)
    spent = float(curves.checked.pairs) if curves.checked is not None else 0.0
    if smaller and options.timed is None:
        spent += queries_to_time(passed, queries, smaller) * passages_to_time(passed, queries, smaller) + smaller[0]
    return max(0, int(min(FUSION_SHARE * passed, EXTRA_SHARE * passed - spent)))


def _passages_of_pass(curves: Curves) -> int:
    """The number of passages that the pass scored."""
    return sum(len(each.scores) for each in (curves.recorded or {}).values())
