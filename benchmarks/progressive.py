"""Progressive against exact reranking: `python benchmarks/progressive.py [--sets ...] [--queries 20]`.

The same hybrid pools of 50 are reranked both ways, in turns, under the fitted blend; reported are nDCG@10 of each and
the median of the per-query ratios of seconds.
"""

from __future__ import annotations

import argparse
import statistics
import time
from pathlib import Path

import data
from pools import stage_one
from quality import POOL, SETS
from shortlist.catalog import fitted_weights, load_encoder, load_progressive, load_reranker
from shortlist.models.packaged import BI_ENCODER, CROSS_ENCODER
from shortlist.pipeline import rerank_pool
from shortlist.protocols import Reranker
from shortlist.types import Hit


def compare(test: data.TestSet, pools: dict[str, list[Hit]], rerankers: dict[str, Reranker]) -> dict[str, object]:
    """nDCG@10 of both, and how many times faster the second is."""
    weights = fitted_weights(BI_ENCODER, CROSS_ENCODER)
    orders: dict[str, dict[str, list[str]]] = {name: {} for name in rerankers}
    ratios = []
    for query, pool in pools.items():
        taken = {}
        for name, reranker in rerankers.items():
            began = time.perf_counter()
            hits = rerank_pool(reranker, test.queries[query], pool, weights)
            taken[name] = time.perf_counter() - began
            orders[name][query] = [hit.passage.id for hit in hits]
        ratios.append(taken["exact"] / taken["progressive"])
    scores = {name: data.measure(test.qrels, order)["nDCG@10"] for name, order in orders.items()}
    loss = round(1 - scores["progressive"] / scores["exact"], 4)
    return {"queries": len(pools), **scores, "relative_loss": loss, "times_faster": round(statistics.median(ratios), 2)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sets", nargs="*", default=list(SETS))
    parser.add_argument("--queries", type=int, default=20)
    parser.add_argument("--pools", type=Path, help="folder that keeps stage one's answers between runs")
    parser.add_argument("--save")
    asked = parser.parse_args()
    encoder = load_encoder(BI_ENCODER)
    rerankers = {"exact": load_reranker(CROSS_ENCODER), "progressive": load_progressive(CROSS_ENCODER)}
    out = {}
    for name in asked.sets:
        test = data.load(name, most_queries=300)
        part = test.sample(asked.queries)
        pools = stage_one(test, encoder, asked.pools)["hybrid"]
        out[name] = compare(part, {query: pools[query][:POOL] for query in part.queries}, rerankers)
        print(name, out[name], flush=True)
    if asked.save:
        data.save(asked.save, out)


if __name__ == "__main__":
    main()
