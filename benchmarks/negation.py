"""Pairwise accuracy on NevIR and on the pairs in the box: `python benchmarks/negation.py --save negation.json`."""

from __future__ import annotations

import argparse
from typing import Any

import data
from shortlist.evaluation.probe import probe
from shortlist.evaluation.query_sets.files.contrasts import Contrasts, read_contrasts
from shortlist.models.packaged import BI_ENCODER, CROSS_ENCODER
from shortlist.protocols import Encoder, Reranker
from shortlist.registry import load_encoder, load_reranker


def measured(contrasts: Contrasts, encoder: Encoder, reranker: Reranker) -> dict[str, Any]:
    found = probe(contrasts, encoder, reranker)
    both = (("bi-encoder", found.accuracy("retrieval")), ("cross-encoder", found.accuracy("rerank")))
    shares = {name: round(one.mean, 4) for name, one in both}
    intervals = {f"{name}, 95 %": [round(one.low, 4), round(one.high, 4)] for name, one in both}
    return {"pairs": len(found.verdicts), "chance": found.chance, **shares, **intervals}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cross-encoder", default=CROSS_ENCODER)
    parser.add_argument("--save")
    asked = parser.parse_args()
    encoder, reranker = load_encoder(BI_ENCODER), load_reranker(asked.cross_encoder)
    nevir = read_contrasts(data.data_folder() / "negation" / "nevir" / "dev.jsonl")
    out = {**measured(nevir, encoder, reranker), "in the box": measured(read_contrasts(), encoder, reranker)}
    print(out)
    if asked.save:
        data.save(asked.save, out)


if __name__ == "__main__":
    main()
