"""Flat rows without padding, and the padded tables in which attention computes.

Linear layers compute the rows of all sequences one after the other, so that they see no padding. Attention needs a
table of sequences of similar length: a `Slice` has the places of its rows in this table.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

MASKED = -10000.0


@dataclass
class Slice:
    """Sequences of similar length, laid out for attention."""

    at: Tensor  # (sequences * length,): the slice's flat row at each place of the table; padding repeats row 0
    back: Tensor  # (flat rows,): the place of each flat row
    bias: Tensor  # (sequences, 1, 1, length): large and negative at padding

    @property
    def rows(self) -> int:
        """Number of flat rows."""
        return len(self.back)

    @property
    def sequences(self) -> int:
        """Number of sequences."""
        return len(self.bias)

    def table(self, flat: Tensor) -> Tensor:
        """`(sequences, length, width)` table of the slice's flat rows."""
        return Lay.apply(flat, self.at, self.back).view(self.sequences, -1, flat.shape[-1])  # type: ignore[no-any-return]

    def rows_of(self, table: Tensor) -> Tensor:
        """Flat rows of a `(sequences * length, width)` table."""
        return Flatten.apply(table, self.at, self.back)  # type: ignore[no-any-return]

    def firsts(self, flat: Tensor) -> Tensor:
        """The first row of each sequence."""
        return flat[self.at.view(self.sequences, -1)[:, 0]]


class Lay(torch.autograd.Function):
    """Rows at given places. Each row has one place of its own, so the gradient is a gather, too."""

    @staticmethod
    def forward(ctx: Any, flat: Tensor, at: Tensor, back: Tensor) -> Tensor:
        ctx.save_for_backward(back)
        return flat.index_select(0, at)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None]:
        (back,) = ctx.saved_tensors
        return gradient.index_select(0, back), None, None


class Flatten(torch.autograd.Function):
    """The rows of a padded table without its padding. Gradients of padding are zero."""

    @staticmethod
    def forward(ctx: Any, table: Tensor, at: Tensor, back: Tensor) -> Tensor:
        ctx.save_for_backward(at, back)
        return table.index_select(0, back)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None]:
        at, back = ctx.saved_tensors
        real = torch.zeros(len(at), dtype=gradient.dtype)
        real[back] = 1
        return gradient.index_select(0, at) * real.view(-1, *[1] * (gradient.ndim - 1)), None, None


def slices_of(lengths: Sequence[int], most: int = 4000) -> tuple[list[int], list[Slice]]:
    """Return an order of the sequences, and slices of them in this order with at most about `most` places each."""
    order = sorted(range(len(lengths)), key=lambda sequence: lengths[sequence])
    slices, start = [], 0
    while start < len(order):
        end = start + 1
        while end < len(order) and lengths[order[end]] * (end + 1 - start) <= most:
            end += 1
        slices.append(_slice([lengths[sequence] for sequence in order[start:end]]))
        start = end
    return order, slices


def _slice(lengths: Sequence[int]) -> Slice:
    longest = max(lengths)
    at = torch.zeros(len(lengths), longest, dtype=torch.long)
    bias = torch.full((len(lengths), 1, 1, longest), MASKED)
    back, row = [], 0
    for sequence, length in enumerate(lengths):
        at[sequence, :length] = torch.arange(row, row + length)
        bias[sequence, ..., :length] = 0
        back.append(sequence * longest + torch.arange(length))
        row += length
    return Slice(at.flatten(), torch.cat(back), bias)


def split(flat: Tensor, slices: Sequence[Slice]) -> tuple[Tensor, ...]:
    """Return the flat rows of each slice."""
    return flat.split([part.rows for part in slices])
