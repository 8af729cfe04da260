"""Step 3, `python training/export.py`: weights -> the model folders that travel as package data.

`--encoder` converts the genuine all-MiniLM-L6-v2; `--checkpoint FILE...` exports a trained cross-encoder.
It ends with the largest difference between the exported files and torch, with the stored and the trained weights.
"""

from __future__ import annotations

import argparse
import json
import shutil
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from safetensors.numpy import save_file

import config as settings
import encoder
import graph
import train
from model import EarlyExitCrossEncoder
from shortlist import CrossEncoder
from shortlist.models.packaged import BI_ENCODER, CROSS_ENCODER, ROOT, write_manifest

TOKENIZER_FILES = ("tokenizer_config.json", "special_tokens_map.json")


def write_tokenizer(target: Path) -> None:
    """The model's tokenizer.json without the fixed padding and truncation that were saved with it."""
    words = encoder.tokenizer()
    words.save(str(target / "tokenizer.json"), pretty=False)
    for name in TOKENIZER_FILES:
        shutil.copy(encoder.folder() / name, target / name)


def export_encoder(name: str, storage: str) -> None:
    target = ROOT / name
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


def cross_encoder_weights(asked: argparse.Namespace) -> dict[str, NDArray[np.float32]]:
    """The checkpoints' mean weights: BERT's own names without the prefix, and `heads.N`."""
    state = train.mean_of(asked.checkpoint, asked.shares, average=asked.average)
    return {name.removeprefix("bert."): value.float().numpy() for name, value in state.items() if "pooler" not in name}


def placed(weights: dict[str, NDArray[np.float32]], wanted: Mapping[str, float]) -> dict[str, NDArray[np.float32]]:
    """Every head's logit times `slope` plus `offset`, so that its sigmoid says how likely a passage is relevant.

    Training fixes no zero: a softmax over a group is blind to what all its logits have in common. The order of
    passages stays as it is. `fit.py` prints the two numbers.
    """
    out = dict(weights)
    for name in weights:
        if name.startswith("heads.") and name.endswith((".out.weight", ".out.bias", ".scale")):
            out[name] = weights[name] * np.float32(wanted["slope"])
        if name.startswith("heads.") and name.endswith(".out.bias"):
            out[name] = out[name] + np.float32(wanted["offset"])
    return out


def exits(weights: Mapping[str, NDArray[np.float32]]) -> list[int]:
    """The layers that have a head, ascending."""
    return sorted({int(name.split(".")[1]) for name in weights if name.startswith("heads.")})


def cross_encoder_config(layers: list[int]) -> dict[str, object]:
    """config.json of the exported cross-encoder; `shortlist_stages` names the stage files in order, and
    `shortlist_longest_query` is the longest query in tokens that training saw."""
    config = json.loads((encoder.folder() / "config.json").read_text(encoding="utf-8"))
    config.pop("_name_or_path", None)
    config.pop("architectures", None)
    config["id2label"], config["label2id"] = {"0": "LABEL_0"}, {"LABEL_0": 0}
    config["sentence_transformers"] = {"activation_fn": "torch.nn.modules.linear.Identity"}
    config["shortlist_stages"] = [f"stage-{layer}.onnx" for layer in layers]
    config["shortlist_longest_query"] = settings.load()["train"]["query_window"] - 2
    return dict(config)


def export_cross_encoder(target: Path, storage: str, weights: dict[str, NDArray[np.float32]]) -> None:
    target.mkdir(parents=True, exist_ok=True)
    layers = exits(weights)
    for before, last in zip([0, *layers], layers, strict=False):
        onnx.save(graph.stage_graph(weights, storage, before + 1, last), target / f"stage-{last}.onnx")
    (target / "config.json").write_text(json.dumps(cross_encoder_config(layers), indent=1) + "\n", encoding="utf-8")
    write_tokenizer(target)
    write_manifest(target)
    difference = compare(target, weights, graph.stored(weights, storage))
    print(f"{target.name}: largest difference to torch with the stored weights, {PROBES} pairs: {difference:.2e}")
    print(
        f"{target.name}: largest difference to torch before {storage} storage: {compare(target, weights, weights):.2e}"
    )


def write_torch(target: Path, weights: Mapping[str, NDArray[np.float32]]) -> None:
    """A folder that sentence-transformers loads: the same layers under the [CLS] part of the last head alone.

    Speed is compared with it, scores are not: the likenesses have no place in BertForSequenceClassification.
    """
    target.mkdir(parents=True, exist_ok=True)
    last = exits(weights)[-1]
    named = {f"bert.{name}": value for name, value in weights.items() if not name.startswith("heads.")}
    for ours, theirs in (("dense", "bert.pooler.dense"), ("out", "classifier")):
        for part in ("weight", "bias"):
            named[f"{theirs}.{part}"] = weights[f"heads.{last}.{ours}.{part}"]
    save_file({k: np.ascontiguousarray(v) for k, v in named.items()}, target / "model.safetensors", {"format": "pt"})
    made = cross_encoder_config([])
    made["architectures"] = ["BertForSequenceClassification"]
    (target / "config.json").write_text(json.dumps(made, indent=1) + "\n", encoding="utf-8")
    write_tokenizer(target)


PROBES = 64


@torch.inference_mode()
def compare(target: Path, weights: Mapping[str, NDArray[np.float32]], run: Mapping[str, NDArray[np.float32]]) -> float:
    """Largest difference between the exported files in fp32 and torch with the weights `run`."""
    model = EarlyExitCrossEncoder(encoder.bert(), exits(weights)).eval()
    held = {
        name if name.startswith("heads.") else f"bert.{name}": torch.from_numpy(np.ascontiguousarray(value))
        for name, value in run.items()
    }
    model.load_state_dict(held, strict=False)
    texts = [line for line in Path(graph.__file__).read_text(encoding="utf-8").splitlines() if len(line) > 20][:PROBES]
    words = encoder.tokenizer()
    query = words.encode("how is a matrix stored?").ids
    rows = [(query + words.encode(text).ids[1:], len(query)) for text in texts]
    wanted = train.scores(model, rows)[-1].numpy()
    found = CrossEncoder(str(target), precision="exact").score("how is a matrix stored?", texts)
    return float(np.abs(np.array(found) - wanted).max())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--encoder", action="store_true", help="convert the bi-encoder")
    parser.add_argument("--checkpoint", type=Path, nargs="+", help="checkpoints of train.py; several: their mean")
    parser.add_argument("--shares", type=float, nargs="+", help="how much of each in the mean, summing to 1")
    parser.add_argument("--average", action="store_true", help="running averages instead of last weights, where kept")
    parser.add_argument("--to", type=Path, default=ROOT / CROSS_ENCODER, help="folder to write")
    parser.add_argument("--torch", type=Path, help="also write a torch folder here, for benchmarks/speed.py")
    parser.add_argument("--storage", default="int8", choices=("int8", "fp16"))
    asked = parser.parse_args()
    if asked.encoder:
        export_encoder(BI_ENCODER, "fp16")
    if asked.checkpoint:
        weights = placed(cross_encoder_weights(asked), settings.load()["export"])
        export_cross_encoder(asked.to, asked.storage, weights)
        if asked.torch:
            write_torch(asked.torch, weights)


if __name__ == "__main__":
    main()
