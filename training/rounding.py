"""`python training/rounding.py CHECKPOINT --to FILE`: rounds the matrices to int8, so that the errors cancel.

Plain rounding moves each weight to the nearest step of its row's scale. Here, a matrix is rounded column by column, and
the columns that are still to come take up the error of the product with real inputs (GPTQ, arXiv 2210.17323). The
inputs are those of judged pools that training may see. The result is a checkpoint whose weights `export.py` stores
without loss.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

import config
from blocks import judged_block, trained_pools
from graph import int8
from pairs import PairEncoder, PairTokenizer, batch_of, load

POOLS = 160
DAMPING = 0.01
"""Share of the mean of the diagonal that is added to it: inputs that hardly occur must not attract the errors."""

Matrix = NDArray[np.float64]


def stored_matrices(model: PairEncoder) -> dict[str, nn.Linear]:
    """Return the linear layers whose matrices are stored in int8, by name."""
    linears = {name: part for name, part in model.named_modules() if isinstance(part, nn.Linear)}
    return {name: part for name, part in linears.items() if not name.endswith((".out", ".weigh"))}


@torch.inference_mode()
def products_of_inputs(model: PairEncoder, pools: int) -> dict[str, Matrix]:
    """Return `(in, in)` for each layer: the sum of the outer products of its inputs over some training pools."""
    sums: dict[str, Matrix] = {}

    def add(name: str, rows: Tensor) -> None:
        flat = rows.reshape(-1, rows.shape[-1]).float()
        sums[name] = sums.get(name, 0.0) + (flat.T @ flat).double().numpy()

    handles = [
        part.register_forward_pre_hook(lambda _, given, name=name: add(name, given[0]))
        for name, part in stored_matrices(model).items()
    ]
    everything, tokenizer = trained_pools(config.load()), PairTokenizer()
    for pool in everything[:: max(1, len(everything) // pools)]:
        model(batch_of([judged_block(pool, [], 3)], tokenizer))
    for handle in handles:
        handle.remove()
    return sums


def rounded(weights: Matrix, products: Matrix) -> NDArray[np.float32]:
    """Return the `(out, in)` matrix on the steps of its rows' scales, near `weights` for inputs like those given."""
    scale = int8(weights.astype(np.float32), axis=1)[1].astype(np.float64)
    order = np.argsort(-np.diag(products), kind="stable")
    left, part = weights[:, order].copy(), products[np.ix_(order, order)].copy()
    part[np.diag_indices_from(part)] += DAMPING * np.diag(part).mean() + 1e-9
    upper = np.linalg.cholesky(np.linalg.inv(part)).T
    steps = np.empty_like(left)
    for column in range(left.shape[1]):
        steps[:, column] = np.clip(np.round(left[:, column] / scale[:, 0]), -127, 127)
        error = (left[:, column] - steps[:, column] * scale[:, 0]) / upper[column, column]
        left[:, column + 1 :] -= np.outer(error, upper[column, column + 1 :])
    back = np.empty_like(steps)
    back[:, order] = steps
    return (back * scale).astype(np.float32)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("--to", type=Path, required=True, help="the file of the rounded checkpoint")
    arguments = parser.parse_args()
    model = load(arguments.checkpoint)
    products = products_of_inputs(model, POOLS)
    for name, part in stored_matrices(model).items():
        weights = part.weight.detach().double().numpy()
        part.weight.data = torch.from_numpy(rounded(weights, products[name]))
        off, plain = part.weight.detach().double().numpy() - weights, _plain(weights) - weights
        cost, before = ((change @ products[name] * change).sum() for change in (off, plain))
        print(f"{name}: {cost / before:.2f} of the squared error of plain rounding", flush=True)
    torch.save({"model": model.state_dict(), "average": {}}, arguments.to)


def _plain(weights: Matrix) -> Matrix:
    codes, scale = int8(weights.astype(np.float32), axis=1)
    return codes.astype(np.float64) * scale


if __name__ == "__main__":
    main()
