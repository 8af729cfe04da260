"""Step 2, `python training/train.py`: trains on mined groups and contrast cards; resumes where it stopped.

The loop is ours because one pass has to feed three heads, score a group's passages in length-sorted
slices and keep their graphs until the listwise loss; the trainers we know do neither.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer
from torch import Tensor

import config
import encoder
from model import EarlyExitCrossEncoder
from objectives import losses
from stream import Group, Stream


def pairs(batch: list[Group], words: Tokenizer, options: dict[str, Any]) -> list[tuple[list[int], int]]:
    """`(ids, query length)` of every pair, the passage cut so that the whole fits the window."""
    queries = words.encode_batch([query for g in batch for query in g["queries"]])
    texts = words.encode_batch([text for g in batch for text in g["texts"]])
    out = []
    for number, encoding in enumerate(texts):
        query = [*queries[number].ids[:-1][: options["query_window"] - 1], 102]
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


def mean_of(paths: list[Path], shares: list[float] | None = None, *, average: bool = False) -> dict[str, Tensor]:
    """The mean of the checkpoints' weights, equal `shares` unless given; they have to sum to 1.

    With `average` the running average stands in for the last weights where a checkpoint has one.
    """
    shares = shares or [1 / len(paths)] * len(paths)
    if len(shares) != len(paths) or abs(sum(shares) - 1) > 1e-6:
        raise SystemExit(f"{len(paths)} checkpoints need as many shares that sum to 1, not {shares}")
    held = [torch.load(path, map_location="cpu", weights_only=True) for path in paths]
    states = [{**one["model"], **one.get("average", {})} if average else one["model"] for one in held]
    return {
        name: sum(share * state[name].float() for share, state in zip(shares, states, strict=True))
        for name in states[0]
    }


@torch.no_grad()
def follow(average: dict[str, Tensor], model: EarlyExitCrossEncoder, keep: float) -> None:
    """Moves the running average of the trained weights: `keep` of it stays, the rest follows the model."""
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            if name in average:
                average[name].lerp_(parameter.detach().to(average[name].device), 1 - keep)
            else:
                average[name] = parameter.detach().clone()


def asked_for() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, required=True, help="length of the whole run, which sets the decay")
    parser.add_argument("--name", default="run", help="checkpoint name under training/work")
    parser.add_argument("--start", type=Path, nargs="+", help="checkpoints whose mean weights to begin from")
    parser.add_argument("--average", action="store_true", help="begin from running averages, where kept")
    parser.add_argument("--minutes", type=float, help="whole run's clock, which sets the decay where it is shorter")
    parser.add_argument(
        "--phase",
        default="train",
        choices=("train", "second", "third", "fourth"),
        help="table of config.toml to follow",
    )
    return parser.parse_args()


class Trainer:
    """A run under way: the model, its optimiser, the running average of its weights, steps and seconds so far."""

    def __init__(
        self, settings: dict[str, Any], path: Path, start: Sequence[Path] = (), *, average: bool = False
    ) -> None:
        self.options = options = settings["train"]
        self.device = "cuda" if torch.cuda.is_available() else "cpu"
        # Elsewhere bf16 is emulated, 30 times slower.
        self.half = self.device == "cuda" or torch.cpu._is_avx512_bf16_supported()
        self.path = path
        self.model = EarlyExitCrossEncoder(encoder.bert(), options["exits"], options["apart"])
        self.optimiser = optimiser(self.model, options)
        self.step, self.seconds = 0, 0.0
        self.average: dict[str, Tensor] = {}
        if self.path.exists():
            self._resume()
        elif start:
            self.model.load_state_dict(mean_of(start, average=average))
        self.model.to(self.device).train()
        for layer in self.model.modules():
            if isinstance(layer, torch.nn.Dropout):
                layer.p = 0.0
        self.words = encoder.tokenizer()
        self.weights = torch.tensor(options["exit_weights"], device=self.device)

    def _resume(self) -> None:
        held = torch.load(self.path, map_location="cpu", weights_only=True)
        self.model.load_state_dict(held["model"])
        self.optimiser.load_state_dict(held["optimiser"])
        self.step, self.seconds, self.average = held["step"], held["seconds"], held["average"]

    def save(self) -> None:
        """Writes beside the old file and swaps, so a kill leaves one whole checkpoint."""
        whole = {"model": self.model.state_dict(), "optimiser": self.optimiser.state_dict(), "average": self.average}
        partial = self.path.with_suffix(".part")
        torch.save({**whole, "step": self.step, "seconds": self.seconds}, partial)
        partial.rename(self.path)

    def learn(self, batch: list[Group], done: float) -> Tensor:
        """One step on `batch` at a share `done` of the run: its losses at each exit, and the shares that went right."""
        options, factor = self.options, pace(done, self.options)
        rates = (options["learning_rate"], options["head_learning_rate"])
        for group, rate in zip(self.optimiser.param_groups, rates, strict=True):
            group["lr"] = rate * factor
        with torch.autocast(self.device, dtype=torch.bfloat16, enabled=self.half):
            logits = scores(self.model, pairs(batch, self.words, options))
        loss, right = losses(logits.view(len(self.weights), len(batch), options["group"]), batch, options)
        if not torch.isfinite(loss).all():
            raise SystemExit(f"the loss at step {self.step} is {loss.tolist()}")
        (loss * self.weights).sum().backward()
        if done < options["frozen_share"]:
            self._hold(options["frozen_layers"])
        torch.nn.utils.clip_grad_norm_((p for p in self.model.parameters() if p.grad is not None), 1.0)
        self.optimiser.step()
        self.optimiser.zero_grad(set_to_none=True)
        self.step += 1
        follow(self.average, self.model, options["average"])
        return torch.cat([loss.detach(), right])

    def _hold(self, layers: int) -> None:
        """Drops the gradients of the lowest layers and of what is under them."""
        for part in (self.model.bert.embeddings, self.model.bert.encoder.layer[:layers]):
            for parameter in part.parameters():
                parameter.grad = None


def main() -> None:
    asked, settings = asked_for(), config.load()
    options = settings["train"] = {**settings["train"], **settings[asked.phase]}
    budget = 60 * (asked.minutes or options["minutes"])
    torch.manual_seed(settings["seed"])
    trainer = Trainer(settings, settings["work"] / f"{asked.name}.pt", asked.start or (), average=asked.average)
    stream = Stream(settings, asked.name, trainer.step)
    began, saved, earlier = time.monotonic(), time.monotonic(), trainer.seconds
    running = None
    while trainer.step < asked.steps and trainer.seconds < budget:
        done = max(trainer.step / asked.steps, trainer.seconds / budget)
        now = trainer.learn(stream.batch(options["groups_per_step"]), done)
        trainer.seconds = earlier + time.monotonic() - began
        running = now if running is None else 0.97 * running + 0.03 * now
        if trainer.step % 20 == 0:
            shown = [round(x, 3) for x in running.tolist()]
            print(f"step {trainer.step} losses {shown} {trainer.seconds:.0f} s", flush=True)
        if time.monotonic() - saved > options["checkpoint_minutes"] * 60:
            trainer.save()
            saved = time.monotonic()
    trainer.save()


if __name__ == "__main__":
    main()
