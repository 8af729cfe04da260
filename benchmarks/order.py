"""Dense order compared with sentence-transformers: `python benchmarks/order.py --bi-encoder FOLDER`.

Both encode the same queries and passages, and shortlist in both precisions. The script reports how often the first ten
are the same list, how often they are the same set, and nDCG@10 of each.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
from sentence_transformers import SentenceTransformer

import data
from shortlist.models.packaged import BI_ENCODER
from shortlist.registry import load_encoder


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bi-encoder", type=Path, required=True)
    parser.add_argument("--sets", nargs="*", default=["scifact", "nfcorpus"])
    parser.add_argument("--save")
    options = parser.parse_args()
    other = SentenceTransformer(str(options.bi_encoder), device="cpu")
    out = {}
    for name in options.sets:
        test = data.load(name, most_queries=300)
        texts, queries = [passage.content for passage in test.passages], list(test.queries.values())
        theirs = [other.encode(part, normalize_embeddings=True, batch_size=32) for part in (queries, texts)]
        orders = {"sentence-transformers": np.argsort(-(theirs[0] @ theirs[1].T), axis=1, kind="stable")}
        for precision in ("exact", "auto"):
            encoder = load_encoder(BI_ENCODER, precision=precision)
            scores = encoder.encode_queries(queries) @ encoder.encode_passages(texts).T
            orders[precision] = np.argsort(-scores, axis=1, kind="stable")
        base = orders["sentence-transformers"][:, :10]
        out[name] = {}
        for engine, order in orders.items():
            top = order[:, :10]
            ranking = {q: [test.passages[i].id for i in row[:100]] for q, row in zip(test.queries, order, strict=True)}
            out[name][engine] = {
                "same_top10_list": round(float((top == base).all(axis=1).mean()), 4),
                "same_top10_set": round(float(np.mean([set(a) == set(b) for a, b in zip(top, base, strict=True)])), 4),
                "nDCG@10": data.measure(test.qrels, ranking)["nDCG@10"],
            }
        print(name, json.dumps(out[name]), flush=True)
    if options.save:
        (data.ROOT / "benchmarks" / "results" / options.save).write_text(json.dumps(out, indent=1) + "\n")


if __name__ == "__main__":
    main()
