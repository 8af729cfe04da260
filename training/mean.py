"""`python training/mean.py CHECKPOINT... --to FILE`: the mean of runs of `learn.py` that were each other's peers.

The file holds the mean of the running averages; `learn.py --start`, `judge.py` and `export_reader.py` read it.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("checkpoints", type=Path, nargs="+")
    parser.add_argument("--to", type=Path, required=True)
    asked = parser.parse_args()
    kept = [torch.load(path, map_location="cpu", weights_only=True) for path in asked.checkpoints]
    states = [{**run["model"], **run["average"]} for run in kept]
    mean = {name: sum(state[name].float() for state in states) / len(states) for name in states[0]}
    pairs = sum(run["pairs"] for run in kept)
    torch.save({"model": mean, "average": mean, "shape": kept[0]["shape"], "pairs": pairs}, asked.to)
    print(f"{asked.to}: {len(kept)} runs, {pairs} pairs")


if __name__ == "__main__":
    main()
