"""Short runs that change one thing each: `python training/variants.py [--only NAME ...]`.

Every variant starts from the untrained weights, with the same seed, steps and mined groups, and is judged on groups of
training-source queries that no variant saw: one positive, its mined negatives. Results stand in
`training/variants.json`; what is there is not run again.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

import config
from shortlist import CrossEncoder
from stream import Group, Stream
from train import Trainer, pairs, scores

RESULTS = Path(__file__).parent / "variants.json"
HELD_EVERY = 90
BATCH = 4


def reciprocal_ranks(logits: NDArray[np.float32]) -> NDArray[np.float64]:
    """`(exits,)`: one over the rank of the first column among its row; a tie counts against it."""
    return 1.0 / (1 + (logits[:, 1:] >= logits[:, :1]).sum(-1))


@torch.no_grad()
def judged(trainer: Trainer, held: list[Group]) -> dict[str, Any]:
    """Each held group's reciprocal ranks: at every exit by the logit alone, and by the last beside 20 x cosine."""
    trainer.model.eval()
    rows = []
    for start in range(0, len(held), BATCH):
        part = held[start : start + BATCH]
        batch = [{"queries": [one["query"]] * len(one["texts"]), "texts": one["texts"]} for one in part]
        logits = scores(trainer.model, pairs(batch, trainer.words, trainer.options)).numpy()
        ends = np.cumsum([len(one["texts"]) for one in part])
        for one, own in zip(part, np.split(logits, ends[:-1], axis=1), strict=True):
            with_cosine = own[-1:] + 20.0 * np.array(one["cosines"], dtype=np.float32)
            rows.append(np.concatenate([reciprocal_ranks(own), reciprocal_ranks(with_cosine)]))
    return {"rr": np.stack(rows).round(4).tolist()}


def hardest(groups: list[Group], keep: int) -> list[Group]:
    """The groups with the `keep` negatives that the packaged cross-encoder scores highest.

    One that it puts more than a logit of 1 above the positive may be an answer, and is left out.
    """
    model, out = CrossEncoder(precision="exact"), []
    for group in groups:
        logits = np.array(model.score(group["query"], group["texts"]))
        rows = [row for row in np.argsort(-logits) if row > 0 and logits[row] <= logits[0] + 1.0][:keep]
        rows = [0, *(int(row) for row in rows)]
        out.append({**group, **{key: [group[key][row] for row in rows] for key in ("texts", "cosines")}})
    return out


def run(name: str, changes: dict[str, Any], settings: dict[str, Any], steps: int) -> dict[str, Any]:
    """One variant's row."""
    settings = {**settings, "train": {**settings["train"], "window": 128, "shares": {"mined": 1.0}, **changes}}
    options = settings["train"]
    torch.manual_seed(settings["seed"])
    trainer = Trainer(settings, settings["work"] / "variant-that-is-not-kept.pt")
    stream = Stream(settings, "variants", 0)
    everything = stream.pools["mined"]
    held = everything[::HELD_EVERY]
    stream.pools["mined"] = [one for row, one in enumerate(everything) if row % HELD_EVERY]
    began = time.monotonic()
    if options.get("mined_twice"):
        drawn = stream.rng.sample(stream.pools["mined"], steps * options["groups_per_step"])
        stream.pools["mined"] = hardest(drawn, options["group"] - 1)
    ready = time.monotonic()
    for step in range(steps):
        trainer.learn(stream.batch(options["groups_per_step"]), step / steps)
    trained = time.monotonic()
    row = {"name": name, "steps": steps, "held": len(held), **judged(trainer, held)}
    trainer.model.load_state_dict({**trainer.model.state_dict(), **trainer.average})
    averaged = judged(trainer, held)["rr"]
    return {**row, "averaged": averaged, "mining_s": round(ready - began), "training_s": round(trained - ready)}


def show(rows: list[dict[str, Any]]) -> None:
    """A Markdown table: mean reciprocal ranks, and the paired difference to "plain" with its standard error."""
    plain = np.array(next(one for one in rows if one["name"] == "plain")["rr"])
    print("| variant | exit 2 | exit 4 | last | last - plain | beside cosine | beside - plain | s a step |")
    print("|---|---|---|---|---|---|---|---|")
    for one in rows:
        rr = np.array(one["rr"])
        off = rr - plain
        error = off.std(axis=0) / np.sqrt(len(off))
        cells = [f"{mean:.3f}" for mean in rr.mean(axis=0)]
        apart = [f"{off[:, col].mean():+.3f} ± {error[col]:.3f}" for col in (2, 3)]
        print(f"| {one['name']} | {cells[0]} | {cells[1]} | {cells[2]} | {apart[0]} | {cells[3]} | {apart[1]} ", end="")
        print(f"| {one['training_s'] / max(one['steps'], 1):.2f} |")
    averaged = np.array(next(one for one in rows if one["name"] == "plain")["averaged"])
    print(f"plain, running average instead of the last weights: {(averaged.mean(axis=0)).round(3).tolist()}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", nargs="*", help="names of [variants]; all by default")
    parser.add_argument("--steps", type=int, default=120)
    asked, settings = parser.parse_args(), config.load()
    rows: list[dict[str, Any]] = json.loads(RESULTS.read_text()) if RESULTS.exists() else []
    wanted = {name: settings["variants"][name] for name in asked.only or settings["variants"]}
    for name, changes in {"untrained": {}, **wanted}.items():
        if not any(one["name"] == name for one in rows):
            rows.append(run(name, changes, settings, 0 if name == "untrained" else asked.steps))
            RESULTS.write_text("[\n" + ",\n".join(json.dumps(one) for one in rows) + "\n]\n")
            if any(one["name"] == "plain" for one in rows):
                show(rows)


if __name__ == "__main__":
    main()
