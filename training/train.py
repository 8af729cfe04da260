"""Step 2, `python training/train.py`: trains on mined groups and contrast cards; resumes where it stopped.

The loop is ours because one pass has to feed three heads, score a group's passages in length-sorted
slices and keep their graphs until the listwise loss; the trainers we know do neither.
"""

from __future__ import annotations

import argparse
import gzip
import json
import math
import random
import time
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer
from torch import Tensor
from torch.nn import functional

import config
import contrast
import encoder
from model import EarlyExitCrossEncoder


def card_groups(folder: Path, seed: int) -> list[dict[str, Any]]:
    """Two groups a contrast card: each query's own version against the other one."""
    groups = []
    for card in contrast.cards(folder / "contrast_frames.txt", seed):
        groups.append({"query": card["query_a"], "texts": [card["a"], card["b"]]})
        groups.append({"query": card["query_b"], "texts": [card["b"], card["a"]]})
    return groups


def mined_groups(folder: Path) -> list[dict[str, Any]]:
    """Every group that `mine.py` has finished."""
    groups = []
    for path in sorted(folder.glob("*.jsonl.gz")):
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            groups += [json.loads(line) for line in lines]
    return groups


class Stream:
    """Endless groups in an order fixed by the seed: shuffled passes, contrast cards mixed in by share."""

    def __init__(self, settings: dict[str, Any], step: int) -> None:
        self.mined = mined_groups(settings["work"] / "groups")
        self.cards = card_groups(settings["contrast"], settings["seed"])
        self.share = settings["train"]["contrast_share"] if self.cards else 0.0
        self.size = settings["train"]["group"]
        self.rng = random.Random(settings["seed"] + 7919 * step)
        self.left: dict[str, list[dict[str, Any]]] = {"mined": [], "cards": []}

    def _draw(self, name: str, pool: list[dict[str, Any]]) -> dict[str, Any]:
        if not self.left[name]:
            self.left[name] = self.rng.sample(pool, len(pool))
        return self.left[name].pop()

    def batch(self, groups: int) -> list[dict[str, Any]]:
        """`groups` groups of exactly `group` texts; short ones are filled with passages of their batch-mates."""
        chosen = [
            self._draw("cards", self.cards) if self.rng.random() < self.share else self._draw("mined", self.mined)
            for _ in range(groups)
        ]
        others = [text for group in chosen for text in group["texts"]]
        return [self._fill(group, others) for group in chosen]

    def _fill(self, group: dict[str, Any], others: list[str]) -> dict[str, Any]:
        rows = list(range(1, len(group["texts"])))
        self.rng.shuffle(rows)
        rows = [0, *rows[: self.size - 1]]
        texts = [group["texts"][row] for row in rows]
        cosines = [group["cosines"][row] for row in rows] if "cosines" in group else None
        while len(texts) < self.size:
            other = self.rng.choice(others)
            if other not in texts:
                texts.append(other)
                if cosines is not None:
                    cosines.append(min(0.1, min(cosines)))
        return {"query": group["query"], "texts": texts, "cosines": cosines}


def pairs(batch: list[dict[str, Any]], words: Tokenizer, options: dict[str, Any]) -> list[tuple[list[int], int]]:
    """`(ids, query length)` of every pair, the passage cut so that the whole fits the window."""
    queries = [e.ids[: options["query_window"] - 1] for e in words.encode_batch([g["query"] for g in batch])]
    texts = words.encode_batch([text for g in batch for text in g["texts"]])
    out = []
    for number, encoding in enumerate(texts):
        query = [*(i for i in queries[number // options["group"]] if i != 102), 102]
        passage = [*encoding.ids[1:-1][: options["window"] - len(query) - 1], 102]
        out.append((query + passage, len(query)))
    return out


def scores(model: EarlyExitCrossEncoder, items: list[tuple[list[int], int]], slice_tokens: int = 2600) -> Tensor:
    """`(exits, pairs)` logits, computed in length-sorted slices."""
    order = sorted(range(len(items)), key=lambda i: len(items[i][0]))
    parts, start = [], 0
    while start < len(order):
        end = start + 1
        while end < len(order) and len(items[order[end]][0]) * (end + 1 - start) <= slice_tokens:
            end += 1
        rows = order[start:end]
        length = len(items[rows[-1]][0])
        ids = torch.zeros(len(rows), length, dtype=torch.long)
        types, mask = torch.zeros_like(ids), torch.zeros_like(ids)
        for i, row in enumerate(rows):
            tokens, split = items[row]
            ids[i, : len(tokens)] = torch.tensor(tokens)
            types[i, split : len(tokens)] = 1
            mask[i, : len(tokens)] = 1
        device = next(model.parameters()).device
        parts.append(model(ids.to(device), types.to(device), mask.to(device)))
        start = end
    back = torch.empty(len(order), dtype=torch.long)
    back[torch.tensor(order)] = torch.arange(len(order))
    return torch.cat(parts, dim=1)[:, back]


def target(batch: list[dict[str, Any]], options: dict[str, Any]) -> Tensor:
    """`(groups, group)` rows that sum to 1: the label, with a share that follows the bi-encoder where known."""
    out = torch.zeros(len(batch), options["group"])
    out[:, 0] = 1.0
    for row, group in enumerate(batch):
        if group["cosines"] is not None:
            soft = torch.softmax(options["teacher_scale"] * torch.tensor(group["cosines"]), 0)
            out[row] = (1 - options["teacher_weight"]) * out[row] + options["teacher_weight"] * soft
    return out


def optimiser(model: EarlyExitCrossEncoder, options: dict[str, Any]) -> torch.optim.Optimizer:
    """AdamW with a larger step for the heads; the word embeddings and the unused pooler stay as they are."""
    for frozen in (model.bert.embeddings.word_embeddings, model.bert.embeddings.position_embeddings, model.bert.pooler):
        for parameter in frozen.parameters():
            parameter.requires_grad = False
    heads = list(model.heads.parameters())
    body = [p for name, p in model.named_parameters() if p.requires_grad and not name.startswith("heads.")]
    return torch.optim.AdamW(
        [{"params": body, "lr": options["learning_rate"]}, {"params": heads, "lr": options["head_learning_rate"]}],
        weight_decay=options["weight_decay"],
        betas=(0.9, 0.98),
    )


def pace(done: float, options: dict[str, Any]) -> float:
    """The learning rate's factor at a share `done` of the run: linear warm-up, then linear decay to 3 %."""
    if done < options["warmup"]:
        return max(done / options["warmup"], 0.01)
    return max(0.03, 1 - (done - options["warmup"]) / (1 - options["warmup"]))


def save(path: Path, state: dict[str, Any]) -> None:
    """Writes beside the old file and swaps, so a kill leaves one whole checkpoint."""
    partial = path.with_suffix(".part")
    torch.save(state, partial)
    partial.rename(path)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, required=True, help="length of the whole run, which sets the decay")
    parser.add_argument("--name", default="run", help="checkpoint name under training/work")
    parser.add_argument("--start", type=Path, help="checkpoint whose weights to begin from")
    asked = parser.parse_args()
    settings = config.load()
    options = settings["train"]
    device = "cuda" if torch.cuda.is_available() else "cpu"
    torch.manual_seed(settings["seed"])
    model = EarlyExitCrossEncoder(encoder.bert(), options["exits"])
    stepper = optimiser(model, options)
    path = settings["work"] / f"{asked.name}.pt"
    step = 0
    if path.exists():
        state = torch.load(path, map_location="cpu", weights_only=True)
        model.load_state_dict(state["model"])
        stepper.load_state_dict(state["optimiser"])
        step = state["step"]
    elif asked.start:
        model.load_state_dict(torch.load(asked.start, map_location="cpu", weights_only=True)["model"])
    model.to(device).train()
    for layer in model.modules():
        if isinstance(layer, torch.nn.Dropout):
            layer.p = 0.0
    rates = [group["lr"] for group in ({"lr": options["learning_rate"]}, {"lr": options["head_learning_rate"]})]
    words, stream = encoder.tokenizer(), Stream(settings, step)
    weights = torch.tensor(options["exit_weights"], device=device)
    began = saved = time.monotonic()
    running = None
    while step < asked.steps and time.monotonic() - began < options["minutes"] * 60:
        for group, rate in zip(stepper.param_groups, rates, strict=True):
            group["lr"] = rate * pace(step / asked.steps, options)
        batch = stream.batch(options["groups_per_step"])
        with torch.autocast(device, dtype=torch.bfloat16):
            logits = scores(model, pairs(batch, words, options))
        grouped = logits.view(len(weights), len(batch), options["group"])
        wanted = target(batch, options).to(device)
        losses = -(wanted * functional.log_softmax(grouped, -1)).sum(-1).mean(-1)
        (losses * weights).sum().backward()
        torch.nn.utils.clip_grad_norm_((p for p in model.parameters() if p.grad is not None), 1.0)
        stepper.step()
        stepper.zero_grad(set_to_none=True)
        step += 1
        hit = (grouped.detach().argmax(-1) == 0).float().mean(-1)
        now = torch.cat([losses.detach(), hit])
        running = now if running is None else 0.97 * running + 0.03 * now
        if step % 20 == 0:
            spent = time.monotonic() - began
            print(f"step {step} losses {[round(x, 3) for x in running.tolist()]} {spent:.0f} s", flush=True)
        if time.monotonic() - saved > options["checkpoint_minutes"] * 60 or step == asked.steps:
            save(path, {"model": model.state_dict(), "optimiser": stepper.state_dict(), "step": step})
            saved = time.monotonic()
    if not math.isfinite(float(running.sum())) if running is not None else False:
        raise SystemExit("the loss is not finite")
    save(path, {"model": model.state_dict(), "optimiser": stepper.state_dict(), "step": step})


if __name__ == "__main__":
    main()
