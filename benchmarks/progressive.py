"""Progressive against exact reranking: `python benchmarks/progressive.py [--sets ...] [--queries 20]`.

The same hybrid pools of 50 are reranked both ways, in turns, under the fitted blend; reported are nDCG@10 of each and
the median of the per-query ratios of seconds.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from pathlib import Path

import data
from quality import POOL, fill
from shortlist.catalog import fitted_weights, load_encoder, load_progressive, load_reranker
from shortlist.indexes.embedded import EmbeddedIndex
from shortlist.models.packaged import BI_ENCODER, CROSS_ENCODER
from shortlist.pipeline import rerank_pool
from shortlist.protocols import Encoder, Reranker
from shortlist.retrievers import Hybrid
from shortlist.types import Hit

SETS = ("cookbook_docs", "cookbook_code", "zoomcamp_faq", "fiqa_mini")


def found(test: data.TestSet, encoder: Encoder) -> dict[str, list[Hit]]:
    """Each query's pool."""
    with tempfile.TemporaryDirectory() as folder:
        index = EmbeddedIndex.create(Path(folder) / "index", encoder_name=encoder.name, dimension=encoder.dimension)
        with index:
            fill(index, encoder, test.passages)
            retriever = Hybrid(index, encoder)
            return {query: retriever.retrieve(text, POOL) for query, text in test.queries.items()}


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
    parser.add_argument("--save")
    asked = parser.parse_args()
    encoder = load_encoder(BI_ENCODER)
    rerankers = {"exact": load_reranker(CROSS_ENCODER), "progressive": load_progressive(CROSS_ENCODER)}
    out = {}
    for name in asked.sets:
        test = data.load(name, most_queries=asked.queries)
        out[name] = compare(test, found(test, encoder), rerankers)
        print(name, out[name], flush=True)
    if asked.save:
        data.save(asked.save, out)


if __name__ == "__main__":
    main()
