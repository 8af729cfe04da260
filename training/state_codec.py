"""`python training/state_codec.py CHECKPOINT`: how an index keeps the states of a passage small -> `states.npz`.

A state is 384 numbers. It is centred and turned into principal components. The first 136 are kept in 4 bits each and
the other 248 in 2 bits, at the levels that lose least for a normal distribution (Lloyd-Max): 130 bytes a token. The
command ends with the root mean square of the change of the logits, on pools of sources that training never sees.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

import config
import judged
from blocks import trained_pools
from pairs import PairEncoder, PairTokenizer, batch_of, load
from shortlist.models.packaged import CROSS_ENCODER, ROOT, write_manifest

FOUR_BITS = 136
FILE = "states.npz"


def lloyd_max(count: int) -> Tensor:
    """Return `(count,)` levels of a standard normal distribution, ascending."""
    sample = torch.randn(400_000, generator=torch.Generator().manual_seed(1)).sort().values
    levels = torch.quantile(sample[::40], (torch.arange(count) + 0.5) / count)
    for _ in range(80):
        nearest = torch.bucketize(sample, (levels[1:] + levels[:-1]) / 2)
        levels = torch.stack([sample[nearest == number].mean() for number in range(count)])
    return levels


@torch.inference_mode()
def passage_states(model: PairEncoder, passages: list[str], tokenizer: PairTokenizer) -> Tensor:
    """Return `(tokens, width)`: the states of all passages after the layers apart."""
    batch = batch_of([{"queries": ["x"], "passages": passages}], tokenizer)
    return model.apart(batch)[batch.types == 1]


class Codec:
    """The numbers of the file, fitted to `states` `(tokens, width)`."""

    def __init__(self, states: Tensor) -> None:
        self.mean = states.mean(0)
        _, vectors = torch.linalg.eigh(torch.cov(states.T.double()))
        self.basis = vectors.flip(1).float().half().float()
        self.scale = ((states - self.mean) @ self.basis).std(0)
        self.levels = {4: lloyd_max(16), 2: lloyd_max(4)}

    def restored(self, states: Tensor) -> Tensor:
        """Return the states as they come back from the index."""
        components = ((states - self.mean) @ self.basis) / self.scale
        parts = []
        for part, bits in ((components[:, :FOUR_BITS], 4), (components[:, FOUR_BITS:], 2)):
            levels = self.levels[bits]
            parts.append(levels[torch.bucketize(part.contiguous(), (levels[1:] + levels[:-1]) / 2)])
        return (torch.cat(parts, 1) * self.scale) @ self.basis.T + self.mean

    def write(self, path: Path) -> None:
        """Write the file that the package reads."""
        np.savez(
            path,
            mean=self.mean.numpy(),
            basis=self.basis.numpy().astype(np.float16),
            scale=self.scale.numpy(),
            levels_4=self.levels[4].numpy(),
            levels_2=self.levels[2].numpy(),
        )


@torch.inference_mode()
def change(model: PairEncoder, codec: Codec, pools: list[judged.Pool], tokenizer: PairTokenizer) -> tuple[float, float]:
    """Return the root mean square of the logits' change, and the logits' standard deviation."""
    plain, restored = [], []
    for pool in pools:
        batch = batch_of([pool], tokenizer)
        states = model.apart(batch)
        kept = torch.where((batch.types == 1)[:, None], codec.restored(states), states)
        plain.append(model.together(states, batch)[-1])
        restored.append(model.together(kept, batch)[-1])
    before, after = torch.cat(plain), torch.cat(restored)
    return float(((before - after) ** 2).mean().sqrt()), float(before.std())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("--to", type=Path, default=ROOT / CROSS_ENCODER, help="the exported model's folder")
    arguments, settings, tokenizer = parser.parse_args(), config.load(), PairTokenizer()
    model = load(arguments.checkpoint)
    pools = trained_pools(settings)[::40]
    codec = Codec(torch.cat([passage_states(model, pool["passages"][:4], tokenizer) for pool in pools]))
    codec.write(arguments.to / FILE)
    write_manifest(arguments.to)
    apart, spread = change(model, codec, judged.held_pools(settings)[::6], tokenizer)
    print(f"logits change by {apart:.3f} (root mean square), {apart / spread:.3f} of their spread of {spread:.2f}")


if __name__ == "__main__":
    main()
