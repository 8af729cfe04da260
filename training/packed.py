"""`python training/packed.py CHECKPOINT`: the running average of a run in int8 -> `data/candidate.npz`, for later runs.

The frozen embeddings of words and positions are those of the bi-encoder, and are not part of the file. A matrix has one
scale a row. Round the checkpoint before (`rounding.py`): its steps stay as they are, and other weights move to the
nearest step. `learn.py --start training/data/candidate.npz` begins from the file.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

import config
from graph import int8
from pairs import PairEncoder, load

FILE = config.ROOT / "training" / "data" / "candidate.npz"
SCALE = ".scale_of_rows"


def packed(weights: Mapping[str, Tensor]) -> dict[str, NDArray[np.generic]]:
    """Return matrices as int8 with their scales, and other tensors as fp32."""
    arrays: dict[str, NDArray[np.generic]] = {}
    for name, weight in weights.items():
        array = weight.float().numpy()
        if array.ndim != 2 or array.shape[0] < 2:
            arrays[name] = array
            continue
        arrays[name], arrays[name + SCALE] = int8(array, axis=1)
    return arrays


def unpacked(arrays: Mapping[str, NDArray[np.generic]]) -> dict[str, Tensor]:
    """Return the tensors in fp32."""
    return {
        name: torch.from_numpy(array.astype(np.float32) * arrays.get(name + SCALE, np.float32(1)))
        for name, array in arrays.items()
        if not name.endswith(SCALE)
    }


def started(path: Path) -> PairEncoder:
    """Return the model of a checkpoint of `learn.py`, or of a packed file."""
    if path.suffix != ".npz":
        return load(path)
    model = PairEncoder()
    with np.load(path) as file:
        model.load_state_dict(unpacked(dict(file)), strict=False)
    return model


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("--to", type=Path, default=FILE, help="another file")
    arguments = parser.parse_args()
    model = load(arguments.checkpoint)
    trained = {name: parameter.detach() for name, parameter in model.named_parameters() if parameter.requires_grad}
    np.savez_compressed(arguments.to, **packed(trained))  # type: ignore[arg-type]
    print(f"{arguments.to}: {len(trained)} tensors, {arguments.to.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
