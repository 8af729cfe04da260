"""`python training/export.py CHECKPOINT`: the running average of `learn.py` -> the model folder of the package.

`--encoder` converts the genuine all-MiniLM-L6-v2 instead. The command ends with the largest difference between the
exported files in fp32 and torch, with the stored and with the trained weights.
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

import config
import encoder
import graph
from pairs import APART, EXITS, PASSAGE_POSITION, QUERY_WINDOW, PairEncoder, PairTokenizer, batch_of, bert_name, load
from shortlist import CrossEncoder
from shortlist.models.packaged import BI_ENCODER, CROSS_ENCODER, ROOT, write_manifest

Weights = dict[str, NDArray[np.float32]]
TOKENIZER_FILES = ("tokenizer_config.json", "special_tokens_map.json")
ENCODER_FILES = ("config.json", "modules.json", "sentence_bert_config.json", "config_sentence_transformers.json")
SHAPE = graph.BertShape(apart=APART, passage_position=PASSAGE_POSITION)
EXIT = f"exit-{APART}.onnx"
"""The head after the layers apart, over states: the first exit of a pair whose passage has stored states."""
PROBES = 64


def write_tokenizer(target: Path) -> None:
    """Write the model's tokenizer.json without the fixed padding and truncation that were saved with it."""
    encoder.tokenizer().save(str(target / "tokenizer.json"), pretty=False)
    for name in TOKENIZER_FILES:
        shutil.copy(encoder.folder() / name, target / name)


def export_encoder(target: Path, storage: str) -> None:
    """Write the folder of the bi-encoder."""
    (target / "1_Pooling").mkdir(parents=True, exist_ok=True)
    weights = {name: value.numpy() for name, value in encoder.bert().state_dict().items()}
    onnx.save(graph.encoder_graph(weights, storage), target / "model.onnx")
    for file in (*ENCODER_FILES, "1_Pooling/config.json"):
        shutil.copy(encoder.folder() / file, target / file)
    write_tokenizer(target)
    write_manifest(target)


def weights_of(checkpoint: Path) -> Weights:
    """Return the running average under BERT's own names without "bert.", and `heads.N`."""
    return {bert_name(name): value.float().numpy() for name, value in load(checkpoint).state_dict().items()}


def calibrated(weights: Weights, slope: float, offset: float) -> Weights:
    """Return the weights with every head's logit times `slope` plus `offset`, so that its sigmoid is a probability.

    Training fixes no zero: a softmax over a pool is blind to what all its logits have in common. The order of passages
    stays as it is. `fit.py` prints the two numbers.
    """
    own = dict(weights)
    for name in weights:
        if name.startswith("heads.") and name.endswith((".out.weight", ".out.bias", ".scale")):
            own[name] = weights[name] * np.float32(slope)
        if name.startswith("heads.") and name.endswith(".out.bias"):
            own[name] = own[name] + np.float32(offset)
    return own


def bert_config() -> dict[str, object]:
    """Return config.json of a cross-encoder with this tokenizer and these layers."""
    values: dict[str, object] = json.loads((encoder.folder() / "config.json").read_text(encoding="utf-8"))
    values.pop("_name_or_path", None)
    values.pop("architectures", None)
    values["id2label"], values["label2id"] = {"0": "LABEL_0"}, {"LABEL_0": 0}
    values["sentence_transformers"] = {"activation_fn": "torch.nn.modules.linear.Identity"}
    return values


def cross_encoder_config() -> dict[str, object]:
    """Return config.json of the exported cross-encoder.

    `shortlist_stages` names the stage files in order, `shortlist_longest_query` is the longest query in tokens that
    training saw. With layers apart, `shortlist_apart` is their number, and `shortlist_exit` the file of their exit.
    """
    stages = [f"stage-{level}.onnx" for level in EXITS]
    stored = {"shortlist_apart": APART, "shortlist_exit": EXIT} if APART else {}
    return bert_config() | {"shortlist_stages": stages, "shortlist_longest_query": QUERY_WINDOW - 2} | stored


def export_cross_encoder(target: Path, storage: str, weights: Weights) -> None:
    """Write the folder: a file for each stage and the exit, the tokenizer, the configuration and the manifest."""
    target.mkdir(parents=True, exist_ok=True)
    for before, last in zip([0, *EXITS], EXITS, strict=False):
        onnx.save(graph.stage_graph(weights, storage, before + 1, last, SHAPE), target / f"stage-{last}.onnx")
    if APART:
        onnx.save(graph.stage_graph(weights, storage, APART + 1, APART, SHAPE), target / EXIT)
    (target / "config.json").write_text(json.dumps(cross_encoder_config(), indent=1) + "\n", encoding="utf-8")
    write_tokenizer(target)
    write_manifest(target)


def write_torch(target: Path, weights: Mapping[str, NDArray[np.float32]]) -> None:
    """Write a folder that sentence-transformers loads: the same layers under the [CLS] part of the last head alone.

    Its speed is compared with the package's, its scores are not: BertForSequenceClassification has no likenesses and
    no layers apart.
    """
    target.mkdir(parents=True, exist_ok=True)
    named = {f"bert.{name}": value for name, value in weights.items() if not name.startswith("heads.")}
    for ours, theirs in (("dense", "bert.pooler.dense"), ("out", "classifier")):
        for part in ("weight", "bias"):
            named[f"{theirs}.{part}"] = weights[f"heads.{EXITS[-1]}.{ours}.{part}"]
    arrays = {name: np.ascontiguousarray(value) for name, value in named.items()}
    save_file(arrays, target / "model.safetensors", {"format": "pt"})
    values = bert_config() | {"architectures": ["BertForSequenceClassification"]}
    (target / "config.json").write_text(json.dumps(values, indent=1) + "\n", encoding="utf-8")
    write_tokenizer(target)


@torch.inference_mode()
def largest_difference(target: Path, weights: Mapping[str, NDArray[np.float32]]) -> float:
    """Return the largest difference over some pairs between the exported files in fp32 and torch with the weights."""
    model = PairEncoder().eval()
    state = {name: torch.from_numpy(np.array(weights[bert_name(name)])) for name in model.state_dict()}
    model.load_state_dict(state)
    lines = Path(graph.__file__).read_text(encoding="utf-8").splitlines()
    query, texts = "how is a matrix stored?", [line for line in lines if len(line) > 20][:PROBES]
    logits = model(batch_of([{"queries": [query], "passages": texts}], PairTokenizer()))[-1].numpy()
    scores = CrossEncoder(str(target), precision="exact").score(query, texts)
    return float(np.abs(np.array(scores) - logits).max())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("checkpoint", type=Path, nargs="?")
    parser.add_argument("--encoder", action="store_true", help="convert the bi-encoder")
    parser.add_argument("--to", type=Path, help="folder to write in place of the package's")
    parser.add_argument("--torch", type=Path, help="also write a torch folder here, for benchmarks/speed.py")
    parser.add_argument("--storage", choices=("int8", "fp16"), help="int8 for the cross-encoder, fp16 for the other")
    arguments = parser.parse_args()
    if arguments.encoder == bool(arguments.checkpoint):
        raise SystemExit("name either a checkpoint or --encoder")
    if arguments.encoder:
        export_encoder(arguments.to or ROOT / BI_ENCODER, arguments.storage or "fp16")
        return
    target, storage = arguments.to or ROOT / CROSS_ENCODER, arguments.storage or "int8"
    placing = config.load()["export"]
    weights = calibrated(weights_of(arguments.checkpoint), placing["slope"], placing["offset"])
    export_cross_encoder(target, storage, weights)
    stored = largest_difference(target, graph.stored(weights, storage))
    print(f"{target.name}: largest difference to torch with the stored weights, {PROBES} pairs: {stored:.2e}")
    print(f"before {storage} storage: {largest_difference(target, weights):.2e}")
    if arguments.torch:
        write_torch(arguments.torch, weights)


if __name__ == "__main__":
    main()
