"""Step 4, `python training/fit_blend.py`: fits how much of stage one goes into the final score.

Runs in the package's own environment. The queries are training-source queries that training did not use; the
corpus is their own passages and others of the same source. No evaluation set is read.
"""

from __future__ import annotations

import json
import random
import tempfile
from pathlib import Path

import numpy as np

import config
from mine_sources import read_source
from shortlist.catalog import load_encoder, load_reranker
from shortlist.indexes.embedded import EmbeddedIndex
from shortlist.models.packaged import BI_ENCODER, CROSS_ENCODER, ROOT, write_manifest
from shortlist.pipeline import rerank_pool
from shortlist.retrievers import Hybrid
from shortlist.types import Hit, Passage

SOURCES = ("docs_sections", "lfrqa", "medquad")
QUERIES, CORPUS, POOL = 80, 2500, 50
DENSE = (0.0, 2.0, 4.0, 6.0, 8.0, 12.0, 16.0, 24.0)
WORDS = (0.0, 0.5, 1.0, 2.0, 3.0, 4.0, 6.0)


def pools(name: str, settings: dict) -> list[tuple[list[Hit], str]]:
    """Reranked pools of unseen queries of one source, each with the id of its one answer."""
    rng = random.Random(f"{settings['seed']}-{name}")
    used = settings["sources"][name]
    groups = read_source(settings["data"] / f"{name}.jsonl.gz", settings["keep"].get(name), used + CORPUS, rng)[used:]
    passages = {group["positive"]: Passage(str(i), group["positive"]) for i, group in enumerate(groups)}
    encoder, reranker = load_encoder(BI_ENCODER), load_reranker(CROSS_ENCODER)
    with tempfile.TemporaryDirectory() as folder:
        index = EmbeddedIndex.create(Path(folder) / "i", encoder_name=encoder.name, dimension=encoder.dimension)
        with index:
            held = list(passages.values())
            for start in range(0, len(held), 512):
                part = held[start : start + 512]
                index.add(part, encoder.encode_passages([one.content for one in part]))
            retriever = Hybrid(index, encoder)
            return [
                (rerank_pool(reranker, g["query"], retriever.retrieve(g["query"], POOL)), passages[g["positive"]].id)
                for g in groups[:QUERIES]
            ]


def ndcg(found: list[tuple[list[Hit], str]], dense: float, words: float) -> float:
    """Mean nDCG@10 with one relevant passage a query."""
    total = 0.0
    for hits, answer in found:
        scores = [
            (h.rerank_score or 0.0) + dense * h.signals.get("dense", 0.0) + words * h.signals.get("bm25_share", 0.0)
            for h in hits
        ]
        for place, i in enumerate(np.argsort(-np.array(scores), kind="stable")[:10]):
            if hits[i].passage.id == answer:
                total += 1 / np.log2(place + 2)
    return total / len(found)


def main() -> None:
    settings = config.load()
    found = {name: pools(name, settings) for name in SOURCES}
    for name, held in found.items():
        stage_one = [(sorted(hits, key=lambda h: h.retrieval_rank), answer) for hits, answer in held]
        places = [next((i for i, h in enumerate(h2) if h.passage.id == a), 99) for h2, a in stage_one]
        base = sum(1 / np.log2(p + 2) for p in places if p < 10) / len(places)
        print(f"{name}: hybrid {base:.4f}, logit alone {ndcg(held, 0, 0):.4f}")
    table = {(d, w): float(np.mean([ndcg(held, d, w) for held in found.values()])) for d in DENSE for w in WORDS}
    for dense in DENSE:
        print(f"dense {dense:5g}: " + "  ".join(f"{table[dense, words]:.4f}" for words in WORDS))
    dense, words = max(table, key=lambda pair: table[pair])
    print(f"best: dense {dense:g}, bm25_share {words:g}: {table[dense, words]:.4f}")
    folder = ROOT / CROSS_ENCODER
    fitted = {BI_ENCODER: {"dense": dense, "bm25_share": words}}
    (folder / "blend.json").write_text(json.dumps(fitted, indent=1) + "\n", encoding="utf-8")
    write_manifest(folder)


if __name__ == "__main__":
    main()
