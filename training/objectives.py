"""What a step is judged by: listwise softmax by default, and the other losses that were tried."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from stream import Group

# The four choices in a contrast group: each query between its passages, each passage between its queries.
CHOICES = torch.tensor([[0, 1], [2, 3], [0, 3], [2, 1]])


def target(batch: list[Group], options: dict[str, Any]) -> Tensor:
    """`(groups, group)` rows that sum to 1: the label, with a share that follows the bi-encoder where known."""
    out = torch.zeros(len(batch), options["group"])
    out[:, 0] = 1.0
    for row, group in enumerate(batch):
        if group["cosines"] is not None:
            soft = torch.softmax(options["teacher_scale"] * torch.tensor(group["cosines"]), 0)
            out[row] = (1 - options["teacher_weight"]) * out[row] + options["teacher_weight"] * soft
    return out


def beside(batch: list[Group], options: dict[str, Any]) -> Tensor:
    """`(groups, group)`: what stands beside the logit of each pair, zeros in groups that are judged by it alone."""
    rows = [
        group["cosines"] if group.get("residual") and group["cosines"] is not None else [0.0] * options["group"]
        for group in batch
    ]
    return options["residual_scale"] * torch.tensor(rows)


def mined_loss(grouped: Tensor, batch: list[Group], options: dict[str, Any]) -> Tensor:
    """`(exits, groups)` losses of `(exits, groups, group)` logits whose first column is the positive's."""
    if options["loss"] == "softmax":
        wanted = target(batch, options).to(grouped.device)
        return -(wanted * functional.log_softmax(grouped, -1)).sum(-1)
    if options["loss"] == "margin":
        return functional.relu(options["margin"] - (grouped[..., :1] - grouped[..., 1:])).mean(-1)
    if options["loss"] == "bce":
        # A logit's zero is far below an untrained head's likenesses, so the loss counts from `zero`.
        shifted = grouped - options["zero"]
        return functional.softplus(-shifted[..., 0]) + functional.softplus(shifted[..., 1:]).mean(-1)
    raise SystemExit(f"loss is {options['loss']!r}; softmax, margin and bce are known")


def distilled(grouped: Tensor) -> Tensor:
    """`(exits, groups)`: how far each exit's softmax over a group is from the last exit's; zero for the last."""
    wanted = torch.softmax(grouped[-1].detach(), -1)
    return (wanted * (torch.log_softmax(grouped[-1].detach(), -1) - functional.log_softmax(grouped, -1))).sum(-1)


def losses(grouped: Tensor, batch: list[Group], options: dict[str, Any]) -> tuple[Tensor, Tensor]:
    """`(exits,)` mean losses, and `(2 * exits,)` shares that went right: mined groups first, contrast ones after.

    Groups drawn as "residual" are judged by the logit plus `residual_scale` times the bi-encoder's cosine.
    """
    grouped = grouped + beside(batch, options).to(grouped.device)
    apart = torch.tensor([group["contrast"] for group in batch], device=grouped.device)
    listwise = mined_loss(grouped, batch, options) + options["distilled"] * distilled(grouped)
    sides = grouped[..., CHOICES.to(grouped.device)]
    contrast = -functional.log_softmax(sides, -1)[..., 0].mean(-1)
    loss = torch.where(apart, contrast * options["contrast_scale"], listwise).mean(-1)
    with torch.no_grad():
        right = torch.where(apart, (sides[..., :2, :].argmax(-1) == 0).all(-1), grouped.argmax(-1) == 0).float()
        shares = [right[:, kind].mean(-1) if kind.any() else right.new_zeros(len(right)) for kind in (~apart, apart)]
    return loss, torch.cat(shares)
