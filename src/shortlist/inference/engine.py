"""What a runtime has to do, and what it is fed."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from shortlist.errors import ModelError
from shortlist.inference.batches import Batch, Tokens, batches, plan

STATES = "states"
"""The input of a later stage that takes the token states of the one before."""

Outputs = list[NDArray[np.float32]]
Feed = dict[str, "NDArray[np.int64] | NDArray[np.float32]"]


class Engine(Protocol):
    """What a runtime has to do: run every batch and give each one's outputs, in order.

    `side_by_side` batches run at a time, each on one core. Lengths are rounded up to a multiple of `length_step`.
    `shape` is that of the first output, None for a size that changes with the batch; no sizes where the file is silent.
    """

    inputs: list[str]
    batch_rows: int
    batch_tokens: int
    length_step: int
    side_by_side: int
    shape: tuple[int | None, ...]

    def run(self, work: Sequence[Feed]) -> list[Outputs]:
        """The file's outputs for each batch: float32 arrays, first axis the batch's rows."""


def plan_for(engine: Engine, lengths: Sequence[int]) -> list[list[int]]:
    """Which inputs stand in a batch together, by their lengths in tokens: positions, longest first."""
    return plan(lengths, rows_for(engine, len(lengths)), engine.batch_tokens)


def rows_for(engine: Engine, inputs: int) -> int:
    """The most inputs of a batch: as many as the engine likes, and few enough that every core gets some."""
    return max(1, min(engine.batch_rows, math.ceil(inputs / engine.side_by_side)))


def work_for(engine: Engine, inputs: Sequence[Tokens], pad: int) -> list[Batch]:
    """The inputs as batches that suit the engine, longest first."""
    return batches(inputs, pad, rows_for(engine, len(inputs)), engine.batch_tokens, engine.length_step)


def feed(engine: Engine, batch: Batch, states: NDArray[np.float32] | None = None) -> Feed:
    """The batch under the names that the file asks for; `states` for a stage that starts from token states.

    Raises:
        ModelError: It asks for an input that is not known here.
    """
    known: Feed = {"input_ids": batch.ids, "attention_mask": batch.mask, "token_type_ids": batch.types}
    if states is not None:
        known[STATES] = states
    missing = [name for name in engine.inputs if name not in known]
    if missing:
        raise ModelError(f"the ONNX file asks for the inputs {missing}, which are not known here")
    return {name: known[name] for name in engine.inputs}


def usable_cores() -> int:
    """How many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return max(1, len(os.sched_getaffinity(0)))
    return max(1, os.cpu_count() or 1)
