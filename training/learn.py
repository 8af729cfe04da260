"""`python training/learn.py --name NAME`: trains the reader over stored states; resumes where it stopped.

A step takes whole blocks: queries, passages, and a target for each query over the block's passages. Gradients exist in
the upper layers and heads alone. New judged pools are picked up whenever the command starts.
"""

from __future__ import annotations

import argparse
import math
import random
import signal
import time
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

import config
from blocks import Block, Blocks
from reader import Reader, Shape, begin, begin_words, units_of, warm
from states import Store

HEADS = ("out", "gain", "match_row", "match_token", "weigh", "exact", "side", "narrow")


def groups(model: Reader, options: dict[str, Any]) -> list[dict[str, Any]]:
    """AdamW's parameter groups: copied layers, and what is new with a larger step."""
    new = [p for name, p in model.named_parameters() if name.startswith(HEADS)]
    seen = {id(p) for p in new}
    body = [p for p in model.parameters() if id(p) not in seen]
    return [{"params": body, "lr": options["learning_rate"]}, {"params": new, "lr": options["head_learning_rate"]}]


def pace(done: float, options: dict[str, Any]) -> float:
    """The learning rate's factor at a share `done` of the run: linear warm-up, then a cosine to 2 %."""
    if done < options["warmup"]:
        return max(done / options["warmup"], 0.01)
    left = (done - options["warmup"]) / (1 - options["warmup"])
    return 0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * min(left, 1.0)))


def loss_of(logits: Tensor, blocks: list[Block]) -> tuple[Tensor, Tensor]:
    """Each query's listwise loss, and 1 where its best passage comes first; masked pairs count nowhere."""
    losses, right, at = [], [], 0
    for block in blocks:
        target = block["target"]
        queries, passages = target.shape
        table = logits[at : at + queries * passages].view(passages, queries).T
        at += queries * passages
        table = table.masked_fill(block["masked"], -1e4)
        rows = -(target * functional.log_softmax(table, -1)).sum(-1)
        if block["both"]:
            columns = functional.log_softmax(table, 0)
            rows = (rows - (target * columns).sum(-1)) / 2
        losses.append(rows * block["weight"])
        best = table.detach().argmax(-1)
        right.append((target.gather(1, best[:, None]).squeeze(1) >= target.amax(-1)).float())
    return torch.cat(losses), torch.cat(right)


def portions(blocks: list[Block], pairs: int) -> list[list[Block]]:
    """Blocks of about `pairs` pairs at a time, whose gradients add up: a step's working memory stays small."""
    out: list[list[Block]] = []
    room = 0
    for block in blocks:
        if room <= 0:
            out.append([])
            room = pairs
        out[-1].append(block)
        room -= block["target"].numel()
    return out


class Learner:
    """A run under way: the model, its optimiser, its weights' running average, steps, pairs and seconds so far."""

    def __init__(self, settings: dict[str, Any], path: Path, store: Store, start: Path | None) -> None:
        self.options = options = settings["reader"]
        torch.manual_seed(settings["seed"])
        self.path, self.store = path, store
        self.shape = Shape(**{name: _frozen(value) for name, value in options["shape"].items()})
        self.model = Reader(self.shape)
        self.optimiser = torch.optim.AdamW(groups(self.model, options), weight_decay=0.01, betas=(0.9, 0.98))
        self.step, self.pairs, self.seconds, self.slice = 0, 0, 0.0, 0
        self.average: dict[str, Tensor] = {}
        self.met = 0.0
        if path.exists():
            self._resume()
        elif start:
            kept = torch.load(start, map_location="cpu", weights_only=True)
            said = self.model.load_state_dict({**kept["model"], **kept["average"]}, strict=False)
            print(f"not in {start}: {said.missing_keys}", flush=True)

    def _resume(self) -> None:
        kept = torch.load(self.path, map_location="cpu", weights_only=True)
        self.model.load_state_dict(kept["model"])
        self.optimiser.load_state_dict(kept["optimiser"])
        self.average = kept["average"]
        self.step, self.pairs, self.seconds = kept["step"], kept["pairs"], kept["seconds"]
        self.slice = kept["slice"] + 1

    def save(self) -> None:
        """Writes beside the old file and swaps, so a kill leaves a whole checkpoint."""
        partial = self.path.with_suffix(".part")
        whole = {
            "model": self.model.state_dict(),
            "average": self.average,
            "optimiser": self.optimiser.state_dict(),
            "shape": {name: list(v) if isinstance(v, tuple) else v for name, v in vars(self.shape).items()},
            "step": self.step,
            "pairs": self.pairs,
            "seconds": self.seconds,
            "slice": self.slice,
        }
        torch.save(whole, partial)
        partial.rename(self.path)

    def learn(self, blocks: list[Block], done: float) -> tuple[float, float]:
        """A step at a share `done` of the run: its loss, and the share of queries whose best passage came first."""
        factor = pace(done, self.options)
        for group, rate in zip(self.optimiser.param_groups, ("learning_rate", "head_learning_rate"), strict=True):
            group["lr"] = self.options[rate] * factor
        queries = sum(len(block["queries"]) for block in blocks)
        loss = right = 0.0
        for part in portions(blocks, self.options["pairs_at_once"]):
            half = {name: parameter.bfloat16() for name, parameter in self.model.named_parameters()}
            logits = torch.func.functional_call(self.model, half, (units_of(part, self.store, self.shape),))
            losses, best = loss_of(logits, part)
            (losses.sum() / queries).backward()
            loss, right = loss + losses.sum().item() / queries, right + best.sum().item() / queries
            self.pairs += len(logits)
        if not math.isfinite(loss):
            raise SystemExit(f"the loss at step {self.step} is {loss}")
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self.optimiser.step()
        self.optimiser.zero_grad(set_to_none=True)
        self.step += 1
        self._follow()
        return loss, right

    @torch.no_grad()
    def meet(self, path: Path) -> None:
        """Goes halfway towards another run's weights, where it has saved since the last time.

        Two runs of one thread each use two cores without waiting for each other at every step.
        """
        if not path.exists() or (written := path.stat().st_mtime) == self.met:
            return
        other = torch.load(path, map_location="cpu", weights_only=True)
        for name, parameter in self.model.named_parameters():
            parameter.lerp_(other["model"][name], 0.5)
            if name in self.average and name in other["average"]:
                self.average[name].lerp_(other["average"][name], 0.5)
        self.met = written

    @torch.no_grad()
    def _follow(self) -> None:
        keep = min(self.options["average"], (1 + self.step) / (10 + self.step))
        for name, parameter in self.model.named_parameters():
            if name in self.average:
                self.average[name].lerp_(parameter.detach(), 1 - keep)
            else:
                self.average[name] = parameter.detach().clone()


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def overridden(settings: dict[str, Any], changes: list[str]) -> dict[str, Any]:
    """The settings with `name=value` changes to the reader's table, values as TOML; `shape.name` reaches inside."""
    import tomllib

    options = settings["reader"]
    for change in changes:
        name, value = change.split("=", 1)
        made = tomllib.loads(f"value = {value}")["value"]
        if name.startswith("shape."):
            options["shape"][name.removeprefix("shape.")] = made
        elif name.startswith("shares."):
            options["shares"][name.removeprefix("shares.")] = made
        else:
            options[name] = made
    return settings


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--name", default="reader", help="checkpoint name under training/work/readers")
    parser.add_argument("--start", type=Path, help="checkpoint whose running average to begin from")
    parser.add_argument("--peer", help="name of a run beside this one, whose weights are met at every checkpoint")
    parser.add_argument("--minutes", type=float, help="the whole run's clock, which sets the decay")
    parser.add_argument("--pairs", type=float, default=1e12, help="pairs of the whole run, where they come earlier")
    parser.add_argument("--slice", type=float, default=1e9, help="minutes after which this command ends")
    parser.add_argument("--threads", type=int, default=1, help="1 is best where other work takes a core now and then")
    parser.add_argument("--set", nargs="*", default=[], help="name=value changes to [reader]")
    asked = parser.parse_args()
    settings = overridden(config.load(), asked.set)
    options = settings["reader"]
    torch.set_num_threads(asked.threads)
    if asked.minutes:
        options["minutes"] = asked.minutes
    store = Store(settings["work"] / options["store"], options["levels"], options["window"])
    source = Blocks(settings, store)
    folder = settings["work"] / "readers"
    folder.mkdir(exist_ok=True)
    learner = Learner(settings, folder / f"{asked.name}.pt", store, asked.start)
    if not learner.step and not asked.start:
        if options["warm"]:
            warm(learner.model, torch.load(settings["work"] / "packaged.pt", weights_only=True)["model"])
        begin(learner.model, source.some_passages(250), store)
    if not learner.step and learner.shape.lexical:
        begin_words(learner.model, source.some_passages(3000), store)
    run(learner, source, settings, asked)


def run(learner: Learner, source: Blocks, settings: dict[str, Any], asked: argparse.Namespace) -> None:
    """Steps until the run's clock or the slice is over; asked to end, it saves after the step under way."""
    options = learner.options
    rng = random.Random(f"{settings['seed']}-{asked.name}-{learner.slice}")
    began = saved = time.monotonic()
    earlier, budget, loss, right = learner.seconds, options["minutes"] * 60, 0.0, 0.0
    pairs_before = learner.pairs
    stopped: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, _: stopped.append(number))
    while (done := max(learner.seconds / budget, learner.pairs / asked.pairs)) < 1:
        if stopped or time.monotonic() - began > asked.slice * 60:
            break
        blocks = source.batch(rng, options["pairs_per_step"])
        now, good = learner.learn(blocks, done)
        learner.seconds = earlier + time.monotonic() - began
        loss, right = (now, good) if not loss else (0.97 * loss + 0.03 * now, 0.97 * right + 0.03 * good)
        if learner.step % 20 == 0:
            rate = (learner.pairs - pairs_before) / (learner.seconds - earlier)
            print(
                f"step {learner.step} loss {loss:.3f} first {right:.3f} {learner.pairs} pairs, {rate:.0f} a second, "
                f"{learner.seconds:.0f} s",
                flush=True,
            )
        if time.monotonic() - saved > options["checkpoint_minutes"] * 60:
            if asked.peer:
                learner.meet(learner.path.with_name(f"{asked.peer}.pt"))
            learner.save()
            saved = time.monotonic()
    learner.save()


if __name__ == "__main__":
    main()
