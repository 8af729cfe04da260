"""Loaded ONNX files that turn batches into rows of output."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from shortlist.errors import InvalidInput
from shortlist.inference import activation_ranges as calibration
from shortlist.inference.batches import Tokens
from shortlist.inference.engine import Engine, Outputs, feed, plan_for, usable_cores, work_for
from shortlist.inference.fair_lock import Turns
from shortlist.inference.onnx_engine import OnnxEngine
from shortlist.inference.openvino_engine import OpenVinoEngine
from shortlist.inference.runtimes import Runtime


class Session:
    """A model file on a runtime. `run` may be called from several threads; calls take turns in the order they came."""

    def __init__(self, file: Path | str, runtime: Runtime, *, threads: int | None = None) -> None:
        self.runtime = runtime
        self._engine = load([Path(file)], runtime, threads or usable_cores())
        self._turn = Turns()

    @property
    def shape(self) -> tuple[int | None, ...]:
        """See `Engine.shape`."""
        return self._engine.shape

    @property
    def batch_rows(self) -> int:
        """The most inputs that a batch holds."""
        return self._engine.batch_rows

    def plan(self, lengths: Sequence[int]) -> list[list[int]]:
        """The batches that `run` makes of inputs with so many tokens, as positions."""
        return plan_for(self._engine, lengths)

    def run(self, inputs: Sequence[Tokens], pad: int = 0) -> Outputs:
        """One output row an input, in the order given: `(...)` float32 arrays; no inputs give an empty list."""
        if not inputs:
            return []
        work = work_for(self._engine, inputs, pad)
        with self._turn:
            results = self._engine.run([feed(self._engine, batch) for batch in work])
        out: Outputs = [np.empty(0, dtype=np.float32)] * len(inputs)
        for batch, (result, *_) in zip(work, results, strict=True):
            for place, row in enumerate(batch.rows):
                out[row] = result[place][: len(inputs[row].ids)] if result.ndim == 3 else result[place]
        return out


def load(files: Sequence[Path], runtime: Runtime, threads: int) -> Engine:
    """The file on the runtime, or the stages of one model from the first to the last where the runtime joins them.

    Raises:
        InvalidInput: `threads` below 1, or several files for a runtime that doesn't join them.
        ModelError: The runtime can't load the file.
    """
    if threads < 1:
        raise InvalidInput(f"threads must be at least 1, not {threads}")
    if runtime.engine == "openvino":
        table = calibration.read(runtime.int8) if runtime.int8 else {}
        return OpenVinoEngine(files, runtime.precision, threads, table)
    if len(files) != 1:
        raise InvalidInput(f"ONNX Runtime loads one file at a time, not {len(files)}")
    return OnnxEngine(files[0], threads)
