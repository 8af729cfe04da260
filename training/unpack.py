"""`python training/unpack.py`: the packaged cross-encoder's files -> a checkpoint that `train.py --start` goes on from.

Checkpoints do not travel with the repository; the weights do, stored in int8. Exporting the checkpoint again gives the
same stored weights.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx import numpy_helper

import config
import encoder
from model import EarlyExitCrossEncoder
from shortlist.models.packaged import CROSS_ENCODER, ROOT

Weights = dict[str, NDArray[np.float32]]
TABLES = {
    "positions": "embeddings.position_embeddings.weight",
    "types": "embeddings.token_type_embeddings.weight",
}


def held(model: onnx.ModelProto) -> Weights:
    """The file's constants in fp32 under the names and in the shapes that torch has; numbers of the graph left out."""
    constants = {one.name: numpy_helper.to_array(one) for one in model.graph.initializer}
    out: Weights = {}
    for name, value in constants.items():
        if name.endswith(".scale") or not name.startswith(("embeddings.", "encoder.", "heads.", *TABLES)):
            continue
        whole = value.astype(np.float32) * constants.get(f"{name}.scale", np.float32(1.0))
        turned = whole.ndim == 2 and not name.startswith(("embeddings.", *TABLES))
        out[TABLES.get(name, name)] = whole.T if turned else whole
    return out


def scale(model: onnx.ModelProto) -> NDArray[np.float32]:
    """`(2,)`: what the head multiplies its two likenesses by, read backwards from the logits."""
    made_by = {name: node for node in model.graph.node for name in node.output}
    constants = {one.name: numpy_helper.to_array(one) for one in model.graph.initializer}
    node, found = made_by[made_by["logits"].input[0]], []
    for _ in range(2):
        before, product = node.input
        found.append(constants[made_by[product].input[1]].item())
        node = made_by[before]
    return np.array(found[::-1], dtype=np.float32)


def unpacked(folder: Path, layers: list[int], offset: float) -> Weights:
    """All stages' weights, without the `offset` that the export added to every logit."""
    out: Weights = {}
    for last in layers:
        stage = onnx.load(folder / f"stage-{last}.onnx")
        out |= held(stage)
        out[f"heads.{last}.scale"] = scale(stage)
        out[f"heads.{last}.out.bias"] = out[f"heads.{last}.out.bias"] - np.float32(offset)
    return out


def main() -> None:
    settings = config.load()
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--from", dest="folder", type=Path, default=ROOT / CROSS_ENCODER)
    parser.add_argument("--to", type=Path, default=settings["work"] / "packaged.pt")
    asked = parser.parse_args()
    layers = settings["train"]["exits"]
    if settings["export"]["slope"] != 1.0:
        raise SystemExit("the weights were exported with a slope, which this does not undo: set it to 1.0")
    model = EarlyExitCrossEncoder(encoder.bert(), layers)
    state = model.state_dict()
    for name, value in unpacked(asked.folder, layers, settings["export"]["offset"]).items():
        own = name if name.startswith("heads.") else f"bert.{name}"
        if own not in state or state[own].shape != value.shape:
            raise SystemExit(f"{name} {value.shape} has no place in the model")
        state[own] = torch.from_numpy(np.ascontiguousarray(value))
    asked.to.parent.mkdir(parents=True, exist_ok=True)
    torch.save({"model": state}, asked.to)


if __name__ == "__main__":
    main()
