"""Step 3, `python training/export.py`: weights -> the model folders that travel as package data.

`--encoder` converts the genuine all-MiniLM-L6-v2; `--checkpoint FILE` exports a trained cross-encoder.
`--torch FOLDER` also writes the same (stored) weights as a plain Hugging Face folder, to compare scores with torch.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import shutil
from pathlib import Path

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from safetensors.numpy import save_file

import encoder
import graph

PACKAGED = Path(__file__).resolve().parent.parent / "src" / "shortlist" / "models" / "packaged"
TOKENIZER_FILES = ("tokenizer_config.json", "special_tokens_map.json")


def write_tokenizer(target: Path) -> None:
    """The model's tokenizer.json without the fixed padding and truncation that were saved with it."""
    words = encoder.tokenizer()
    words.save(str(target / "tokenizer.json"), pretty=False)
    for name in TOKENIZER_FILES:
        shutil.copy(encoder.folder() / name, target / name)


def write_manifest(target: Path) -> None:
    """`manifest.json` with the sha256 of every file that is loaded; the form that models/packaged.py checks."""
    files = {
        path.relative_to(target).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(target.rglob("*"))
        if path.suffix in {".onnx", ".json"} and path.name != "manifest.json"
    }
    (target / "manifest.json").write_text(json.dumps({"files": files}, indent=1) + "\n", encoding="utf-8")


def export_encoder(name: str, storage: str) -> None:
    target = PACKAGED / name
    target.mkdir(parents=True, exist_ok=True)
    weights = {key: value.numpy() for key, value in encoder.bert().state_dict().items()}
    onnx.save(graph.encoder_graph(weights, storage), target / "model.onnx")
    source = encoder.folder()
    for file in ("config.json", "modules.json", "sentence_bert_config.json", "config_sentence_transformers.json"):
        shutil.copy(source / file, target / file)
    (target / "1_Pooling").mkdir(exist_ok=True)
    shutil.copy(source / "1_Pooling" / "config.json", target / "1_Pooling" / "config.json")
    write_tokenizer(target)
    write_manifest(target)


def cross_encoder_weights(checkpoint: Path) -> dict[str, NDArray[np.float32]]:
    """The checkpoint's weights under the names of a BertForSequenceClassification with one label."""
    state = torch.load(checkpoint, map_location="cpu", weights_only=True)["model"]
    weights = {
        name.removeprefix("bert."): value.float().numpy()
        for name, value in state.items()
        if name.startswith("bert.") and not name.startswith("bert.pooler")
    }
    last = max(int(name.split(".")[1]) for name in state if name.startswith("heads."))
    for ours, theirs in (("dense", "pooler.dense"), ("out", "classifier")):
        for part in ("weight", "bias"):
            weights[f"{theirs}.{part}"] = state[f"heads.{last}.{ours}.{part}"].float().numpy()
    return weights


def cross_encoder_config() -> dict[str, object]:
    """config.json of the exported cross-encoder."""
    config = json.loads((encoder.folder() / "config.json").read_text(encoding="utf-8"))
    config.pop("_name_or_path", None)
    config["architectures"] = ["BertForSequenceClassification"]
    config["id2label"], config["label2id"] = {"0": "LABEL_0"}, {"LABEL_0": 0}
    config["sentence_transformers"] = {"activation_fn": "torch.nn.modules.linear.Identity"}
    return dict(config)


def export_cross_encoder(name: str, storage: str, checkpoint: Path) -> None:
    target = PACKAGED / name
    target.mkdir(parents=True, exist_ok=True)
    weights = cross_encoder_weights(checkpoint)
    onnx.save(graph.cross_encoder_graph(weights, storage), target / "model.onnx")
    (target / "config.json").write_text(json.dumps(cross_encoder_config(), indent=1) + "\n", encoding="utf-8")
    write_tokenizer(target)
    write_manifest(target)


def write_torch(target: Path, storage: str, checkpoint: Path) -> None:
    """A folder that sentence-transformers' CrossEncoder loads, with the weights as the package stores them."""
    target.mkdir(parents=True, exist_ok=True)
    stored = graph.stored(cross_encoder_weights(checkpoint), storage)
    named = {key if key.startswith("classifier") else f"bert.{key}": value for key, value in stored.items()}
    save_file({k: np.ascontiguousarray(v) for k, v in named.items()}, target / "model.safetensors", {"format": "pt"})
    (target / "config.json").write_text(json.dumps(cross_encoder_config(), indent=1) + "\n", encoding="utf-8")
    write_tokenizer(target)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--encoder", action="store_true", help="convert the bi-encoder")
    parser.add_argument("--checkpoint", type=Path, help="a checkpoint of train.py")
    parser.add_argument("--torch", type=Path, help="also write a torch folder here")
    asked = parser.parse_args()
    if asked.encoder:
        export_encoder("all-MiniLM-L6-v2", "fp16")
    if asked.checkpoint:
        export_cross_encoder("shortlist-reranker-v1", "int8", asked.checkpoint)
        if asked.torch:
            write_torch(asked.torch, "int8", asked.checkpoint)


if __name__ == "__main__":
    main()
