"""`python training/learn.py --name NAME --minutes N`: trains the cross-encoder; the same command resumes.

A step takes whole blocks: judged pools, contrast cards and mined blocks (`blocks.py`). The first run begins from v1's
weights (`unpack.py`), or with `--start` from the running average of another run. It saves every few minutes, and when
it gets SIGTERM. Two runs that name each other by `--peer` use two cores: at each checkpoint, a run goes halfway towards
the weights of its peer.
"""

from __future__ import annotations

import argparse
import math
import random
import signal
import time
from pathlib import Path
from typing import Any

import tomllib
import torch
from torch import Tensor
from torch.nn import functional

import config
from blocks import Block, Blocks
from packed import started
from pairs import PairEncoder, PairTokenizer, batch_of, begin_from_v1

RATES = ("learning_rate", "head_learning_rate")


def pace(done: float, warmup: float) -> float:
    """Return the learning rate's factor at a share `done` of the run: linear warm-up, then a cosine to 2 %."""
    if done < warmup:
        return max(done / warmup, 0.01)
    left = (done - warmup) / (1 - warmup)
    return 0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * min(left, 1.0)))


def losses_of(logits: Tensor, blocks: list[Block]) -> tuple[Tensor, Tensor]:
    """Return each query's listwise loss, and 1 if its best passage comes first. Masked pairs count nowhere."""
    losses, firsts, at = [], [], 0
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
        losses.append(rows)
        best = table.detach().argmax(-1)
        firsts.append((target.gather(1, best[:, None]).squeeze(1) >= target.amax(-1)).float())
    return torch.cat(losses), torch.cat(firsts)


def portions(blocks: list[Block], pairs: int) -> list[list[Block]]:
    """Return blocks of about `pairs` pairs at a time, whose gradients add up: a step's working memory stays small."""
    parts: list[list[Block]] = []
    room = 0
    for block in blocks:
        if room <= 0:
            parts.append([])
            room = pairs
        parts[-1].append(block)
        room -= block["target"].numel()
    return parts


def optimiser_of(model: PairEncoder, options: dict[str, Any]) -> torch.optim.Optimizer:
    """AdamW with a larger step for the heads. The embeddings of words and positions stay as they are."""
    trained = [(name, parameter) for name, parameter in model.named_parameters() if parameter.requires_grad]
    body = [parameter for name, parameter in trained if not name.startswith("heads.")]
    heads = [parameter for name, parameter in trained if name.startswith("heads.")]
    groups = [{"params": part, "lr": options[rate]} for part, rate in zip((body, heads), RATES, strict=True)]
    return torch.optim.AdamW(groups, weight_decay=0.01, betas=(0.9, 0.98))


class Learner:
    """A run in progress: the model, its optimiser, the running average of its weights, and the counts so far."""

    def __init__(self, settings: dict[str, Any], path: Path, start: Path | None) -> None:
        self.options = settings["pairs"]
        torch.manual_seed(settings["seed"])
        self.path, self.tokenizer, self.model = path, PairTokenizer(), PairEncoder()
        self.average: dict[str, Tensor] = {}
        self.step, self.pairs, self.seconds, self.slice = 0, 0, 0.0, 0
        self.peer_written = 0.0
        if not path.exists():
            self._begin(settings["work"] / "v1.pt", start)
        self.optimiser = optimiser_of(self.model, self.options)
        if path.exists():
            self._resume()

    def _begin(self, v1: Path, start: Path | None) -> None:
        if start:
            self.model.load_state_dict(started(start).state_dict())
        else:
            begin_from_v1(self.model, torch.load(v1, weights_only=True))

    def _resume(self) -> None:
        kept = torch.load(self.path, map_location="cpu", weights_only=True)
        self.model.load_state_dict(kept["model"])
        self.optimiser.load_state_dict(kept["optimiser"])
        self.average = kept["average"]
        self.step, self.pairs, self.seconds = kept["step"], kept["pairs"], kept["seconds"]
        self.slice = kept["slice"] + 1

    def save(self) -> None:
        """Write a new file next to the old one and rename it: if the run is killed, a whole checkpoint remains."""
        partial = self.path.with_suffix(".part")
        whole = {
            "model": self.model.state_dict(),
            "average": self.average,
            "optimiser": self.optimiser.state_dict(),
            "step": self.step,
            "pairs": self.pairs,
            "seconds": self.seconds,
            "slice": self.slice,
        }
        torch.save(whole, partial)
        partial.rename(self.path)

    def learn(self, blocks: list[Block], done: float) -> tuple[float, float]:
        """Do a step at a share `done` of the run.

        Returns:
            The mean loss of the last exit, and the share of queries whose best passage came first.
        """
        for group, rate in zip(self.optimiser.param_groups, RATES, strict=True):
            group["lr"] = self.options[rate] * pace(done, self.options["warmup"])
        queries = sum(len(block["queries"]) for block in blocks)
        loss = first = 0.0
        for part in portions(blocks, self.options["pairs_at_once"]):
            losses, firsts = self._add_gradients(part, queries)
            loss, first = loss + losses.sum().item() / queries, first + firsts.sum().item() / queries
        if not math.isfinite(loss):
            raise SystemExit(f"the loss at step {self.step} is {loss}")
        torch.nn.utils.clip_grad_norm_((p for p in self.model.parameters() if p.requires_grad), 1.0)
        self.optimiser.step()
        self.optimiser.zero_grad(set_to_none=True)
        self.step += 1
        self._follow()
        return loss, first

    def _add_gradients(self, part: list[Block], queries: int) -> tuple[Tensor, Tensor]:
        kind = getattr(torch, self.options["products"])
        weights = {name: parameter.to(kind) for name, parameter in self.model.named_parameters()}
        logits = torch.func.functional_call(self.model, weights, (batch_of(part, self.tokenizer),))
        early = torch.stack([losses_of(exit_logits, part)[0] for exit_logits in logits[:-1]]).sum(0)
        losses, firsts = losses_of(logits[-1], part)
        ((losses + self.options["early"] * early).sum() / queries).backward()
        self.pairs += logits.shape[1]
        return losses.detach(), firsts

    @torch.no_grad()
    def meet(self, path: Path) -> None:
        """Go halfway towards another run's weights, if it has saved since the last time."""
        if not path.exists() or (written := path.stat().st_mtime) == self.peer_written:
            return
        peer = torch.load(path, map_location="cpu", weights_only=True)
        for name, parameter in self.model.named_parameters():
            if parameter.requires_grad:
                parameter.lerp_(peer["model"][name], 0.5)
            if name in self.average and name in peer["average"]:
                self.average[name].lerp_(peer["average"][name], 0.5)
        self.peer_written = written

    @torch.no_grad()
    def _follow(self) -> None:
        keep = min(self.options["average"], (1 + self.step) / (10 + self.step))
        for name, parameter in self.model.named_parameters():
            if name in self.average:
                self.average[name].lerp_(parameter.detach(), 1 - keep)
            elif parameter.requires_grad:
                self.average[name] = parameter.detach().clone()


class Progress:
    """Running means of loss and first places, printed every 20 steps."""

    def __init__(self, learner: Learner) -> None:
        self.learner, self.pairs, self.seconds = learner, learner.pairs, learner.seconds
        self.loss = self.first = 0.0

    def add(self, loss: float, first: float) -> None:
        """Take a step's numbers."""
        learner, keep = self.learner, 0.97 if self.loss else 0.0
        self.loss = keep * self.loss + (1 - keep) * loss
        self.first = keep * self.first + (1 - keep) * first
        if learner.step % 20 == 0:
            rate = (learner.pairs - self.pairs) / (learner.seconds - self.seconds)
            print(
                f"step {learner.step} loss {self.loss:.3f} first {self.first:.3f} {learner.pairs} pairs, "
                f"{rate:.0f} a second, {learner.seconds:.0f} s",
                flush=True,
            )


def overridden(settings: dict[str, Any], changes: list[str]) -> dict[str, Any]:
    """Return the settings with `name=value` changes to [pairs]. Values are TOML; `shares.judged=0.5` reaches inside."""
    for change in changes:
        name, value = change.split("=", 1)
        table, _, key = name.rpartition(".")
        options = settings["pairs"][table] if table else settings["pairs"]
        if key not in options:
            raise SystemExit(f"{name}: [pairs] has no such setting")
        options[key] = tomllib.loads(f"value = {value}")["value"]
    return settings


def arguments_of_command() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--name", required=True, help="checkpoint name under training/work/runs")
    parser.add_argument(
        "--start", type=Path, help="checkpoint to begin from: its running average, or a file of packed.py"
    )
    parser.add_argument("--peer", help="name of a run next to this one, whose weights it meets at every checkpoint")
    parser.add_argument("--minutes", type=float, help="clock of the whole run, which sets the decay")
    parser.add_argument("--pairs", type=float, default=1e12, help="pairs of the whole run, if they come earlier")
    parser.add_argument("--slice", type=float, default=1e9, help="minutes after which this command ends")
    parser.add_argument("--threads", type=int, default=1, help="with two, each product waits for the slower core")
    parser.add_argument("--set", nargs="*", default=[], metavar="NAME=VALUE", help="changes to [pairs]")
    return parser.parse_args()


def run(learner: Learner, source: Blocks, rng: random.Random, arguments: argparse.Namespace) -> None:
    """Do steps until the clock of the run or of this command is over, or until SIGTERM. Save at the end."""
    options, progress = learner.options, Progress(learner)
    began = saved = time.monotonic()
    earlier, budget = learner.seconds, options["minutes"] * 60
    signals: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, _: signals.append(number))
    while (done := max(learner.seconds / budget, learner.pairs / arguments.pairs)) < 1:
        if signals or time.monotonic() - began > arguments.slice * 60:
            break
        loss, first = learner.learn(source.batch(rng, options["pairs_per_step"]), done)
        learner.seconds = earlier + time.monotonic() - began
        progress.add(loss, first)
        if time.monotonic() - saved > options["checkpoint_minutes"] * 60:
            if arguments.peer:
                learner.meet(learner.path.with_name(f"{arguments.peer}.pt"))
            learner.save()
            saved = time.monotonic()
    learner.save()


def main() -> None:
    arguments = arguments_of_command()
    settings = overridden(config.load(), arguments.set)
    if arguments.minutes:
        settings["pairs"]["minutes"] = arguments.minutes
    torch.set_num_threads(arguments.threads)
    folder = settings["work"] / "runs"
    folder.mkdir(exist_ok=True)
    learner = Learner(settings, folder / f"{arguments.name}.pt", arguments.start)
    rng = random.Random(f"{settings['seed']}-{arguments.name}-{learner.slice}")
    run(learner, Blocks(settings), rng, arguments)


if __name__ == "__main__":
    main()
