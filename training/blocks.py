"""Blocks of a training step: queries, passages, and what each query wants of each passage."""

from __future__ import annotations

import json
import random
from typing import Any

import torch

import contrast
import judged
from states import Store

Block = dict[str, Any]
GAIN = {0: 0.0, 1: 0.1, 2: 0.4, 3: 1.0}


def graded(pool: judged.Pool, strangers: list[str], most: int) -> Block:
    """A judged pool's queries over its passages and over `strangers`, which answer none of them."""
    gains = torch.tensor([[GAIN[grade] for grade in row] for row in pool["grades"][:most]])
    gains = torch.cat([gains, torch.zeros(len(gains), len(strangers))], 1)
    return {
        "queries": pool["queries"][:most],
        "passages": [*pool["passages"], *strangers],
        "target": gains / gains.sum(-1, keepdim=True),
        "masked": torch.zeros_like(gains, dtype=torch.bool),
        "both": False,
        "weight": 1.0,
    }


def card(made: dict[str, Any]) -> Block:
    """Both queries of a contrast card over both passages; each passage chooses its query too."""
    return {
        "queries": [made["query_a"], made["query_b"]],
        "passages": [made["a"], made["b"]],
        "target": torch.eye(2),
        "masked": torch.zeros(2, 2, dtype=torch.bool),
        "both": True,
        "weight": 1.0,
    }


def cards(settings: dict[str, Any]) -> list[dict[str, Any]]:
    """A fixed sample of the cards of our own frames."""
    made = contrast.cards(settings["contrast"] / "frames", settings["seed"])
    return random.Random(settings["seed"]).sample(made, settings["reader"]["cards"])


def mined(made: dict[str, Any], teacher: float) -> Block:
    """A block of `clusters.py`; `teacher` of the target follows stage one."""
    masked = torch.tensor(made["masked"], dtype=torch.bool)
    stage = torch.softmax(torch.tensor(made["stage"]).masked_fill(masked, -1e4), -1)
    return {
        "queries": made["queries"],
        "passages": made["passages"],
        "target": (1 - teacher) * torch.eye(len(masked)) + teacher * stage,
        "masked": masked,
        "both": False,
        "weight": 1.0,
    }


def texts(block: Block) -> list[str]:
    """Everything that has to be in the store."""
    return [*block["queries"], *block["passages"]]


class Blocks:
    """Endless blocks: shuffled passes over each kind, mixed by share of pairs. What the store lacks is left out."""

    def __init__(self, settings: dict[str, Any], store: Store) -> None:
        self.options = options = settings["reader"]
        self.store = store
        outside = set(settings["judged"]["held"])
        pools = [pool for pool in judged.pools(judged.paths()) if pool["source"] not in outside]
        pools = [
            pool
            for pool in pools
            if any(any(row) for row in pool["grades"]) and self._stored([*pool["queries"], *pool["passages"]])
        ]
        for pool in pools:
            keep = [row for row, grades in enumerate(pool["grades"]) if any(GAIN[grade] for grade in grades)]
            for name in ("queries", "types", "grades"):
                pool[name] = [pool[name][row] for row in keep]
        self.kinds: dict[str, list[Any]] = {"judged": pools}
        if options["shares"].get("frames"):
            self.kinds["frames"] = [made for made in cards(settings) if self._stored(texts(card(made)))]
        path = settings["work"] / "clusters.jsonl"
        if options["shares"].get("mined") and path.exists():
            rows = [json.loads(line) for line in path.open(encoding="utf-8")]
            self.kinds["mined"] = [row for row in rows if self._stored([*row["queries"], *row["passages"]])]
        self.shares = {name: share for name, share in options["shares"].items() if self.kinds.get(name)}
        self.left: dict[str, list[Any]] = {name: [] for name in self.kinds}
        print({name: len(rows) for name, rows in self.kinds.items()}, flush=True)

    def _stored(self, wanted: list[str]) -> bool:
        return all(text in self.store for text in wanted)

    def some_passages(self, count: int) -> list[str]:
        """Passages spread over the judged pools."""
        pools = self.kinds["judged"]
        return [pool["passages"][0] for pool in pools[:: max(len(pools) // count, 1)]][:count]

    def batch(self, rng: random.Random, pairs: int) -> list[Block]:
        """Blocks of about `pairs` pairs."""
        out, total = [], 0
        while total < pairs:
            name = rng.choices(list(self.shares), list(self.shares.values()))[0]
            if not self.left[name]:
                self.left[name] = rng.sample(self.kinds[name], len(self.kinds[name]))
            block = self._made(name, self.left[name].pop(), rng)
            out.append(block)
            total += block["target"].numel()
        return out

    def _made(self, name: str, row: Any, rng: random.Random) -> Block:
        if name == "judged":
            others = [
                rng.choice(rng.choice(self.kinds["judged"])["passages"]) for _ in range(self.options["strangers"])
            ]
            return graded(row, [text for text in others if text not in row["passages"]], self.options["queries"])
        if name == "frames":
            return card(row)
        if name == "mined":
            return mined(row, self.options["teacher"])
        raise SystemExit(f"{name}: no such kind of block")
