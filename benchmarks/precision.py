"""What the fastest precision costs in quality: `python benchmarks/precision.py --pools FOLDER [--queries 100]`.

The same hybrid pools of 50 are scored in fp32 (`exact`) and in what runs here by default. Reported a set: nDCG@10 of
both under the fitted blend and by the logit alone, the paired difference with its 95 % interval, and the differences of
the logits themselves.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path

import ir_measures
import numpy as np
from numpy.typing import NDArray

import data
from pools import stage_one
from quality import POOL, SETS
from shortlist.evaluation.metrics.statistics import paired
from shortlist.models.packaged import BI_ENCODER, CROSS_ENCODER
from shortlist.registry import fitted_weights, load_encoder, load_reranker
from shortlist.search.pipeline import placed
from shortlist.types import Hit

Logits = dict[str, NDArray[np.float64]]
"""query -> the logit of each passage of its pool."""


def gains(test: data.TestSet, pools: dict[str, list[Hit]], logits: Logits, weights: Mapping[str, float]) -> list[float]:
    """Each query's nDCG@10, in the order of `pools`."""
    run = {}
    for query, pool in pools.items():
        ranked = placed(pool, list(logits[query]), [False] * len(pool), weights)
        run[query] = {hit.passage.id: float(-hit.rank) for hit in ranked}
    qrels = {query: dict(test.qrels[query]) for query in pools}
    found = {one.query_id: one.value for one in ir_measures.iter_calc([data.MEASURES["nDCG@10"]], qrels, run)}
    return [found[query] for query in pools]


def compare(test: data.TestSet, pools: dict[str, list[Hit]], both: dict[str, Logits]) -> dict[str, object]:
    """Default minus exact."""
    apart = np.concatenate([both["default"][query] - both["exact"][query] for query in pools])
    out: dict[str, object] = {
        "queries": len(pools),
        "logits_apart": {"rms": round(float(np.sqrt(np.mean(apart**2))), 4), "most": round(float(abs(apart).max()), 4)},
    }
    for name, weights in {"blend": fitted_weights(BI_ENCODER, CROSS_ENCODER), "logit": {}}.items():
        exact, default = (gains(test, pools, both[precision], weights) for precision in ("exact", "default"))
        found = paired(default, exact)
        interval = (found.difference.mean, found.difference.low, found.difference.high)
        out[name] = {
            "exact": round(float(np.mean(exact)), 4),
            "default": round(float(np.mean(default)), 4),
            "difference": [round(one, 4) for one in interval],
            "p": round(found.p, 3),
        }
    return out


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sets", nargs="*", default=[name for name in SETS if name != "arguana"])
    parser.add_argument("--queries", type=int, default=100)
    parser.add_argument("--pools", type=Path, help="folder that keeps stage one's answers between runs")
    parser.add_argument("--save")
    asked = parser.parse_args()
    encoder = load_encoder(BI_ENCODER)
    rerankers = {"exact": load_reranker(precision="exact"), "default": load_reranker()}
    out = {}
    for name in asked.sets:
        test = data.load(name, most_queries=300)
        part = test.sample(asked.queries)
        found = stage_one(test, encoder, asked.pools)["hybrid"]
        pools = {query: found[query][:POOL] for query in part.queries}
        both: dict[str, Logits] = {
            precision: {
                query: np.array(reranker.score(part.queries[query], [hit.passage.content for hit in pool]))
                for query, pool in pools.items()
            }
            for precision, reranker in rerankers.items()
        }
        out[name] = compare(part, pools, both)
        print(name, out[name], flush=True)
        if asked.save:
            data.save(asked.save, out)


if __name__ == "__main__":
    main()
