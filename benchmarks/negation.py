"""Pairwise accuracy on NevIR: `python benchmarks/negation.py`. Two queries, two passages; both must go right."""

from __future__ import annotations

import argparse
import json

import data
from shortlist.catalog import load_encoder, load_reranker
from shortlist.models.packaged import BI_ENCODER, CROSS_ENCODER


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cross-encoder", default=CROSS_ENCODER)
    parser.add_argument("--save")
    asked = parser.parse_args()
    path = data.data_folder() / "negation" / "nevir" / "dev.jsonl"
    pairs = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    encoder, reranker = load_encoder(BI_ENCODER), load_reranker(asked.cross_encoder)
    right = {"bi-encoder": 0, "cross-encoder": 0}
    for pair in pairs:
        passages = [pair["doc1"], pair["doc2"]]
        queries = [pair["q1"], pair["q2"]]
        cosines = encoder.encode_queries(queries) @ encoder.encode_passages(passages).T
        logits = [reranker.score(query, passages) for query in queries]
        right["bi-encoder"] += int(cosines[0, 0] > cosines[0, 1] and cosines[1, 1] > cosines[1, 0])
        right["cross-encoder"] += int(logits[0][0] > logits[0][1] and logits[1][1] > logits[1][0])
    out = {"pairs": len(pairs), "chance": 0.25, **{name: round(count / len(pairs), 4) for name, count in right.items()}}
    print(out)
    if asked.save:
        data.save(asked.save, out)


if __name__ == "__main__":
    main()
