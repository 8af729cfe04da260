"""Pairwise accuracy on NevIR and on the packaged pairs: `python benchmarks/negation.py --save negation.json`."""

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
    result = probe(contrasts, encoder, reranker)
    both = (("bi-encoder", result.accuracy("retrieval")), ("cross-encoder", result.accuracy("rerank")))
    shares = {name: round(share.mean, 4) for name, share in both}
    intervals = {f"{name}, 95 %": [round(share.low, 4), round(share.high, 4)] for name, share in both}
    return {"pairs": len(result.pairs), "chance": result.chance, **shares, **intervals}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--reranker", default=CROSS_ENCODER)
    parser.add_argument("--save")
    options = parser.parse_args()
    encoder, reranker = load_encoder(BI_ENCODER), load_reranker(options.reranker)
    nevir = read_contrasts(data.data_folder() / "negation" / "nevir" / "dev.jsonl")
    out = {**measured(nevir, encoder, reranker), "packaged pairs": measured(read_contrasts(), encoder, reranker)}
    print(out)
    if options.save:
        data.save(options.save, out)


if __name__ == "__main__":
    main()
