"""The groups of a training run, in an order fixed by the seed and the run's name.

A group is always `group` pairs of query and text. A *mined* group is one query with its positive first; a *contrast*
group is both queries and both passages of a card: (query a, a), (query a, b), (query b, b), (query b, a).
"""

from __future__ import annotations

import gzip
import json
import random
from pathlib import Path
from typing import Any

import contrast
import flips

Group = dict[str, Any]


def mined_groups(folder: Path) -> list[Group]:
    """Every group that `mine.py` has finished."""
    groups = []
    for path in sorted(folder.glob("*.jsonl.gz")):
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            groups += [json.loads(line) for line in lines]
    return groups


class Stream:
    """Endless groups: shuffled passes over the mined ones and over each kind of card, mixed by share."""

    def __init__(self, settings: dict[str, Any], name: str, step: int) -> None:
        options, seed = settings["train"], settings["seed"]
        mined = mined_groups(settings["work"] / "groups")
        limit = options["cards_per_kind"]
        self.pools: dict[str, list[Group]] = {
            "mined": mined,
            "frames": contrast.cards(settings["contrast"] / "frames", seed),
            "flips": flips.flips(mined, limit, seed),
            "exclusions": flips.exclusions(mined, limit, seed),
        }
        self.shares = options["shares"]
        self.size = options["group"]
        self.residual = options["residual_share"]
        self.rng = random.Random(f"{seed}-{name}-{step}")
        self.left: dict[str, list[Group]] = {name: [] for name in self.pools}

    def _draw(self) -> tuple[str, Group]:
        name = self.rng.choices(list(self.shares), list(self.shares.values()))[0]
        if not self.left[name]:
            self.left[name] = self.rng.sample(self.pools[name], len(self.pools[name]))
        return name, self.left[name].pop()

    def batch(self, groups: int) -> list[Group]:
        """`groups` groups with "queries" and "texts" of equal length, "contrast", and "cosines" where known."""
        drawn = [self._draw() for _ in range(groups)]
        others = [text for name, group in drawn for text in (group["texts"] if name == "mined" else [group["a"]])]
        return [self._mined(group, others) if name == "mined" else card_group(group) for name, group in drawn]

    def _mined(self, group: Group, others: list[str]) -> Group:
        rows = list(range(1, len(group["texts"])))
        self.rng.shuffle(rows)
        rows = [0, *rows[: self.size - 1]]
        texts = [group["texts"][row] for row in rows]
        cosines = [group["cosines"][row] for row in rows]
        for other in self.rng.sample(others, len(others)):
            if len(texts) < self.size and other not in texts:
                texts.append(other)
                cosines.append(min(0.1, min(cosines)))
        return {
            "contrast": False,
            "queries": [group["query"]] * self.size,
            "texts": texts,
            "cosines": cosines,
            "residual": self.rng.random() < self.residual,
        }


def card_group(card: Group) -> Group:
    """Both queries of a card with both of its passages."""
    queries = [card["query_a"], card["query_a"], card["query_b"], card["query_b"]]
    return {
        "contrast": True,
        "queries": queries,
        "texts": [card["a"], card["b"], card["b"], card["a"]],
        "cosines": None,
    }
