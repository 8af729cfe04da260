"""`python training/throughput.py`: pairs a second of `train.py` and of `learn.py`, on the same judged pools.

Seconds are CPU seconds of one thread, so that other work on the machine does not count. The old step scores groups of a
query and four passages with all six layers; the new one whole blocks over stored states.
"""

from __future__ import annotations

import random
import time
from pathlib import Path
from typing import Any

import torch

import config
import train
from blocks import Blocks
from learn import Learner
from states import Store

STEPS = 6


def old(settings: dict[str, Any], pools: list[dict[str, Any]]) -> float:
    """Pairs a CPU second of `train.py`."""
    settings = {**settings, "train": {**settings["train"], "window": 256}}
    trainer = train.Trainer(settings, Path("none.pt"))
    size, count = settings["train"]["group"], settings["train"]["groups_per_step"]
    seconds = 0.0
    for step in range(STEPS):
        batch = [
            {
                "contrast": False,
                "queries": [pool["queries"][0]] * size,
                "texts": pool["passages"][:size],
                "cosines": None,
            }
            for pool in pools[step * count : (step + 1) * count]
        ]
        began = time.process_time()
        trainer.learn(batch, 0.5)
        seconds += time.process_time() - began if step else 0.0
    return (STEPS - 1) * size * count / seconds


def new(settings: dict[str, Any], source: Blocks, store: Store) -> float:
    """Pairs a CPU second of `learn.py`."""
    learner, rng = Learner(settings, Path("none.pt"), store, None), random.Random(1)
    seconds, pairs = 0.0, 0
    for step in range(STEPS):
        began = time.process_time()
        blocks = source.batch(rng, settings["reader"]["pairs_per_step"])
        learner.learn(blocks, 0.5)
        if step:
            seconds += time.process_time() - began
            pairs += sum(block["target"].numel() for block in blocks)
    return pairs / seconds


def main() -> None:
    settings = config.load()
    torch.set_num_threads(1)
    options = settings["reader"]
    store = Store(settings["work"] / options["store"], options["levels"], options["window"])
    source = Blocks(settings, store)
    pools = [pool for pool in source.kinds["judged"] if len(pool["passages"]) == 8]
    before, after = old(settings, pools), new(settings, source, store)
    print(f"train.py {before:.1f}, learn.py {after:.1f} pairs a CPU second: {after / before:.1f} times")


if __name__ == "__main__":
    main()
