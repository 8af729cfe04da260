"""Progressive against exact reranking: `python benchmarks/progressive.py [--sets ...] [--queries 50]`.

The same hybrid pools of 50 are reranked in turns, under the fitted blend: exactly, progressively, and exactly with a
smaller pool, as many passages as progressive reranking reads at all; the rest follow in stage one's order. Reported are
nDCG@10 of each, what it loses, and the median of the per-query ratios of seconds. arguana is not among the sets: its
queries are left in stage one's order.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import data
from pools import stage_one
from quality import POOL, SETS
from shortlist.models.packaged import BI_ENCODER, CROSS_ENCODER
from shortlist.registry import fitted_weights, load_encoder, load_progressive, load_reranker
from shortlist.rerankers.progressive import ProgressiveReranker
from shortlist.search.pipeline import rerank_pool
from shortlist.types import Hit

Way = Callable[[str, Sequence[Hit]], list[Hit]]


def ways(blend: float) -> dict[str, Way]:
    """How each competitor ranks a query's pool; without a blend no smaller pool is among them."""
    weights = fitted_weights(BI_ENCODER, CROSS_ENCODER, blend)
    exact, progressive = load_reranker(CROSS_ENCODER), load_progressive(CROSS_ENCODER)
    assert isinstance(progressive, ProgressiveReranker)
    both: dict[str, Way] = {
        "exact": lambda query, pool: rerank_pool(exact, query, pool, weights),
        "progressive": lambda query, pool: rerank_pool(progressive, query, pool, weights),
    }
    read = progressive.rule.entered(POOL)
    smaller: Way = lambda query, pool: [*rerank_pool(exact, query, pool[:read], weights), *pool[read:]]  # noqa: E731
    return {**both, f"exact, pool {read}": smaller} if weights else both


def compare(test: data.TestSet, pools: dict[str, list[Hit]], competitors: dict[str, Way]) -> dict[str, object]:
    """nDCG@10 of each, what it loses beside the first and how many times faster it is."""
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
    parser.add_argument("--blend", type=float, default=1.0, help="0: by the logit alone")
    parser.add_argument("--pools", type=Path, help="folder that keeps stage one's answers between runs")
    parser.add_argument("--save")
    asked = parser.parse_args()
    encoder = load_encoder(BI_ENCODER)
    competitors = ways(asked.blend)
    out = {}
    for name in asked.sets:
        test = data.load(name, most_queries=300)
        part = test.sample(asked.queries)
        pools = stage_one(test, encoder, asked.pools)["hybrid"]
        out[name] = compare(part, {query: pools[query][:POOL] for query in part.queries}, competitors)
        print(name, out[name], flush=True)
    if asked.save:
        data.save(asked.save, out)


if __name__ == "__main__":
    main()
