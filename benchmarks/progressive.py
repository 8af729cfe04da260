"""Progressive against exact reranking: `python benchmarks/progressive.py [--sets ...] [--queries 50]`.

The same hybrid pools of 50 are reranked in turn with the fitted weights: exactly, progressively, and exactly with a
smaller pool, which has as many passages as progressive reranking reads. The rest follow in stage one's order. The
script reports nDCG@10 of each, its loss, and the median of the ratios of seconds. arguana is left out, because its
queries stay in stage one's order.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import data
from pools import pending_of, stage_one
from quality import POOL, SETS
from shortlist.models.packaged import BI_ENCODER, CROSS_ENCODER
from shortlist.protocols import Reranker
from shortlist.registry import fitted_weights, load_encoder, load_reranker, progressive_of
from shortlist.rerankers.progressive import ProgressiveReranker
from shortlist.search.search import scores_of
from shortlist.types import Hit

Way = Callable[[str, Sequence[Hit]], list[Hit]]


def rerank(reranker: Reranker, weights: Mapping[str, float], read: int = POOL) -> Way:
    """Return a function that reranks the first `read` passages of a pool."""

    def way(query: str, pool: Sequence[Hit]) -> list[Hit]:
        pending = pending_of(query, pool[:read], reranker, weights)
        return [*pending.finish(scores_of(pending)), *pool[read:]]

    return way


def ways(blend: float) -> dict[str, Way]:
    """Return the ways to rank a pool. Without a blend, there is no smaller pool."""
    fitted = fitted_weights(BI_ENCODER, CROSS_ENCODER)
    weights = {name: blend * weight for name, weight in fitted.items() if blend}
    exact = load_reranker(CROSS_ENCODER)
    make = progressive_of(exact)
    assert make is not None
    progressive = make()
    assert isinstance(progressive, ProgressiveReranker)
    both = {"exact": rerank(exact, weights), "progressive": rerank(progressive, weights)}
    read = progressive.rule.entered(POOL)
    return {**both, f"exact, pool {read}": rerank(exact, weights, read)} if weights else both


def compare(test: data.TestSet, pools: dict[str, list[Hit]], competitors: dict[str, Way]) -> dict[str, object]:
    """Return nDCG@10 of each, its loss compared with the first, and how many times faster it is."""
    orders: dict[str, dict[str, list[str]]] = {name: {} for name in competitors}
    ratios: dict[str, list[float]] = {name: [] for name in competitors}
    for query, pool in pools.items():
        taken = {}
        for name, way in competitors.items():
            began = time.perf_counter()
            hits = way(test.queries[query], pool)
            taken[name] = time.perf_counter() - began
            orders[name][query] = [hit.passage.id for hit in hits]
        for name, seconds in taken.items():
            ratios[name].append(taken["exact"] / seconds)
    scores = {name: data.measure(test.qrels, order)["nDCG@10"] for name, order in orders.items()}
    out: dict[str, object] = {"queries": len(pools), "exact": scores["exact"]}
    for name in list(competitors)[1:]:
        loss = round(1 - scores[name] / scores["exact"], 4)
        faster = round(statistics.median(ratios[name]), 2)
        out[name] = {"nDCG@10": scores[name], "relative_loss": loss, "times_faster": faster}
    return out


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sets", nargs="*", default=[name for name in SETS if name != "arguana"])
    parser.add_argument("--queries", type=int, default=50)
    parser.add_argument("--blend", type=float, default=1.0, help="0: the logit alone")
    parser.add_argument("--pools", type=Path, help="folder that keeps stage one's answers between runs")
    parser.add_argument("--save")
    options = parser.parse_args()
    encoder = load_encoder(BI_ENCODER)
    competitors = ways(options.blend)
    out = {}
    for name in options.sets:
        test = data.load(name, most_queries=300)
        part = test.sample(options.queries)
        pools = stage_one(test, encoder, options.pools)["hybrid"]
        out[name] = compare(part, {query: pools[query][:POOL] for query in part.queries}, competitors)
        print(name, out[name], flush=True)
    if options.save:
        data.save(options.save, out)


if __name__ == "__main__":
    main()
