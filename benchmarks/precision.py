"""The quality of the fastest precision: `python benchmarks/precision.py --pools FOLDER [--queries 100]`.

The same hybrid pools of 50 are scored in fp32 (`exact`) and in the default precision of this machine. For each set, the
script reports nDCG@10 of both with the fitted weights and with the logit alone, the paired difference with its 95 %
interval, and the differences of the logits.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path

import ir_measures
import numpy as np
from numpy.typing import NDArray

import data
from pools import pending_of, stage_one
from quality import POOL, SETS
from shortlist.evaluation.metrics.statistics import paired
from shortlist.models.packaged import BI_ENCODER, CROSS_ENCODER
from shortlist.protocols import Reranker
from shortlist.registry import fitted_weights, load_encoder, load_reranker
from shortlist.types import Hit, Scores

Logits = dict[str, NDArray[np.float64]]
"""query -> the logit of each passage of its pool."""


def values(
    test: data.TestSet,
    pools: dict[str, list[Hit]],
    reranker: Reranker,
    logits: Logits,
    weights: Mapping[str, float],
) -> list[float]:
    """Return each query's nDCG@10, in the order of `pools`."""
    run = {}
    for query, pool in pools.items():
        ranking = pending_of(test.queries[query], pool, reranker, weights).finish(Scores(logits[query]))
        run[query] = {hit.passage.id: float(-hit.rank) for hit in ranking}
    qrels = {query: dict(test.qrels[query]) for query in pools}
    rows = ir_measures.iter_calc([data.MEASURES["nDCG@10"]], qrels, run)
    by_query = {row.query_id: row.value for row in rows}
    return [by_query[query] for query in pools]


def compare(
    test: data.TestSet, pools: dict[str, list[Hit]], reranker: Reranker, both: dict[str, Logits]
) -> dict[str, object]:
    """Return the differences, default minus exact."""
    apart = np.concatenate([both["default"][query] - both["exact"][query] for query in pools])
    out: dict[str, object] = {
        "queries": len(pools),
        "logits_apart": {"rms": round(float(np.sqrt(np.mean(apart**2))), 4), "most": round(float(abs(apart).max()), 4)},
    }
    for name, weights in {"blend": fitted_weights(BI_ENCODER, CROSS_ENCODER), "logit": {}}.items():
        exact, default = (values(test, pools, reranker, both[precision], weights) for precision in ("exact", "default"))
        gain = paired(default, exact)
        interval = (gain.difference.mean, gain.difference.low, gain.difference.high)
        out[name] = {
            "exact": round(float(np.mean(exact)), 4),
            "default": round(float(np.mean(default)), 4),
            "difference": [round(value, 4) for value in interval],
            "p": round(gain.p, 3),
        }
    return out


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sets", nargs="*", default=[name for name in SETS if name != "arguana"])
    parser.add_argument("--queries", type=int, default=100)
    parser.add_argument("--pools", type=Path, help="folder that keeps stage one's answers between runs")
    parser.add_argument("--save")
    options = parser.parse_args()
    encoder = load_encoder(BI_ENCODER)
    rerankers = {"exact": load_reranker(precision="exact"), "default": load_reranker()}
    out = {}
    for name in options.sets:
        test = data.load(name, most_queries=300)
        part = test.sample(options.queries)
        hybrid = stage_one(test, encoder, options.pools)["hybrid"]
        pools = {query: hybrid[query][:POOL] for query in part.queries}
        both: dict[str, Logits] = {
            precision: {
                query: np.array(reranker.score(part.queries[query], [hit.passage.content for hit in pool]))
                for query, pool in pools.items()
            }
            for precision, reranker in rerankers.items()
        }
        out[name] = compare(part, pools, rerankers["exact"], both)
        print(name, out[name], flush=True)
        if options.save:
            data.save(options.save, out)


if __name__ == "__main__":
    main()
