"""Step 2, `python training/train.py`: trains on mined groups and contrast cards; resumes where it stopped.

The loop is ours because one pass has to feed three heads, score a group's passages in length-sorted
slices and keep their graphs until the listwise loss; the trainers we know do neither.
"""

from __future__ import annotations

import argparse
import math
import time
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer
from torch import Tensor
from torch.nn import functional

import config
import encoder
from model import EarlyExitCrossEncoder
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


def target(batch: list[Group], options: dict[str, Any]) -> Tensor:
    """`(groups, group)` rows that sum to 1: the label, with a share that follows the bi-encoder where known."""
    out = torch.zeros(len(batch), options["group"])
    out[:, 0] = 1.0
    for row, group in enumerate(batch):
        if group["cosines"] is not None:
            soft = torch.softmax(options["teacher_scale"] * torch.tensor(group["cosines"]), 0)
            out[row] = (1 - options["teacher_weight"]) * out[row] + options["teacher_weight"] * soft
    return out


# The four choices in a contrast group: each query between its passages, each passage between its queries.
CHOICES = torch.tensor([[0, 1], [2, 3], [0, 3], [2, 1]])


def losses(grouped: Tensor, batch: list[Group], options: dict[str, Any]) -> tuple[Tensor, Tensor]:
    """`(exits,)` mean losses, and `(2 * exits,)` shares that went right: mined groups first, contrast ones after."""
    apart = torch.tensor([group["contrast"] for group in batch], device=grouped.device)
    wanted = target(batch, options).to(grouped.device)
    listwise = -(wanted * functional.log_softmax(grouped, -1)).sum(-1)
    sides = grouped[..., CHOICES.to(grouped.device)]
    contrast = -functional.log_softmax(sides, -1)[..., 0].mean(-1)
    loss = torch.where(apart, contrast * options["contrast_scale"], listwise).mean(-1)
    with torch.no_grad():
        right = torch.where(apart, (sides[..., :2, :].argmax(-1) == 0).all(-1), grouped.argmax(-1) == 0).float()
        shares = [right[:, kind].mean(-1) if kind.any() else right.new_zeros(len(right)) for kind in (~apart, apart)]
    return loss, torch.cat(shares)


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


def mean_of(paths: list[Path]) -> dict[str, Tensor]:
    """The mean of the checkpoints' weights."""
    states = [torch.load(path, map_location="cpu", weights_only=True)["model"] for path in paths]
    return {name: torch.stack([state[name].float() for state in states]).mean(0) for name in states[0]}


@torch.no_grad()
def follow(average: dict[str, Tensor], model: EarlyExitCrossEncoder, keep: float) -> None:
    """Moves the running average of the trained weights: `keep` of it stays, the rest follows the model."""
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            if name in average:
                average[name].lerp_(parameter.detach().to(average[name].device), 1 - keep)
            else:
                average[name] = parameter.detach().clone()


def save(path: Path, state: dict[str, Any]) -> None:
    """Writes beside the old file and swaps, so a kill leaves one whole checkpoint."""
    partial = path.with_suffix(".part")
    torch.save(state, partial)
    partial.rename(path)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, required=True, help="length of the whole run, which sets the decay")
    parser.add_argument("--name", default="run", help="checkpoint name under training/work")
    parser.add_argument("--start", type=Path, nargs="+", help="checkpoints whose mean weights to begin from")
    parser.add_argument("--minutes", type=float, help="whole run's clock, which sets the decay where it is shorter")
    parser.add_argument("--phase", default="train", choices=("train", "second", "third"), help="table of config.toml to follow")
    asked = parser.parse_args()
    settings = config.load()
    options = settings["train"] = {**settings["train"], **settings[asked.phase]}
    if asked.minutes:
        options["minutes"] = asked.minutes
    device = "cuda" if torch.cuda.is_available() else "cpu"
    half = device == "cuda" or torch.cpu._is_avx512_bf16_supported()  # elsewhere bf16 is emulated, 30 times slower
    torch.manual_seed(settings["seed"])
    model = EarlyExitCrossEncoder(encoder.bert(), options["exits"])
    stepper = optimiser(model, options)
    path = settings["work"] / f"{asked.name}.pt"
    step, earlier = 0, 0.0
    average: dict[str, Tensor] = {}
    if path.exists():
        saved_state = torch.load(path, map_location="cpu", weights_only=True)
        model.load_state_dict(saved_state["model"])
        stepper.load_state_dict(saved_state["optimiser"])
        step, earlier, average = saved_state["step"], saved_state["seconds"], saved_state["average"]
    elif asked.start:
        model.load_state_dict(mean_of(asked.start))
    model.to(device).train()
    for layer in model.modules():
        if isinstance(layer, torch.nn.Dropout):
            layer.p = 0.0
    rates = [group["lr"] for group in ({"lr": options["learning_rate"]}, {"lr": options["head_learning_rate"]})]
    words, stream = encoder.tokenizer(), Stream(settings, asked.name, step)
    weights = torch.tensor(options["exit_weights"], device=device)
    began = saved = time.monotonic()
    running = None
    budget = options["minutes"] * 60

    def state() -> dict[str, Any]:
        seconds = earlier + time.monotonic() - began
        whole = {"model": model.state_dict(), "optimiser": stepper.state_dict(), "average": average}
        return {**whole, "step": step, "seconds": seconds}

    while step < asked.steps and (spent := earlier + time.monotonic() - began) < budget:
        for group, rate in zip(stepper.param_groups, rates, strict=True):
            group["lr"] = rate * pace(max(step / asked.steps, spent / budget), options)
        batch = stream.batch(options["groups_per_step"])
        with torch.autocast(device, dtype=torch.bfloat16, enabled=half):
            logits = scores(model, pairs(batch, words, options))
        grouped = logits.view(len(weights), len(batch), options["group"])
        loss, right = losses(grouped, batch, options)
        (loss * weights).sum().backward()
        torch.nn.utils.clip_grad_norm_((p for p in model.parameters() if p.grad is not None), 1.0)
        stepper.step()
        stepper.zero_grad(set_to_none=True)
        step += 1
        follow(average, model, options["average"])
        now = torch.cat([loss.detach(), right])
        running = now if running is None else 0.97 * running + 0.03 * now
        if step % 20 == 0:
            print(f"step {step} losses {[round(x, 3) for x in running.tolist()]} {spent:.0f} s", flush=True)
        if time.monotonic() - saved > options["checkpoint_minutes"] * 60 or step == asked.steps:
            save(path, state())
            saved = time.monotonic()
    if not math.isfinite(float(running.sum())) if running is not None else False:
        raise SystemExit("the loss is not finite")
    save(path, state())


if __name__ == "__main__":
    main()
