"""Pairs a second on a GPU, beside sentence-transformers in the same run: `python benchmarks/gpu.py --save gpu.json`.

The packages: torch with a GPU, sentence-transformers, onnx; with onnxruntime-gpu, ONNX Runtime is measured, too.
Nothing is downloaded. No measurement begins after `--seconds` (420); what is left out is listed under `not_measured`.

Two models of the same six layers (384 wide): the packaged cross-encoder, and a standard BertForSequenceClassification
with random weights, which does not change the speed. sentence-transformers runs the second one. Its batch size,
attention and precision are tried in turn, and the best is kept; so is the best budget of tokens for shortlist. Then
the engines score the same pairs in turns, for several rounds. A ratio is the median of the ratios of each round. The
texts are random words of the vocabulary, with the lengths of MS MARCO (short) and of three such passages (long).
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "src"))
os.environ.setdefault("HF_HUB_OFFLINE", "1")
PASSAGES = 100
BUDGETS = (8192, 16384, 32768, 65536, 131072)
BATCHES = (64, 128, 256, 512, 1024)
BASE = "sentence-transformers"
Pairs = list[tuple[str, list[str]]]
"""Each query with its passages."""
Run = Callable[[Pairs], list[float]]


class Clock:
    """The time that is left for texts of one length, and what was not measured."""

    def __init__(self, seconds: float, label: str) -> None:
        self._end = time.perf_counter() + seconds
        self._label = label
        self.not_measured: dict[str, str] = {}

    def has(self, seconds: float, name: str) -> bool:
        if time.perf_counter() + seconds < self._end:
            return True
        self.skip(name, "no time was left")
        return False

    def skip(self, name: str, reason: str) -> None:
        self.not_measured[f"{self._label}: {name}"] = reason


def corpus(queries: int, words: float, spread: float) -> Pairs:
    """Return queries with PASSAGES passages each, of random words that are whole tokens."""
    from shortlist.models.packaged import CROSS_ENCODER, packaged_folder

    vocabulary = json.loads((packaged_folder(CROSS_ENCODER) / "tokenizer.json").read_text("utf-8"))["model"]["vocab"]
    known = np.array([word for word in vocabulary if word.isalpha() and len(word) > 2])
    draw = np.random.default_rng(0)

    def text(mean: float, deviation: float) -> str:
        return " ".join(draw.choice(known, size=max(3, round(draw.normal(mean, deviation)))))

    return [(text(6, 2), [text(words, spread) for _ in range(PASSAGES)]) for _ in range(queries)]


def standard_bert(folder: Path) -> Path:
    """Write a BertForSequenceClassification of six layers with random weights, and the packaged tokenizer."""
    import shutil

    import torch
    from transformers import BertConfig, BertForSequenceClassification

    from shortlist.models.packaged import CROSS_ENCODER, packaged_folder

    torch.manual_seed(0)
    shape = BertConfig(hidden_size=384, num_hidden_layers=6, num_attention_heads=12, intermediate_size=1536)
    shape.num_labels = 1
    BertForSequenceClassification(shape).save_pretrained(folder)
    for name in ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json"):
        shutil.copy(packaged_folder(CROSS_ENCODER) / name, folder / name)
    return folder


def ours(model: str, device: str, precision: str) -> tuple[Run, Any]:
    """Return a function that scores all pairs together, and the loaded model's engine, whose budget can be set."""
    from shortlist import CrossEncoder

    reranker = CrossEncoder(model, device=device, precision=precision)

    def run(pairs: Pairs) -> list[float]:
        tokens = [item for query, texts in pairs for item in reranker.pairs(query, texts)[0]]
        return reranker.score_pairs(tokens)

    session = reranker._session
    return run, getattr(session, "_engine", None) or session._engines.loaded  # type: ignore[union-attr]


def theirs(folder: Path, device: str, precision: str, attention: str, batch: int) -> Run:
    import torch
    from sentence_transformers import CrossEncoder

    model = CrossEncoder(
        str(folder),
        device=device.removeprefix("torch:"),
        max_length=512,
        model_kwargs={"attn_implementation": attention},
    )
    model.to(dtype={"fp16": torch.float16, "bf16": torch.bfloat16, "fp32": torch.float32}[precision])

    def run(pairs: Pairs) -> list[float]:
        flat = [(query, text) for query, texts in pairs for text in texts]
        scores = model.predict(
            flat, batch_size=batch, activation_fn=torch.nn.Identity(), show_progress_bar=False, convert_to_numpy=True
        )
        return [float(score) for score in scores]

    return run


def rate(run: Run, pairs: Pairs) -> float:
    """Return pairs a second."""
    began = time.perf_counter()
    scores = run(pairs)
    return len(scores) / (time.perf_counter() - began)


def tried(make: Callable[[], Run], pairs: Pairs, name: str, clock: Clock) -> tuple[Run | None, float]:
    """Return the function and its rate on some pairs after a first pass; None if it fails or no time is left."""
    if not clock.has(20, name):
        return None, 0.0
    try:
        run = make()
        run(pairs)
        measured = rate(run, pairs)
    except Exception as error:  # noqa: BLE001 - an engine that fails in any way is named, not fatal
        clock.skip(name, f"{type(error).__name__}: {str(error)[:200]}")
        return None, 0.0
    print(f"  {name}: {measured:.0f} pairs/s", flush=True)
    return run, measured


def with_budget(engine: Any, run: Run, tokens: int) -> Run:
    """Return the function with this budget of padded tokens for a batch."""

    def bounded(pairs: Pairs) -> list[float]:
        engine.batch_rows, engine.batch_tokens = max(16, tokens // 16), tokens
        return run(pairs)

    return bounded


def best_of_ours(model: str, label: str, device: str, pairs: Pairs, clock: Clock) -> dict[str, Run]:
    """Return, for each precision, the model with its default budget, and with the best one."""
    runs: dict[str, Run] = {}
    for precision in ("fp16", "bf16"):
        name = f"shortlist {label} {precision} ({device})"
        loaded: list[Any] = []

        def make(precision: str = precision, loaded: list[Any] = loaded) -> Run:
            loaded.extend(ours(model, device, precision))
            return loaded[0]

        run, measured = tried(make, pairs, name, clock)
        if run is None:
            continue
        engine = loaded[1]
        tokens = engine.batch_tokens
        runs[name] = with_budget(engine, run, tokens)
        rates = {tokens: measured}
        for other in BUDGETS:
            if other != tokens:
                _, rates[other] = tried(
                    lambda e=engine, r=run, b=other: with_budget(e, r, b), pairs, f"{name}, {other}", clock
                )
        best = max(rates, key=lambda budget: rates[budget])
        if best != tokens:
            runs[f"{name}, {best} tokens"] = with_budget(engine, run, best)
    return runs


def best_of_theirs(folder: Path, device: str, pairs: Pairs, clock: Clock) -> tuple[dict[str, Run], dict[str, float]]:
    """Return the fastest setting, and the rates of all of them."""
    best: Run | None = None
    rates: dict[str, float] = {}
    for attention in ("sdpa", "flash_attention_2"):
        for precision in ("fp16", "bf16"):
            for batch in BATCHES:
                name = f"{BASE} {precision}, {attention}, batches of {batch}"
                make = lambda p=precision, a=attention, b=batch: theirs(folder, device, p, a, b)  # noqa: E731
                run, measured = tried(make, pairs, name, clock)
                if run is None:
                    break
                if measured > max(rates.values(), default=0.0):
                    best = run
                rates[name] = measured
    return ({BASE: best} if best is not None else {}), rates


def rounds(runs: dict[str, Run], pairs: Pairs, count: int, clock: Clock) -> dict[str, Any]:
    """Return the median rate of each engine, and the ratios to the base."""
    rates: dict[str, list[float]] = {name: [] for name in runs}
    for number in range(count):
        if number and not clock.has(
            sum(len(pairs) * PASSAGES / values[-1] for values in rates.values()), f"round {number + 1}"
        ):
            break
        for name, run in runs.items():
            rates[name].append(rate(run, pairs))
    out = {}
    for name, values in rates.items():
        out[name] = {"pairs_per_second": round(statistics.median(values)), "rounds": len(values)}
        if BASE in rates:
            ratios = [own / base for own, base in zip(values, rates[BASE], strict=True)]
            out[name]["ratio"] = round(statistics.median(ratios), 2)
        print(f"  {name:60}", out[name], flush=True)
    return out


def latency(runs: dict[str, Run], pairs: Pairs) -> dict[str, float]:
    """Return the median milliseconds for one query with its passages."""
    out = {}
    for name, run in runs.items():
        seconds = []
        for number in range(12):
            began = time.perf_counter()
            run([pairs[number % len(pairs)]])
            seconds.append(time.perf_counter() - began)
        out[name] = round(statistics.median(seconds[2:]) * 1000, 2)
    return out


def agreement(device: str, pairs: Pairs) -> dict[str, Any]:
    """Return how the packaged model's scores in each precision differ from fp32 on the CPU, for a few pairs."""
    from shortlist import CrossEncoder

    few = [(query, texts[:20]) for query, texts in pairs[:5]]
    exact = CrossEncoder(device="cpu", precision="exact")
    expected = np.array([score for query, texts in few for score in exact.score(query, texts)])
    out = {}
    for precision in ("exact", "fp16", "bf16"):
        run, _ = ours("shortlist-reranker-v1", device, precision)
        scores = np.array(run(few))
        ranks = [np.argsort(np.argsort(values)) for values in (expected, scores)]
        out[precision] = {
            "largest_difference": round(float(np.abs(scores - expected).max()), 5),
            "rank_correlation": round(float(np.corrcoef(*ranks)[0, 1]), 5),
        }
    return out


def versions() -> dict[str, str]:
    names = ("torch", "transformers", "sentence-transformers", "onnx", "onnxruntime", "onnxruntime-gpu", "flash-attn")
    out = {"python": platform.python_version()}
    for name in names:
        try:
            out[name] = version(name)
        except PackageNotFoundError:
            continue
    return out


def machine(device: str) -> str:
    import torch

    name = device.removeprefix("torch:")
    return torch.cuda.get_device_name(name) if name.startswith("cuda") else platform.processor() or platform.machine()


def commit() -> str:
    done = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    return done.stdout.strip() or "unknown"


def measured(options: argparse.Namespace, folder: Path) -> dict[str, Any]:
    out: dict[str, Any] = {
        "machine": machine(options.device), "device": options.device, "commit": commit(), "versions": versions(),
        "pairs": options.queries * PASSAGES, "texts": "random words of the vocabulary", "not_measured": {},
    }  # fmt: skip
    for label, words, spread in (("short", 56, 21), ("long", 168, 36)):
        clock = Clock(options.seconds / 2, label)
        pairs = corpus(options.queries, words, spread)
        print(f"{label}: {len(pairs)} queries with {PASSAGES} passages of {words} words")
        few = pairs[: max(1, options.queries // 4)]
        runs, rates = best_of_theirs(folder, options.device, few, clock)
        runs |= best_of_ours(str(folder), "standard BERT", options.device, few, clock)
        runs |= best_of_ours("shortlist-reranker-v1", "packaged", options.device, few, clock)
        if options.device == "torch:cuda":
            runs |= best_of_ours("shortlist-reranker-v1", "packaged", "cuda", few, clock)
        out[label] = {
            "words": words,
            "bulk": rounds(runs, pairs, options.rounds, clock),
            "one_query_ms": latency(runs, pairs) if clock.has(20, "one query") else {},
            "sentence_transformers_settings": {name: round(value) for name, value in rates.items()},
        }
        if label == "short":
            out["agreement"] = agreement(options.device, pairs)
            print(out["agreement"])
        out["not_measured"] |= clock.not_measured
    return out


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--device", default="torch:cuda")
    parser.add_argument("--queries", type=int, default=200, help=f"each has {PASSAGES} passages")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=420.0, help="nothing new begins after this time")
    parser.add_argument("--save", help="a file name in benchmarks/results, or a path")
    options = parser.parse_args()
    from shortlist.inference.devices import require_torch

    require_torch(options.device)
    with tempfile.TemporaryDirectory() as folder:
        out = measured(options, standard_bert(Path(folder)))
    for name, why in out["not_measured"].items():
        print(f"not measured: {name} ({why})")
    if options.save:
        target = ROOT / "benchmarks" / "results" / options.save
        target.parent.mkdir(exist_ok=True)
        target.write_text(json.dumps(out, indent=1) + "\n", encoding="utf-8")
        print(f"saved {target}")


if __name__ == "__main__":
    main()
