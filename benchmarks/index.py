"""Stage one at size, cold start and indexing rate: `python benchmarks/index.py [--passages 100000]`.

The rate is compared with sentence-transformers' encode on the same passages in turn, if it is installed.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

import data
from shortlist.indexes.embedded import EmbeddedEngine
from shortlist.models.packaged import BI_ENCODER
from shortlist.protocols import Retriever
from shortlist.registry import load_encoder
from shortlist.retrievers import Dense, Hybrid, Lexical
from shortlist.types import Where


def stage_one(count: int, folder: Path) -> dict[str, object]:
    """Return milliseconds of a query over `count` passages: repeated real texts, and their vectors with noise."""
    test = data.load("trec_dl19")
    encoder = load_encoder(BI_ENCODER)
    base = encoder.encode_passages([passage.content for passage in test.passages[:4000]])
    rng = np.random.default_rng(1)
    out: dict[str, object] = {"passages": count}
    folder.mkdir()
    with contextlib.closing(EmbeddedEngine().create(folder, dimension=encoder.dimension)) as index:
        began = time.perf_counter()
        for start in range(0, count, 1000):
            rows = [(start + i) % 4000 for i in range(1000)]
            noisy = base[rows] + rng.normal(scale=0.02, size=(1000, encoder.dimension)).astype(np.float32)
            passages = [
                replace(test.passages[row], id=f"{start + i}", metadata={"part": (start + i) % 3000})
                for i, row in enumerate(rows)
            ]
            index.add(passages, (noisy / np.linalg.norm(noisy, axis=1, keepdims=True)).astype(np.float32))
        index.flush()
        out["write_seconds"] = round(time.perf_counter() - began, 1)
        hybrid = Hybrid(index, encoder)
        searches: dict[str, tuple[Retriever, Where | None]] = {
            "dense": (Dense(index, encoder), None),
            "bm25": (Lexical(index), None),
            "hybrid": (hybrid, None),
            "hybrid_where_1_value": (hybrid, {"part": 7}),
            "hybrid_where_1000_values": (hybrid, {"part": list(range(1000))}),
        }
        for name, (retriever, where) in searches.items():
            taken = []
            for query in [*[*test.queries.values()][:5], *test.queries.values()]:
                began = time.perf_counter()
                retriever.retrieve(query, 100, where)
                taken.append((time.perf_counter() - began) * 1000)
            out[f"{name}_p50_ms"] = round(statistics.median(taken[5:]), 1)
            out[f"{name}_p95_ms"] = round(float(np.percentile(taken[5:], 95)), 1)
    return out


def cold_start(folder: Path) -> dict[str, float]:
    """Return seconds from process start to the answer of `shortlist search`, over an index of 2,000 passages."""
    source = folder / "docs.jsonl"
    test = data.load("trec_dl19")
    rows = [json.dumps({"id": passage.id, "text": passage.text}) for passage in test.passages[:2000]]
    source.write_text("\n".join(rows), encoding="utf-8")
    command = [sys.executable, "-m", "shortlist"]
    subprocess.run([*command, "add", str(source), "--index", str(folder / "i")], check=True, capture_output=True)
    taken = []
    for query in [*test.queries.values()][:7]:
        began = time.perf_counter()
        subprocess.run([*command, "search", query, "--index", str(folder / "i")], check=True, capture_output=True)
        taken.append(time.perf_counter() - began)
    return {"cold_start_median_s": round(statistics.median(taken), 2), "cold_start_worst_s": round(max(taken), 2)}


def encode_rate(model: Path | None) -> dict[str, float]:
    """Return passages a second of ours and of sentence-transformers' encode, on the same passages in turn."""
    test = data.load("trec_dl19")
    texts = [passage.text for passage in test.passages[:1024]]
    encoder = load_encoder(BI_ENCODER)
    try:
        from sentence_transformers import SentenceTransformer
    except ImportError:
        other = None
    else:
        other = SentenceTransformer(str(model), device="cpu") if model else None
    ours, theirs, agreement = [], [], 1.0
    for start in range(0, 1024, 256):
        part = texts[start : start + 256]
        began = time.perf_counter()
        mine = encoder.encode_passages(part)
        ours.append(256 / (time.perf_counter() - began))
        if other is not None:
            began = time.perf_counter()
            vectors = other.encode(part, normalize_embeddings=True, show_progress_bar=False)
            theirs.append(256 / (time.perf_counter() - began))
            agreement = min(agreement, float((mine * vectors).sum(1).min()))
    out = {"ours_passages_per_s": round(statistics.median(ours), 1)}
    if theirs:
        out["sentence_transformers_passages_per_s"] = round(statistics.median(theirs), 1)
        out["ratio"] = round(statistics.median(a / b for a, b in zip(ours, theirs, strict=True)), 2)
        out["least_cosine_to_it"] = round(agreement, 5)
    return out


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--passages", type=int, default=100_000)
    parser.add_argument("--bi-encoder", type=Path, help="the original model folder, for sentence-transformers")
    parser.add_argument("--save")
    options = parser.parse_args()
    out: dict[str, object] = {}
    with tempfile.TemporaryDirectory() as folder:
        out["encode"] = encode_rate(options.bi_encoder)
        print(out["encode"], flush=True)
        out["cold start"] = cold_start(Path(folder))
        print(out["cold start"], flush=True)
        out["stage one"] = stage_one(options.passages, Path(folder) / "large")
        print(out["stage one"], flush=True)
    if options.save:
        data.save(options.save, out)


if __name__ == "__main__":
    main()
