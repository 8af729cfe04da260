"""The interface of a runtime, and the batches and arrays that it receives."""

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
"""The name of a later stage's input for the token states of the stage before."""
QUERY_STATES, CODES = "query_states", "codes"
"""The names of the inputs of an engine that decodes states: the states of the query, and the codes of the passage."""
GPU_BATCH_ROWS = 64
GPU_BATCH_TOKENS = 16384

Outputs = list[NDArray[np.float32]]
Feed = dict[str, "NDArray[np.int64] | NDArray[np.float32] | NDArray[np.uint8] | NDArray[np.uint16]"]


class Engine(Protocol):
    """A model file that is loaded on a runtime.

    `inputs` are the names of the file's inputs. `side_by_side` batches run at the same time, each on one core. A batch
    holds at most `batch_rows` inputs and `batch_tokens` tokens, and lengths are rounded up to a multiple of
    `length_step`. `as_worker` is that of the runtime. `shape` is that of the first output, with None for a size
    that changes with the batch; it is empty if the file does not state it.
    """

    inputs: list[str]
    batch_rows: int
    batch_tokens: int
    length_step: int
    side_by_side: int
    as_worker: bool
    shape: tuple[int | None, ...]

    def run(self, feeds: Sequence[Feed]) -> list[Outputs]:
        """Return the file's outputs for each batch, in order: float32 arrays whose first axis is the batch's rows."""


def plan_for(engine: Engine, lengths: Sequence[int]) -> list[list[int]]:
    """Return which inputs share a batch, as positions, longest first. `lengths` are in tokens."""
    return plan(lengths, rows_for(engine, len(lengths)), engine.batch_tokens)


def rows_for(engine: Engine, inputs: int) -> int:
    """Return the most inputs of a batch: as many as the engine allows, and few enough to give every core a batch."""
    if engine.as_worker:
        return engine.batch_rows
    return max(1, min(engine.batch_rows, math.ceil(inputs / engine.side_by_side)))


def batches_for(engine: Engine, inputs: Sequence[Tokens], pad: int) -> list[Batch]:
    """Return the inputs as batches for the engine, longest first."""
    return batches(inputs, pad, rows_for(engine, len(inputs)), engine.batch_tokens, engine.length_step)


def feed(engine: Engine, batch: Batch, states: NDArray[np.float32] | None = None) -> Feed:
    """Return the batch's arrays under the names of the file's inputs.

    `states` are the token states for a later stage.

    Raises:
        ModelError: The file has an input with an unknown name.
    """
    arrays: Feed = {"input_ids": batch.ids, "attention_mask": batch.mask, "token_type_ids": batch.types}
    if states is not None:
        arrays[STATES] = states
    unknown = [name for name in engine.inputs if name not in arrays]
    if unknown:
        raise ModelError(f"the ONNX file has the inputs {unknown}, which are unknown; known are {', '.join(arrays)}")
    return {name: arrays[name] for name in engine.inputs}


def usable_cores() -> int:
    """Return the number of cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return max(1, len(os.sched_getaffinity(0)))
    return max(1, os.cpu_count() or 1)
