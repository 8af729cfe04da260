"""Blocks of a training step: queries, passages, and a target for each query over the passages."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import torch

import contrast
import edits
import flips
import judged

Block = dict[str, Any]
"""queries, passages, target `(queries, passages)`, masked (the same shape), both (passages choose queries, too)."""
GAIN = {0: 0.0, 1: 0.1, 2: 0.4, 3: 1.0}
"""Grade -> weight in a query's target."""

CARDS = ("frames", "edits", "flips", "exclusions")


def judged_block(pool: judged.Pool, strangers: list[str], most: int) -> Block:
    """At most `most` queries of a judged pool over its passages and over `strangers`, which answer none of them."""
    gains = torch.tensor([[GAIN[grade] for grade in row] for row in pool["grades"][:most]])
    gains = torch.cat([gains, torch.zeros(len(gains), len(strangers))], 1)
    return {
        "queries": pool["queries"][:most],
        "passages": [*pool["passages"], *strangers],
        "target": gains / gains.sum(-1, keepdim=True),
        "masked": torch.zeros_like(gains, dtype=torch.bool),
        "both": False,
    }


def card_block(card: contrast.Card) -> Block:
    """Both queries of a contrast card over both passages; each passage chooses its query, too."""
    return {
        "queries": [card["query_a"], card["query_b"]],
        "passages": [card["a"], card["b"]],
        "target": torch.eye(2),
        "masked": torch.zeros(2, 2, dtype=torch.bool),
        "both": True,
    }


def mined_block(row: dict[str, Any], options: dict[str, Any]) -> Block:
    """A block of `clusters.py`. A share of its target follows stage one, or the packaged reranker and stage one."""
    masked = torch.tensor(row["masked"], dtype=torch.bool)
    scores, teacher = torch.tensor(row["stage"]), options["teacher"]
    if "logits" in row:
        scores, teacher = torch.tensor(row["logits"]) + options["taught_stage"] * scores, options["taught"]
    soft = torch.softmax(scores.masked_fill(masked, -1e4), -1)
    return {
        "queries": row["queries"],
        "passages": row["passages"],
        "target": (1 - teacher) * torch.eye(*masked.shape) + teacher * soft,
        "masked": masked,
        "both": False,
    }


def trained_pools(settings: dict[str, Any]) -> list[judged.Pool]:
    """Judged pools of the sources that training may see, without queries that no passage answers."""
    pools = []
    for pool in judged.pools(judged.paths()):
        answered = [row for row, grades in enumerate(pool["grades"]) if any(GAIN[grade] for grade in grades)]
        if answered and pool["source"] not in settings["judged"]["held"]:
            pools.append(
                pool | {name: [pool[name][row] for row in answered] for name in ("queries", "types", "grades")}
            )
    return pools


def mined_rows(path: Path) -> list[dict[str, Any]]:
    """The rows that `clusters.py` wrote; empty without the file."""
    return [json.loads(line) for line in path.open(encoding="utf-8")] if path.exists() else []


def taught_rows(path: Path) -> list[dict[str, Any]]:
    """The mined rows that `teach.py` scored, with its logits; all mined rows if it scored none."""
    lines = (line for file in sorted(path.parent.glob("taught-*.jsonl")) for line in file.open(encoding="utf-8"))
    taught = {tuple(row["queries"]): row["logits"] for row in map(json.loads, lines)}
    rows = mined_rows(path)
    with_logits = [row | {"logits": taught[key]} for row in rows if (key := tuple(row["queries"])) in taught]
    return with_logits or rows


class Blocks:
    """Endless blocks: shuffled passes over each kind, mixed by the shares of the configuration."""

    def __init__(self, settings: dict[str, Any]) -> None:
        self.options = options = settings["pairs"]
        cards = contrast.cards(settings["contrast"] / "frames", settings["seed"])
        pools = trained_pools(settings)
        passages = (text for pool in pools for text in pool["passages"])
        self.kinds: dict[str, list[Any]] = {
            "judged": pools,
            "frames": contrast.different(cards, options["cards_per_frame"]),
            "edits": edits.cards(settings),
            "flips": flips.flips(passages, options["flips"], settings["seed"]),
            "exclusions": flips.exclusions(pools, options["exclusions"], settings["seed"]),
            "mined": taught_rows(settings["work"] / "clusters.jsonl"),
        }
        self.shares = {name: share for name, share in options["shares"].items() if share and self.kinds[name]}
        self.left: dict[str, list[Any]] = {name: [] for name in self.kinds}
        print({name: len(rows) for name, rows in self.kinds.items()}, flush=True)

    def batch(self, rng: random.Random, pairs: int) -> list[Block]:
        """Return blocks of about `pairs` pairs."""
        blocks: list[Block] = []
        total = 0
        while total < pairs:
            (kind,) = rng.choices(list(self.shares), list(self.shares.values()))
            if not self.left[kind]:
                self.left[kind] = rng.sample(self.kinds[kind], len(self.kinds[kind]))
            blocks.append(self._block(kind, self.left[kind].pop(), rng))
            total += blocks[-1]["target"].numel()
        return blocks

    def _block(self, kind: str, row: Any, rng: random.Random) -> Block:
        if kind in CARDS:
            return card_block(row)
        if kind == "mined":
            return mined_block(row, self.options)
        pools = self.kinds["judged"]
        others = [rng.choice(rng.choice(pools)["passages"]) for _ in range(self.options["strangers"])]
        return judged_block(row, [text for text in others if text not in row["passages"]], self.options["queries"])
