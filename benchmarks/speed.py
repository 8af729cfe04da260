"""Rerank speed compared with other engines, in one run: `python benchmarks/speed.py --torch FOLDER`.

FOLDER is what `training/unpack.py --torch` writes: the packaged cross-encoder's layers in Hugging Face form, with the
[CLS] part of its head alone. The other engines run that; ours also computes the similarities, which is a little more
work. Every engine scores the same pairs in each round, and the engines take turns. Each ratio is the median of the
ratios of each round to sentence-transformers' CrossEncoder with torch in fp32. Memory is the peak of a process of its
own that loads one engine and scores 100 long passages. The output names engines that are not installed.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
Scorer = Callable[[str, list[str]], list[float]]


def ours(precision: str, folder: Path) -> Scorer:
    from shortlist import CrossEncoder

    return CrossEncoder(precision=precision).score


def progressive(folder: Path) -> Scorer:
    from shortlist.registry import load_reranker, progressive_of

    make = progressive_of(load_reranker())
    assert make is not None
    return make().score


def torch_fp32(folder: Path) -> Scorer:
    import torch
    from sentence_transformers import CrossEncoder

    model = CrossEncoder(str(folder), max_length=512, device="cpu")
    return lambda query, texts: model.predict(
        [(query, text) for text in texts], activation_fn=torch.nn.Identity(), show_progress_bar=False
    ).tolist()


def torch_openvino(folder: Path) -> Scorer:
    import torch
    from sentence_transformers import CrossEncoder

    model = CrossEncoder(str(folder), max_length=512, backend="openvino", model_kwargs={"export": True})
    return lambda query, texts: model.predict(
        [(query, text) for text in texts], activation_fn=torch.nn.Identity(), show_progress_bar=False
    ).tolist()


def onnx_folder(folder: Path) -> Path:
    """Return the torch folder with an ONNX file, exported once, for FlashRank and fastembed."""
    import torch
    from transformers import AutoModelForSequenceClassification

    target = folder / "onnx" / "model.onnx"
    if not target.is_file():
        target.parent.mkdir(exist_ok=True)
        model = AutoModelForSequenceClassification.from_pretrained(folder, attn_implementation="eager").eval()
        ids = torch.ones(2, 8, dtype=torch.long)
        axes = {name: {0: "batch", 1: "length"} for name in ("input_ids", "attention_mask", "token_type_ids")}
        inputs = (ids, ids, torch.zeros_like(ids))
        names = list(axes)
        with torch.inference_mode():
            torch.onnx.export(
                model, inputs, str(target), input_names=names, output_names=["logits"],
                dynamic_axes={**axes, "logits": {0: "batch"}}, dynamo=False, opset_version=17,
            )  # fmt: skip
    return folder


def flashrank(folder: Path) -> Scorer:
    from flashrank import Ranker, RerankRequest
    from flashrank.Config import model_file_map

    onnx_folder(folder)
    cache = Path(tempfile.mkdtemp())
    name = "ms-marco-MiniLM-L-12-v2"
    shutil.copytree(folder, cache / name)
    shutil.copy(folder / "onnx" / "model.onnx", cache / name / model_file_map[name])
    ranker = Ranker(model_name=name, cache_dir=str(cache), max_length=512, log_level="ERROR")

    def score(query: str, texts: list[str]) -> list[float]:
        rows = ranker.rerank(RerankRequest(query, [{"id": i, "text": text} for i, text in enumerate(texts)]))
        by_id = {row["id"]: float(row["score"]) for row in rows}
        return [by_id[i] for i in range(len(texts))]

    return score


def fastembed(folder: Path) -> Scorer:
    from fastembed.common.model_description import ModelSource
    from fastembed.rerank.cross_encoder import TextCrossEncoder

    onnx_folder(folder)
    TextCrossEncoder.add_custom_model("local/same-weights", model_file="onnx/model.onnx", sources=ModelSource(hf="x/y"))
    model = TextCrossEncoder("local/same-weights", specific_model_path=str(folder))
    return lambda query, texts: list(model.rerank(query, texts))


ENGINES: dict[str, Callable[[Path], Scorer]] = {
    "sentence-transformers torch fp32": torch_fp32,
    "sentence-transformers openvino": torch_openvino,
    "FlashRank": flashrank,
    "fastembed": fastembed,
    "shortlist exact": lambda folder: ours("exact", folder),
    "shortlist default": lambda folder: ours("auto", folder),
    "shortlist progressive": progressive,
}
BASE = "sentence-transformers torch fp32"


def corpus() -> tuple[list[str], list[str]]:
    """Return passages of about 60 words (TREC DL 2019), and queries."""
    sys.path.insert(0, str(ROOT / "benchmarks"))
    import data

    test = data.load("trec_dl19")
    return [passage.text for passage in test.passages], list(test.queries.values())


def loaded(folder: Path, names: list[str]) -> tuple[dict[str, Scorer], dict[str, str]]:
    engines, missing = {}, {name: "not selected" for name in ENGINES if name not in names}
    for name in names:
        make = ENGINES[name]
        try:
            engines[name] = make(folder)
        except Exception as error:  # noqa: BLE001 - an engine that fails in any way is named, not fatal
            missing[name] = f"{type(error).__name__}: {str(error)[:160]}"
    return engines, missing


def rounds(engines: dict[str, Scorer], texts: list[str], queries: list[str], count: int) -> dict[str, dict]:
    """Return median and 95th percentile of seconds, and the ratio to the base."""
    seconds: dict[str, list[float]] = {name: [] for name in engines}
    for number in range(-1, count):
        part = [texts[(number * 100 + i) % len(texts)] for i in range(100)]
        for name, score in engines.items():
            began = time.perf_counter()
            score(queries[number % len(queries)], part)
            if number >= 0:
                seconds[name].append(time.perf_counter() - began)
    out = {}
    for name in engines:
        ratios = [a / b for a, b in zip(seconds[BASE], seconds[name], strict=True)]
        out[name] = {
            "median_ms": round(statistics.median(seconds[name]) * 1000),
            "p95_ms": round(float(np.percentile(seconds[name], 95)) * 1000),
            "ratio": round(statistics.median(ratios), 2),
            "ratio_range": [round(min(ratios), 2), round(max(ratios), 2)],
        }
        print(f"  {name:34}", out[name], flush=True)
    return out


def peak_memory(name: str, folder: Path) -> int | None:
    """Return the peak in MiB of a process that loads one engine and scores 100 long passages."""
    command = [sys.executable, __file__, "--torch", str(folder), "--memory-of", name]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return int(done.stdout.split()[-1]) if done.returncode == 0 else None


def report_memory(name: str, folder: Path) -> None:
    texts, queries = corpus()
    score = ENGINES[name](folder)
    score(queries[0], [" ".join(texts[i : i + 3]) for i in range(0, 300, 3)])
    # Not getrusage: its peak is inherited from the parent process, which has every engine loaded.
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    print(int(next(line for line in status.splitlines() if line.startswith("VmHWM")).split()[1]) // 1024)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--torch", type=Path, required=True)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--engines", nargs="*", default=list(ENGINES), help="beside the base; all by default")
    parser.add_argument("--save")
    parser.add_argument("--memory-of", choices=list(ENGINES), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.memory_of:
        report_memory(options.memory_of, options.torch)
        return
    texts, queries = corpus()
    engines, missing = loaded(
        options.torch, [BASE, *(name for name in ENGINES if name in options.engines and name != BASE)]
    )
    for name, why in missing.items():
        print(f"not measured: {name} ({why})")
    long = [" ".join(texts[i : i + 3]) for i in range(0, len(texts) - 3, 3)]
    out: dict[str, object] = {"cores": len(os.sched_getaffinity(0)), "rounds": options.rounds, "not_measured": missing}
    for name, part in (("short", texts), ("long", long)):
        words = statistics.mean(len(text.split()) for text in part[:1000])
        print(f"{name}: 100 passages of {words:.0f} words")
        out[name] = {"words": round(words), "engines": rounds(engines, part, queries, options.rounds)}
    out["peak_MiB"] = {name: peak_memory(name, options.torch) for name in engines}
    print(out["peak_MiB"])
    if options.save:
        target = ROOT / "benchmarks" / "results" / options.save
        target.parent.mkdir(exist_ok=True)
        target.write_text(json.dumps(out, indent=1) + "\n")


if __name__ == "__main__":
    main()
