"""A cross-encoder in stages: every pair can be scored early, and the better pairs continue."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from shortlist.errors import InvalidInput
from shortlist.inference.batches import Batch, Tokens
from shortlist.inference.engine import Engine, Outputs, batches_for, feed, plan_for, usable_cores
from shortlist.inference.fair_lock import FairLock
from shortlist.inference.runtimes import Runtime
from shortlist.inference.session import load
from shortlist.inference.state_codec import StateCodec
from shortlist.inference.stored_states import pair_states, query_states, states_alone
from shortlist.text.validation import item_name

BATCHES_TOGETHER = 2
"""Batches that pass all stages before the next batches start, so that few token states are in memory."""


class StagedSession:
    """The files of one model, in the order in which they run.

    Several threads may call `run`; the calls run in the order in which they came. On OpenVINO, `run` uses all stages
    joined into one, and `begin` uses separate stages. Each form has weights and working memory of its own, so it is
    loaded only if it is used: `separate` tells which form is loaded now. On ONNX Runtime, both use the separate stages.

    Inputs with stored states need `codec`. They use the separate stages, which are loaded when they are first used.
    """

    def __init__(
        self,
        files: Sequence[Path],
        runtime: Runtime,
        *,
        threads: int | None = None,
        separate: bool = False,
        codec: StateCodec | None = None,
        first_exit: Path | None = None,
    ) -> None:
        self.runtime = runtime
        self._files, self._threads = list(files), usable_cores() if threads is None else threads
        self._codec, self._first_exit = codec, first_exit
        self._exit: Engine | None = None
        self._turn, self._loading = FairLock(), threading.Lock()
        self._joined: Engine | None = None
        self._separate: list[Engine] = []
        self._joins = runtime.engine == "openvino"
        if separate or not self._joins:
            self._load_separate()
        else:
            self._load_joined()

    def _load_separate(self) -> list[Engine]:
        with self._loading:
            self._separate = self._separate or [load([file], self.runtime, self._threads) for file in self._files]
        return self._separate

    def _load_joined(self) -> Engine:
        with self._loading:
            self._joined = self._joined or load(self._files, self.runtime, self._threads)
        return self._joined

    @property
    def _loaded(self) -> Engine:
        """An engine that is loaded already. All of them make the same batches."""
        return self._joined or self._separate[0]

    @property
    def stages(self) -> int:
        """The number of stages."""
        return len(self._files)

    @property
    def batch_rows(self) -> int:
        """The most pairs of one batch."""
        return self._loaded.batch_rows

    def plan(self, lengths: Sequence[int]) -> list[list[int]]:
        """Return the batches that `run` makes of pairs with these lengths in tokens, as positions."""
        return plan_for(self._loaded, lengths)

    def run(self, inputs: Sequence[Tokens], pad: int = 0) -> Outputs:
        """Return the last stage's logit of every pair, `(1,)`, in the order given. No pairs give no logits."""
        rows: Outputs = [np.empty(0, dtype=np.float32)] * len(inputs)
        places = range(len(inputs))
        with self._turn:
            for part, logits_of in (
                ([place for place in places if inputs[place].stored is None], self._from_text),
                ([place for place in places if inputs[place].stored is not None], self._from_states),
            ):
                for place, logits in zip(part, logits_of([inputs[place] for place in part], pad), strict=True):
                    rows[place] = logits
        return rows

    def _from_text(self, inputs: Sequence[Tokens], pad: int) -> Outputs:
        batches = batches_for(self._loaded, inputs, pad)
        return _by_input(batches, self._logits(batches), len(inputs))

    def _from_states(self, inputs: Sequence[Tokens], pad: int) -> Outputs:
        if not inputs or self._codec is None:
            return []
        first, *later = self._load_separate()
        queries = query_states(first, inputs, pad)
        batches = batches_for(first, inputs, pad)
        logits: Outputs = []
        for batch in batches:
            states: NDArray[np.float32] | None = pair_states(batch, inputs, queries, self._codec)
            for engine in later:
                outputs = engine.run([feed(engine, batch, states)])[0]
                states = outputs[1] if len(outputs) > 1 else None
            logits.append(outputs[0])
        return _by_input(batches, logits, len(inputs))

    def states_alone(self, inputs: Sequence[Tokens], pad: int = 0) -> list[NDArray[np.float32]]:
        """Return the `(tokens, width)` states of each input after the first stage. No inputs give no states."""
        first = self._load_separate()[0]
        with self._turn:
            return states_alone(first, inputs, pad)

    def _logits(self, batches: Sequence[Batch]) -> Outputs:
        """The last stage's logits of each batch, `(rows, 1)`."""
        if self._joins:
            engine = self._load_joined()
            return [outputs[0] for outputs in engine.run([feed(engine, batch) for batch in batches])]
        logits: Outputs = []
        together = max(BATCHES_TOGETHER, self._loaded.side_by_side)
        for start in range(0, len(batches), together):
            part = batches[start : start + together]
            states: list[NDArray[np.float32] | None] = [None] * len(part)
            for engine in self._separate:
                feeds = [feed(engine, batch, state) for batch, state in zip(part, states, strict=True)]
                results = engine.run(feeds)
                states = [outputs[1] if len(outputs) > 1 else None for outputs in results]
            logits += [outputs[0] for outputs in results]
        return logits

    def begin(self, inputs: Sequence[Tokens], pad: int = 0) -> Scoring:
        """Return every pair, scored by the first stage."""
        return Scoring(self._load_separate(), self._turn, inputs, pad)


def _by_input(batches: Sequence[Batch], results: Outputs, count: int) -> Outputs:
    """The results of the batches as a row for each of `count` inputs."""
    rows: Outputs = [np.empty(0, dtype=np.float32)] * count
    for batch, result in zip(batches, results, strict=True):
        for place, row in enumerate(batch.rows):
            rows[row] = result[place]
    return rows


class Scoring:
    """Pairs between the stages.

    `logits` are those of the last stage that each pair has passed, and `reached` counts the stages that it has passed.
    Logits of different stages are on different scales: compare them among pairs that reached the same stage.
    """

    def __init__(self, engines: Sequence[Engine], turn: FairLock, inputs: Sequence[Tokens], pad: int) -> None:
        self.logits = np.zeros(len(inputs), dtype=np.float32)
        self.reached = np.zeros(len(inputs), dtype=np.int64)
        self.stages = len(engines)
        self._engines, self._turn, self._inputs, self._pad = engines, turn, inputs, pad
        self._states: dict[int, NDArray[np.float32]] = {}
        self._next = 0
        self.advance(range(len(inputs)))

    @property
    def done(self) -> bool:
        """Whether the last stage has run."""
        return self._next == self.stages

    def advance(self, rows: Sequence[int]) -> None:
        """Score these pairs by the next stage. The other pairs keep their logits and cannot continue later.

        Raises:
            InvalidInput: The last stage has run, or a pair was dropped earlier.
        """
        if self.done:
            raise InvalidInput(f"all {self.stages} stages have run")
        dropped = [row for row in rows if self.reached[row] != self._next]
        if dropped:
            raise InvalidInput(
                f"{item_name('pair', dropped[0], len(self.reached))} was dropped after stage {self.reached[dropped[0]]}"
            )
        engine, before, self._states = self._engines[self._next], self._states, {}
        inputs = [self._inputs[row] for row in rows]
        batches = batches_for(engine, inputs, self._pad)
        feeds = [feed(engine, batch, _padded(batch, rows, before) if before else None) for batch in batches]
        with self._turn:
            results = engine.run(feeds)
        for batch, (logits, *states) in zip(batches, results, strict=True):
            for place, part in enumerate(batch.rows):
                self.logits[rows[part]] = logits[place].reshape(-1)[0]
                if states:
                    self._states[rows[part]] = states[0][place, : len(inputs[part].ids)]
        self._next += 1
        self.reached[list(rows)] = self._next


def _padded(batch: Batch, rows: Sequence[int], states: dict[int, NDArray[np.float32]]) -> NDArray[np.float32]:
    """The token states of the batch's pairs as one `(rows, length, width)` array, with zeros as padding."""
    width = next(iter(states.values())).shape[1]
    padded = np.zeros((*batch.ids.shape, width), dtype=np.float32)
    for place, part in enumerate(batch.rows):
        own = states[rows[part]]
        padded[place, : len(own)] = own
    return padded
