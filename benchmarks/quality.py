"""Quality of each stage on fixed test sets: `python benchmarks/quality.py [--sets ...] [--queries 300]`.

Passages are indexed whole, as in BEIR, so that the values compare with published ones. Stage one is dense, BM25 and
hybrid over the embedded index. The pool of 50 is then reranked, with and without the signals of stage one in the score.
One file under benchmarks/results holds all values of a run.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bm25s
import numpy as np
import Stemmer

import data
from pools import DEPTH, pending_of, stage_one
from shortlist.errors import InvalidInput
from shortlist.models.packaged import BI_ENCODER, CROSS_ENCODER
from shortlist.protocols import Encoder, Reranker
from shortlist.registry import fitted_weights, load_encoder, load_reranker
from shortlist.search.rerank import skip_note
from shortlist.search.search import scores_of
from shortlist.types import Hit, Scores

SETS = (
    "cookbook_docs",
    "zoomcamp_faq",
    "cookbook_code",
    "trec_covid_mini",
    "fiqa_mini",
    "chunking_eval",
    "nfcorpus",
    "scifact",
    "arguana",
)
POOL = 50


def second_bm25(test: data.TestSet) -> dict[str, list[str]]:
    """Return the answers of bm25s, a second BM25: k1 = 1.2, b = 0.75, and names_like_this split at "_", as in ours."""
    stemmer = Stemmer.Stemmer("english")
    index = bm25s.BM25(k1=1.2, b=0.75)
    options = {"stopwords": "en_plus", "stemmer": stemmer, "show_progress": False, "token_pattern": r"[^\W_]+"}
    index.index(bm25s.tokenize([p.content for p in test.passages], **options), show_progress=False)
    queries = bm25s.tokenize(list(test.queries.values()), **options)
    rows, _ = index.retrieve(queries, k=min(DEPTH, len(test.passages)), show_progress=False)
    ids = [p.id for p in test.passages]
    return {query: [ids[i] for i in row] for query, row in zip(test.queries, rows, strict=True)}


def without_own_id(ids: list[str], query: str) -> list[str]:
    """Return the ids without the query's own (ArguAna's rule)."""
    return [key for key in ids if key != query]


@dataclass(frozen=True)
class Limits:
    """How many queries of a set stage one answers, how many of these are reranked, and the folder for pools."""

    queries: int
    reranked: int
    pools: Path | None


Variants = dict[str, dict[str, float]]
"""Name of a row -> weights of the stage-one signals in the final score."""


def reranked(pools: dict[str, list[Hit]], test: data.TestSet, reranker: Reranker, variants: Variants) -> dict[str, Any]:
    """Return the orders of the pool for each variant, from one scoring pass, and counts of queries and passages."""
    orders: dict[str, dict[str, list[str]]] = {name: {} for name in variants}
    counts = {"declined": 0, "too_long": 0, "cut": 0, "scored": 0}
    began = time.perf_counter()
    for query, hits in pools.items():
        text, pool, below = test.queries[query], hits[:POOL], [hit.passage.id for hit in hits[POOL:]]
        scores = Scores()
        if skip_note(reranker, text) is not None:
            counts["declined"] += 1
        else:
            try:
                scores = scores_of(pending_of(text, pool, reranker, {}))
            except InvalidInput:
                counts["too_long"] += 1
        counts["cut"] += sum(scores.truncated)
        counts["scored"] += len(scores)
        for name, weights in variants.items():
            ranking = pending_of(text, pool, reranker, weights).finish(scores)
            orders[name][query] = [hit.passage.id for hit in ranking] + below
    return {"orders": orders, **counts, "seconds": round(time.perf_counter() - began, 1)}


def evaluate(name: str, encoder: Encoder, reranker: Reranker, variants: Variants, limits: Limits) -> dict[str, Any]:
    """Measure stage one on the sampled queries, and both stages on a fixed sample of them."""
    test = data.load(name, most_queries=limits.queries)
    pools = stage_one(test, encoder, limits.pools)
    orders = {
        stage: {query: [hit.passage.id for hit in hits] for query, hits in by_query.items()}
        for stage, by_query in pools.items()
    }
    orders["bm25s"] = {query: without_own_id(ids, query) for query, ids in second_bm25(test).items()}
    part = test.sample(limits.reranked)
    result = reranked({query: pools["hybrid"][query] for query in part.queries}, part, reranker, variants)
    table = {"hybrid": {query: orders["hybrid"][query] for query in part.queries}}
    table.update({f"hybrid + {variant}": order for variant, order in result.pop("orders").items()})
    return {
        "set": name,
        "queries": len(test.queries),
        "of": test.total,
        "measures": {stage: data.measure(test.qrels, order) for stage, order in orders.items()},
        "reranked_queries": len(part.queries),
        "rerank": result,
        "reranked": {stage: data.measure(part.qrels, order) for stage, order in table.items()},
    }


def trec_dl19(encoder: Encoder, reranker: Reranker, variants: Variants) -> dict[str, Any]:
    """Measure BM25's top 100 of TREC DL 2019, reranked whole, against all NIST judgments."""
    test = data.load("trec_dl19", qrels_file="test_full.tsv")
    passages = {p.id: p for p in test.passages}
    pools: dict[str, list[str]] = {}
    for line in (data.data_folder() / "eval" / "trec_dl19" / "candidates" / "BM25.tsv").open(encoding="utf-8"):
        query, passage = line.split("\t")[:2]
        if query in test.queries:
            pools.setdefault(query, []).append(passage)
    table: dict[str, dict[str, list[str]]] = {"bm25 top 100": pools, "dense": {}}
    table.update({name: {} for name in variants})
    for query, ids in pools.items():
        text = test.queries[query]
        contents = [passages[key].content for key in ids]
        cosines = encoder.encode_passages(contents) @ encoder.encode_queries([text])[0]
        logits = np.array(reranker.score(text, contents))
        table["dense"][query] = [ids[i] for i in np.argsort(-cosines, kind="stable")]
        for name, weights in variants.items():
            order = np.argsort(-(logits + weights.get("dense", 0.0) * cosines), kind="stable")
            table[name][query] = [ids[i] for i in order]
    measures = {stage: data.measure(test.qrels, order) for stage, order in table.items()}
    return {"set": "trec_dl19 (BM25 top 100)", "queries": len(pools), "of": test.total, "measures": measures}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sets", nargs="*", default=["trec_dl19", *SETS])
    parser.add_argument("--queries", type=int, default=300, help="stage one: a fixed sample of larger query sets")
    parser.add_argument("--rerank", type=int, default=300, help="both stages: a fixed sample of those")
    parser.add_argument("--pools", type=Path, help="folder that keeps stage one's answers between runs")
    parser.add_argument("--reranker", default=CROSS_ENCODER)
    parser.add_argument("--weights", nargs="*", default=[], help="more rows, such as dense=10,bm25_share=2")
    parser.add_argument("--save", default=None, help="file name under benchmarks/results")
    options = parser.parse_args()
    encoder, reranker = load_encoder(BI_ENCODER), load_reranker(options.reranker)
    variants: Variants = {"logit": {}}
    if fitted := fitted_weights(BI_ENCODER, options.reranker):
        variants["logit + fitted"] = fitted
    for row in options.weights:
        pairs = (pair.split("=") for pair in row.split(","))
        variants[f"logit + {row}"] = {name: float(value) for name, value in pairs}
    results: list[dict[str, Any]] = []
    commit = data.commit()
    for name in options.sets:
        if name == "trec_dl19":
            result = trec_dl19(encoder, reranker, variants)
        else:
            limits = Limits(options.queries, options.rerank, options.pools)
            result = evaluate(name, encoder, reranker, variants, limits)
        results.append(result)
        print(f"\n{result['set']}: {result['queries']} of {result['of']} queries")
        show(result["measures"])
        if "reranked" in result:
            print(f"  {result['reranked_queries']} queries reranked: {result['rerank']}")
            show(result["reranked"])
        if options.save:
            data.save(options.save, {"commit": commit, "sets": results})


def show(rows: dict[str, dict[str, float]]) -> None:
    for stage, measures in rows.items():
        print(f"  {stage:32}" + "  ".join(f"{key} {value:.4f}" for key, value in measures.items()), flush=True)


if __name__ == "__main__":
    main()
