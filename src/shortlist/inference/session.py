"""A loaded model file that turns tokens into rows of output."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from shortlist.errors import InvalidInput
from shortlist.inference import activation_ranges
from shortlist.inference.batches import Tokens
from shortlist.inference.engine import Engine, Outputs, batches_for, feed, plan_for, usable_cores
from shortlist.inference.fair_lock import FairLock
from shortlist.inference.onnx_engine import OnnxEngine
from shortlist.inference.openvino_engine import OpenVinoEngine
from shortlist.inference.runtimes import Runtime
from shortlist.inference.state_codec import StateCodec
from shortlist.inference.torch_engine import TorchEngine


class Session:
    """A model file on a runtime. Several threads may call `run`; the calls run in the order in which they came."""

    def __init__(self, file: Path | str, runtime: Runtime, *, threads: int | None = None) -> None:
        self._engine = load([Path(file)], runtime, usable_cores() if threads is None else threads)
        self._turn = FairLock()

    @property
    def shape(self) -> tuple[int | None, ...]:
        """See `Engine.shape`."""
        return self._engine.shape

    @property
    def batch_rows(self) -> int:
        """The most inputs of one batch."""
        return self._engine.batch_rows

    def plan(self, lengths: Sequence[int]) -> list[list[int]]:
        """Return the batches that `run` makes of inputs with these lengths in tokens, as positions."""
        return plan_for(self._engine, lengths)

    def run(self, inputs: Sequence[Tokens], pad: int = 0) -> Outputs:
        """Return one float32 output row for each input, in the order given. No inputs give no rows."""
        if not inputs:
            return []
        batches = batches_for(self._engine, inputs, pad)
        with self._turn:
            results = self._engine.run([feed(self._engine, batch) for batch in batches])
        rows: Outputs = [np.empty(0, dtype=np.float32)] * len(inputs)
        for batch, (result, *_) in zip(batches, results, strict=True):
            for place, row in enumerate(batch.rows):
                rows[row] = result[place][: len(inputs[row].ids)] if result.ndim == 3 else result[place]
        return rows


def load(files: Sequence[Path], runtime: Runtime, threads: int, codec: StateCodec | None = None) -> Engine:
    """Return the file on the runtime. Several files, the stages of one model in order, become one model.

    With `codec`, the engine has the inputs QUERY_STATES and CODES in place of the first file's STATES.

    Raises:
        InvalidInput: `threads` is below 1, or there are several files for a runtime that does not join stages.
        ModelError: The runtime cannot load the file.
    """
    if threads < 1:
        raise InvalidInput(f"threads must be at least 1, not {threads}", field="threads")
    if runtime.engine == "openvino":
        table = activation_ranges.read(runtime.int8) if runtime.int8 else {}
        return OpenVinoEngine(files, runtime, threads, table, codec)
    if runtime.engine == "torch":
        return TorchEngine(files, runtime, codec)
    if len(files) != 1 and not runtime.joins_stages:
        raise InvalidInput(f"ONNX Runtime loads one file at a time, not {len(files)}")
    return OnnxEngine(files, runtime, threads, codec)
