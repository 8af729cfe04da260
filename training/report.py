"""`python training/report.py prepare|score CHECKPOINT`: the development sets, for a report; nothing is chosen by them.

`prepare` puts the sets' passages into a store of their own and keeps hybrid's pools of 50 and what the packaged
reranker says of them. `score` adds a checkpoint: nDCG@10 by its logit alone over the same pools, TREC DL 2019 over
BM25's own 100, and NevIR's development pairs.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

import config
from judge import load, logits
from reader import Reader, mean_state
from states import Store

sys.path.insert(0, str(config.ROOT / "benchmarks"))
SETS = (
    "cookbook_docs",
    "fiqa_mini",
    "trec_covid_mini",
    "scifact",
    "nfcorpus",
    "zoomcamp_faq",
    "cookbook_code",
    "chunking_eval",
    "arguana",
)
POOL, WINDOW = 50, 256
Pool = dict[str, Any]
"""A query with its passages in stage one's order: grades, all grades of the query, cosine, bm25_share, v1."""


def ndcg(scores: NDArray[np.float64], grades: list[int], everything: list[int], depth: int = 10) -> float:
    """nDCG@10 with linear gains, as trec_eval counts it, against all judged passages of the query."""
    shares = 1 / np.log2(np.arange(2, depth + 2))
    order = np.argsort(-scores, kind="stable")[:depth]
    gains, ideal = np.maximum(np.array(grades), 0)[order], np.maximum(np.sort(everything)[::-1][:depth], 0)
    return float((gains * shares[: len(gains)]).sum() / (ideal * shares[: len(ideal)]).sum()) if ideal.sum() else 0.0


def part_of(test: Any, most: int) -> list[Any]:
    """At most about `most` passages of the corpus: all that are relevant, and BM25's best of each query.

    A whole corpus takes an hour of a busy machine. A pool of 50 out of a part is easier, for every score alike.
    """
    import bm25s
    import Stemmer

    if len(test.passages) <= most:
        return list(test.passages)
    stemmer, index = Stemmer.Stemmer("english"), bm25s.BM25()
    index.index(bm25s.tokenize([p.content for p in test.passages], stemmer=stemmer, show_progress=False))
    asked = bm25s.tokenize(list(test.queries.values()), stemmer=stemmer, show_progress=False)
    found, _ = index.retrieve(asked, k=100, show_progress=False)
    kept = {key for grades in test.qrels.values() for key, grade in grades.items() if grade > 0}
    for column in found.T:
        if len(kept) >= most:
            break
        kept |= {test.passages[row].id for row in column}
    return [passage for passage in test.passages if passage.id in kept]


def hybrid_pools(name: str, queries: int, store: Store, most: int) -> list[Pool]:
    """Pools of 50 of a fixed sample of the set's queries; a passage that is the query itself is left out."""
    import data
    from shortlist.indexes.embedded import EmbeddedEngine
    from shortlist.models.packaged import BI_ENCODER
    from shortlist.registry import load_encoder
    from shortlist.retrievers.engine import Hybrid

    test, encoder = data.load(name, most_queries=queries), load_encoder(BI_ENCODER)
    passages = part_of(test, most)
    store.fill([*(passage.content for passage in passages), *test.queries.values()])
    out = []
    with tempfile.TemporaryDirectory() as folder:
        index = EmbeddedEngine().create(Path(folder), dimension=encoder.dimension)
        with contextlib.closing(index):
            for start in range(0, len(passages), 512):
                part = passages[start : start + 512]
                index.add(part, np.stack([mean_state(store, passage.content).numpy() for passage in part]))
            retriever = Hybrid(index, encoder)
            for key, text in test.queries.items():
                hits = [hit for hit in retriever.retrieve(text, POOL + 1) if hit.passage.id != key][:POOL]
                out.append(
                    {
                        "query": text,
                        "passages": [hit.passage.content for hit in hits],
                        "grades": [test.qrels[key].get(hit.passage.id, 0) for hit in hits],
                        "all": list(test.qrels[key].values()),
                        "cosine": [hit.signals["dense"] for hit in hits],
                        "share": [hit.signals.get("bm25_share", 0.0) for hit in hits],
                        "stage": [-rank for rank in range(len(hits))],
                    }
                )
    return out


def dl19_pools(store: Store, queries: int) -> list[Pool]:
    """BM25's own 100 passages a query, with all NIST judgments."""
    import data

    test = data.load("trec_dl19", qrels_file="test_full.tsv")
    passages = {passage.id: passage.content for passage in test.passages}
    ids: dict[str, list[str]] = {}
    for line in (data.data_folder() / "eval" / "trec_dl19" / "candidates" / "BM25.tsv").open(encoding="utf-8"):
        query, passage = line.split("\t")[:2]
        if query in test.queries:
            ids.setdefault(query, []).append(passage)
    ids = dict(list(ids.items())[:queries])
    store.fill([*(passages[key] for row in ids.values() for key in row), *test.queries.values()])
    return [
        {
            "query": test.queries[query],
            "passages": [passages[key] for key in row],
            "grades": [test.qrels[query].get(key, 0) for key in row],
            "all": list(test.qrels[query].values()),
            "cosine": [float(mean_state(store, test.queries[query]) @ mean_state(store, passages[key])) for key in row],
            "share": [0.0] * len(row),
            "stage": [-rank for rank in range(len(row))],
        }
        for query, row in ids.items()
    ]


def nevir() -> list[dict[str, Any]]:
    """The development pairs."""
    import data

    path = data.data_folder() / "negation" / "nevir" / "dev.jsonl"
    return [json.loads(line) for line in path.open(encoding="utf-8")]


def blocks_of(pairs: list[dict[str, Any]]) -> list[Pool]:
    return [{"queries": [row["q1"], row["q2"]], "passages": [row["doc1"], row["doc2"]]} for row in pairs]


def right(tables: list[NDArray[np.float64]]) -> float:
    """The share of pairs in which each query prefers its own passage; `tables` holds two rows a pair."""
    return float(np.mean([a[0] > a[1] and b[1] > b[0] for a, b in zip(tables[::2], tables[1::2], strict=True)]))


def prepare(folder: Path, store: Store, asked: argparse.Namespace) -> None:
    """Everything that does not depend on a checkpoint, a set a file."""
    from shortlist.errors import InvalidInput
    from shortlist.models.packaged import CROSS_ENCODER
    from shortlist.registry import load_reranker

    folder.mkdir(exist_ok=True)
    reranker = load_reranker(CROSS_ENCODER)
    for name in (*SETS, "trec_dl19"):
        path = folder / f"{name}.json"
        if path.exists():
            continue
        if name == "trec_dl19":
            pools = dl19_pools(store, asked.queries)
        else:
            pools = hybrid_pools(name, asked.queries, store, asked.passages)
        for pool in pools[: asked.packaged]:
            try:
                pool["v1"] = [float(score) for score in reranker.score(pool["query"], pool["passages"])]
            except InvalidInput:
                pool["v1"] = pool["stage"]
        path.write_text(json.dumps(pools))
        print(f"{name}: {len(pools)} pools", flush=True)
    pairs = nevir()[: asked.pairs]
    store.fill([row[key] for row in pairs for key in ("q1", "q2", "doc1", "doc2")])
    if not (folder / "nevir.json").exists():
        tables = [np.array(reranker.score(row[q], [row["doc1"], row["doc2"]])) for row in pairs for q in ("q1", "q2")]
        (folder / "nevir.json").write_text(json.dumps({"v1": right(tables), "pairs": len(pairs)}))


def score(folder: Path, store: Store, model: Reader, most: int) -> None:
    """A table of nDCG@10, and the share of NevIR's pairs."""
    from shortlist.models.packaged import BI_ENCODER, CROSS_ENCODER
    from shortlist.registry import fitted_weights

    weights = fitted_weights(BI_ENCODER, CROSS_ENCODER) or {}
    print("| set | queries | stage one | v1 alone | v1 default | v2 alone | v2 - stage one |")
    print("|---|---|---|---|---|---|---|")
    for name in (*SETS, "trec_dl19"):
        if not (folder / f"{name}.json").exists():
            continue
        pools = [pool for pool in json.loads((folder / f"{name}.json").read_text())[:most] if any(pool["all"])]
        made = logits(model, [{**pool, "queries": [pool["query"]]} for pool in pools], store, 4)
        rows = []
        for pool, logit in zip(pools, made, strict=True):
            v1 = np.array(pool.get("v1", np.full(len(logit), np.nan)))
            share = weights.get("bm25_share", 0.0) * np.array(pool["share"])
            blend = v1 + weights.get("dense", 0.0) * np.array(pool["cosine"]) + share
            columns = (np.array(pool["stage"], dtype=float), v1, blend, logit)
            rows.append([ndcg(c, pool["grades"], pool["all"]) if np.isfinite(c).all() else np.nan for c in columns])
        table = np.array(rows)
        # The packaged model may have read fewer pools: its mean is moved by the others' mean on the same ones.
        read = np.isfinite(table[:, 1])
        table[~read, 1:3] = table[~read, :1] + (table[read, 1:3] - table[read, :1]).mean(0)
        off = table[:, 3] - table[:, 0]
        cells = " | ".join(f"{mean:.4f}" for mean in table.mean(0))
        error = off.std() / np.sqrt(len(off))
        print(f"| {name} | {len(pools)} ({read.sum()}) | {cells} | {off.mean():+.4f} ± {error:.4f} |", flush=True)
    if (folder / "nevir.json").exists():
        kept = json.loads((folder / "nevir.json").read_text())
        v2 = right(logits(model, blocks_of(nevir()[: kept["pairs"]]), store, 40))
        print(f"NevIR dev pairwise, {kept['pairs']} pairs: v1 {kept['v1']:.3f}, v2 {v2:.3f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=("prepare", "score"))
    parser.add_argument("checkpoint", type=Path, nargs="?")
    parser.add_argument("--queries", type=int, default=50, help="a set, when preparing")
    parser.add_argument("--packaged", type=int, default=50, help="of these, read by the packaged reranker too")
    parser.add_argument(
        "--passages", type=int, default=10**6, help="about so many of a corpus, the relevant ones first"
    )
    parser.add_argument("--pairs", type=int, default=10**6, help="of NevIR")
    parser.add_argument("--most", type=int, default=10**6, help="queries a set, when scoring")
    asked, settings = parser.parse_args(), config.load()
    torch.set_num_threads(1)
    store = Store(settings["work"] / "states-report", settings["reader"]["levels"], WINDOW)
    if asked.what == "prepare":
        prepare(settings["work"] / "report", store, asked)
    else:
        score(settings["work"] / "report", store, load(asked.checkpoint), asked.most)


if __name__ == "__main__":
    main()
