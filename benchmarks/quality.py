"""Quality of each stage on fixed test sets: `python benchmarks/quality.py [--sets ...] [--queries 300]`.

Passages are indexed whole, as BEIR does, so that figures compare with published ones. Stage one is dense, BM25
and hybrid over the embedded index; the pool of 50 is then reranked, with and without the cosine in the score.
The rankings of one run stand side by side in one file under benchmarks/results.
"""

from __future__ import annotations

import argparse
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

import bm25s
import numpy as np
import Stemmer

import data
from pools import DEPTH, stage_one
from shortlist.errors import InvalidInput
from shortlist.models.packaged import BI_ENCODER, CROSS_ENCODER
from shortlist.protocols import Declines, Encoder, Reranker
from shortlist.registry import fitted_weights, load_encoder, load_reranker
from shortlist.search.pipeline import placed, rerank_pool
from shortlist.types import Hit

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
    """BM25 by bm25s, the second implementation: k1 = 1.2, b = 0.75, and names_like_this split at "_", as ours does."""
    stemmer = Stemmer.Stemmer("english")
    index = bm25s.BM25(k1=1.2, b=0.75)
    options = {"stopwords": "en_plus", "stemmer": stemmer, "show_progress": False, "token_pattern": r"[^\W_]+"}
    index.index(bm25s.tokenize([p.content for p in test.passages], **options), show_progress=False)
    asked = bm25s.tokenize(list(test.queries.values()), **options)
    found, _ = index.retrieve(asked, k=min(DEPTH, len(test.passages)), show_progress=False)
    ids = [p.id for p in test.passages]
    return {query: [ids[i] for i in row] for query, row in zip(test.queries, found, strict=True)}


def without_itself(ids: list[str], query: str) -> list[str]:
    """ArguAna's rule: the passage whose id is the query's own is dropped."""
    return [key for key in ids if key != query]


@dataclass(frozen=True)
class Asked:
    """How many queries of a set stage one answers, how many of these are reranked, and where pools are kept."""

    queries: int
    reranked: int
    pools: Path | None


Variants = dict[str, dict[str, float]]
"""Name of a row -> weights of the stage-one signals in the final score."""


def reranked(pools: dict[str, list[Hit]], test: data.TestSet, reranker: Reranker, variants: Variants) -> dict:
    """Orders of the pool for each variant, from one scoring pass; queries beyond the window are counted."""
    orders: dict[str, dict[str, list[str]]] = {name: {} for name in variants}
    declined = too_long = cut = scored = 0
    began = time.perf_counter()
    for query, pool in pools.items():
        below = [hit.passage.id for hit in pool[POOL:]]
        hits = sorted(pool[:POOL], key=lambda hit: hit.retrieval_rank)
        leave = isinstance(reranker, Declines) and bool(reranker.declines(test.queries[query]))
        declined += leave
        try:
            hits = hits if leave else rerank_pool(reranker, test.queries[query], hits)
        except InvalidInput:
            leave = True
            too_long += 1
        if leave:
            for name in variants:
                orders[name][query] = [hit.passage.id for hit in hits] + below
            continue
        cut += sum(hit.truncated for hit in hits)
        scored += len(hits)
        for name, weights in variants.items():
            scores, cuts = [hit.rerank_score or 0.0 for hit in hits], [hit.truncated for hit in hits]
            orders[name][query] = [hit.passage.id for hit in placed(hits, scores, cuts, weights)] + below
    seconds = time.perf_counter() - began
    counts = {"declined": declined, "too_long": too_long}
    return {"orders": orders, **counts, "cut": cut, "scored": scored, "seconds": round(seconds, 1)}


def evaluate(name: str, encoder: Encoder, reranker: Reranker, variants: Variants, asked: Asked) -> dict[str, object]:
    """Stage one over all queries that were asked for, both stages over a fixed sample of them."""
    test = data.load(name, most_queries=asked.queries)
    pools = stage_one(test, encoder, asked.pools)
    orders = {stage: {q: [h.passage.id for h in hits] for q, hits in found.items()} for stage, found in pools.items()}
    orders["bm25s"] = {query: without_itself(ids, query) for query, ids in second_bm25(test).items()}
    part = test.sample(asked.reranked)
    made = reranked({query: pools["hybrid"][query] for query in part.queries}, part, reranker, variants)
    table = {"hybrid": {query: orders["hybrid"][query] for query in part.queries}}
    table.update({f"hybrid + {variant}": order for variant, order in made.pop("orders").items()})
    return {
        "set": name,
        "queries": len(test.queries),
        "of": test.total,
        "measures": {stage: data.measure(test.qrels, order) for stage, order in orders.items()},
        "reranked_queries": len(part.queries),
        "rerank": made,
        "reranked": {stage: data.measure(part.qrels, order) for stage, order in table.items()},
    }


def trec_dl19(encoder: Encoder, reranker: Reranker, variants: Variants) -> dict[str, object]:
    """BM25's own top 100 of TREC DL 2019, reranked whole, against all NIST judgments."""
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
    parser.add_argument("--cross-encoder", default=CROSS_ENCODER)
    parser.add_argument("--weights", nargs="*", help="rows besides the fitted one, such as dense=10,bm25_share=2")
    parser.add_argument("--save", default=None, help="file name under benchmarks/results")
    asked = parser.parse_args()
    encoder, reranker = load_encoder(BI_ENCODER), load_reranker(asked.cross_encoder)
    variants: Variants = {"logit": {}}
    if fitted := fitted_weights(BI_ENCODER, asked.cross_encoder):
        variants["logit + fitted"] = fitted
    for one in asked.weights or []:
        variants[f"logit + {one}"] = {name: float(value) for name, value in (p.split("=") for p in one.split(","))}
    results = []
    for name in asked.sets:
        one = (
            trec_dl19(encoder, reranker, variants)
            if name == "trec_dl19"
            else evaluate(name, encoder, reranker, variants, Asked(asked.queries, asked.rerank, asked.pools))
        )
        results.append(one)
        print(f"\n{one['set']}: {one['queries']} of {one['of']} queries")
        show(one["measures"])
        if "reranked" in one:
            print(f"  {one['reranked_queries']} queries reranked: {one['rerank']}")
            show(one["reranked"])
        if asked.save:
            save(results, asked.save)


def show(rows: dict[str, dict[str, float]]) -> None:
    for stage, measures in rows.items():
        print(f"  {stage:32}" + "  ".join(f"{key} {value:.4f}" for key, value in measures.items()), flush=True)


def save(results: list[dict[str, object]], name: str) -> None:
    """Writes what is done so far, with the commit it was measured at."""
    commit = subprocess.run(["git", "rev-parse", "--short=12", "HEAD"], capture_output=True, text=True, check=True)
    data.save(name, {"commit": commit.stdout.strip(), "sets": results})


if __name__ == "__main__":
    main()
