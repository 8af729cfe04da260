"""What the last layer reads of each pair, computed once by the runtime of the model."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from shortlist.adapting.last_stage import LastStage
from shortlist.adapting.layer import Inputs
from shortlist.inference.batches import Batch, Tokens
from shortlist.inference.engine import STATES, Feed, Outputs, batches_for, feed
from shortlist.inference.runtimes import Runtime
from shortlist.inference.session import load
from shortlist.models.spec import CrossEncoderSpec

BATCHES_OF_A_CORE = 2
"""Batches of each core that pass all stages before the next ones start, so that few token states are in memory."""


class LowerLayers:
    """All stages of a cross-encoder in turn, up to what the last layer reads.

    Args:
        spec: The cross-encoder.
        stage: Its last stage.
        runtime: A runtime on the CPU.
        threads: CPU cores to use.
    """

    def __init__(self, spec: CrossEncoderSpec, stage: LastStage, runtime: Runtime, threads: int) -> None:
        self._stage = stage
        with tempfile.TemporaryDirectory() as folder:
            watched = Path(folder) / stage.file.name
            watched.write_bytes(stage.watched())
            self._engines = [load([file], runtime, threads) for file in (*spec.stages[:-1], watched)]

    def inputs(self, pairs: Sequence[Tokens], pad: int, done: Callable[[int], None]) -> Inputs:
        """Return what the last layer reads of each pair, in the order given. `done` receives the number of new pairs.

        There must be a pair.

        States are kept in fp16, which halves the memory: 10 kB a pair for the packaged model.
        """
        last = self._engines[-1]
        batches = batches_for(last, pairs, pad)
        at_once = BATCHES_OF_A_CORE * last.side_by_side
        inputs: Inputs | None = None
        for start in range(0, len(batches), at_once):
            part = batches[start : start + at_once]
            for batch, read in zip(part, self._read(part), strict=True):
                if inputs is None:
                    inputs = _empty(len(pairs), read)
                inputs.first[batch.rows] = read.first
                inputs.means[batch.rows] = read.means
                inputs.likenesses[batch.rows] = read.likenesses
                done(len(batch.rows))
        assert inputs is not None
        return inputs

    def _read(self, batches: Sequence[Batch]) -> list[Inputs]:
        feeds = [feed(self._engines[0], batch) for batch in batches]
        results = self._engines[0].run(feeds)
        for engine in self._engines[1:]:
            feeds = [feed(engine, batch, outputs[1]) for batch, outputs in zip(batches, results, strict=True)]
            results = engine.run(feeds)
        return [self._inputs(outputs, own) for outputs, own in zip(results, feeds, strict=True)]

    def _inputs(self, outputs: Outputs, given: Feed) -> Inputs:
        tensors = dict(zip(self._stage.watched_names, outputs[1:], strict=True))
        names = self._stage.tensors
        states = tensors[names.states] if names.states in tensors else np.asarray(given[STATES], dtype=np.float32)
        means = tensors[names.attention][:, :, 0] @ states
        likenesses = [tensors[name].reshape(len(states)) for name in names.likenesses]
        return Inputs(states[:, 0], means, np.stack(likenesses, axis=1))


def _empty(pairs: int, read: Inputs) -> Inputs:
    return Inputs(
        np.empty((pairs, read.first.shape[1]), dtype=np.float16),
        np.empty((pairs, *read.means.shape[1:]), dtype=np.float16),
        np.empty((pairs, read.likenesses.shape[1]), dtype=np.float32),
    )
