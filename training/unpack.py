"""`python training/unpack.py`: the packaged cross-encoder -> `v1.pt`, from which `learn.py` begins.

The repository has no checkpoints. It has the packaged weights, stored in int8. This command subtracts the offset that
the export added to the heads. With `--torch FOLDER`, it also writes the folder that `benchmarks/speed.py` needs.
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
from export import write_torch
from shortlist.models.packaged import CROSS_ENCODER, ROOT

Weights = dict[str, NDArray[np.float32]]
EXITS = (2, 4, 6)
OFFSET = -13.9
"""What the export added to every logit of v1."""
TABLES = {
    "positions": "embeddings.position_embeddings.weight",
    "types": "embeddings.token_type_embeddings.weight",
}


def constants_of(model: onnx.ModelProto) -> dict[str, NDArray[np.generic]]:
    """Return the file's constants by name."""
    return {constant.name: numpy_helper.to_array(constant) for constant in model.graph.initializer}


def weights_of(model: onnx.ModelProto) -> Weights:
    """Return the weights in fp32 under the names and in the shapes of torch, without the graph's other numbers."""
    constants = constants_of(model)
    weights: Weights = {}
    for name, value in constants.items():
        if name.endswith(".scale") or not name.startswith(("embeddings.", "encoder.", "heads.", *TABLES)):
            continue
        whole = value.astype(np.float32) * constants.get(f"{name}.scale", np.float32(1.0))
        turned = whole.ndim == 2 and not name.startswith(("embeddings.", *TABLES))
        weights[TABLES.get(name, name)] = whole.T if turned else whole
    return weights


def scale_of(model: onnx.ModelProto) -> NDArray[np.float32]:
    """Return `(2,)`: the factors of the head's two likenesses, read backwards from the logits."""
    node_of = {name: node for node in model.graph.node for name in node.output}
    constants = constants_of(model)
    node, factors = node_of[node_of["logits"].input[0]], []
    for _ in range(2):
        before, product = node.input
        factors.append(constants[node_of[product].input[1]].item())
        node = node_of[before]
    return np.array(factors[::-1], dtype=np.float32)


def unpacked(folder: Path) -> Weights:
    """Return the weights of all stages. The files lack the bias of `weigh`, which a softmax ignores: it is zero."""
    weights: Weights = {}
    for level in EXITS:
        stage = onnx.load(folder / f"stage-{level}.onnx")
        weights |= weights_of(stage)
        weights[f"heads.{level}.scale"] = scale_of(stage)
        weights[f"heads.{level}.out.bias"] = weights[f"heads.{level}.out.bias"] - np.float32(OFFSET)
        weights[f"heads.{level}.match.weigh.bias"] = np.zeros(1, dtype=np.float32)
    return weights


def main() -> None:
    settings = config.load()
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, default=ROOT / CROSS_ENCODER, help="a folder of shortlist-reranker-v1")
    parser.add_argument("--to", type=Path, default=settings["work"] / "v1.pt")
    parser.add_argument("--torch", type=Path, help="also write a torch folder here, for benchmarks/speed.py")
    arguments = parser.parse_args()
    weights = unpacked(arguments.folder)
    state = {name: torch.from_numpy(np.array(value)) for name, value in weights.items()}
    arguments.to.parent.mkdir(parents=True, exist_ok=True)
    torch.save(state, arguments.to)
    print(f"{arguments.to}: {len(state)} tensors")
    if arguments.torch:
        write_torch(arguments.torch, weights)


if __name__ == "__main__":
    main()
