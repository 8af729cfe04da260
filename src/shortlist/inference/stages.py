"""A cross-encoder that is cut into stages: score every pair early, carry the better ones on."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from shortlist.errors import InvalidInput
from shortlist.inference.batches import Batch, Tokens
from shortlist.inference.engine import Engine, Outputs, feed, plan_for, usable_cores, work_for
from shortlist.inference.fair_lock import Turns
from shortlist.inference.runtimes import Runtime
from shortlist.inference.session import load

TOGETHER = 2
"""Batches that are taken through all stages before the next ones, so that few token states are held at a time."""


class StagedSession:
    """The files of one model in the order they run.

    `run` is safe to call from several threads; calls take turns in the order they came. Where the runtime joins the
    stages, `run` uses the whole and `begin` single stages: `apart` says which are loaded at once, the others are when
    they are first used. A caller mostly uses one kind, and each holds working memory of its own.
    """

    def __init__(
        self, files: Sequence[Path], runtime: Runtime, *, threads: int | None = None, apart: bool = False
    ) -> None:
        self.runtime = runtime
        self._files, self._threads = list(files), threads or usable_cores()
        self._turn, self._loading = Turns(), threading.Lock()
        self._joined: Engine | None = None
        self._engines: list[Engine] = []
        if apart or self._whole() is None:
            self._apart()

    def _apart(self) -> list[Engine]:
        with self._loading:
            self._engines = self._engines or [load([file], self.runtime, self._threads) for file in self._files]
        return self._engines

    def _whole(self) -> Engine | None:
        """All stages as one; None where the runtime doesn't join them."""
        if self.runtime.engine != "openvino":
            return None
        with self._loading:
            self._joined = self._joined or load(self._files, self.runtime, self._threads)
        return self._joined

    @property
    def _first(self) -> Engine:
        return self._whole() or self._engines[0]

    @property
    def stages(self) -> int:
        """How many stages there are."""
        return len(self._files)

    @property
    def batch_rows(self) -> int:
        """The most pairs that a batch holds."""
        return self._first.batch_rows

    def plan(self, lengths: Sequence[int]) -> list[list[int]]:
        """The batches that `run` makes of pairs with so many tokens, as positions."""
        return plan_for(self._first, lengths)

    def run(self, inputs: Sequence[Tokens], pad: int = 0) -> Outputs:
        """The last stage's `(1,)` logit of every pair, in the order given; no inputs give an empty list."""
        work = work_for(self._first, inputs, pad)
        with self._turn:
            results = self._through(work)
        out: Outputs = [np.empty(0, dtype=np.float32)] * len(inputs)
        for batch, logits in zip(work, results, strict=True):
            for place, row in enumerate(batch.rows):
                out[row] = logits[place]
        return out

    def _through(self, work: Sequence[Batch]) -> Outputs:
        """Each batch's `(rows, 1)` logits of the last stage."""
        if whole := self._whole():
            return [made[0] for made in whole.run([feed(whole, batch) for batch in work])]
        out: Outputs = []
        together = max(TOGETHER, self._first.side_by_side)
        for start in range(0, len(work), together):
            part = work[start : start + together]
            states: list[NDArray[np.float32] | None] = [None] * len(part)
            for engine in self._engines:
                results = engine.run([feed(engine, batch, held) for batch, held in zip(part, states, strict=True)])
                states = [result[1] if len(result) > 1 else None for result in results]
            out += [made[0] for made in results]
        return out

    def begin(self, inputs: Sequence[Tokens], pad: int = 0) -> Scoring:
        """Every pair through the first stage."""
        return Scoring(self._apart(), self._turn, inputs, pad)


class Scoring:
    """Pairs on their way through the stages. `logits` are those of the last stage that each pair has passed.

    `reached` counts the stages a pair has passed. Logits of different stages are on scales of their own: compare
    them among pairs that reached the same stage.
    """

    def __init__(self, engines: Sequence[Engine], turn: Turns, inputs: Sequence[Tokens], pad: int) -> None:
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
        """Takes these pairs through the next stage; the others stay where they are for good.

        Raises:
            InvalidInput: The last stage has run already, or a pair was left behind before.
        """
        if self.done:
            raise InvalidInput(f"all {self.stages} stages have run")
        behind = [row for row in rows if self.reached[row] != self._next]
        if behind:
            raise InvalidInput(f"pair {behind[0]} was left behind at stage {self.reached[behind[0]]}")
        engine, held, self._states = self._engines[self._next], self._states, {}
        inputs = [self._inputs[row] for row in rows]
        work = work_for(engine, inputs, self._pad)
        feeds = [feed(engine, batch, _padded(batch, rows, held) if held else None) for batch in work]
        with self._turn:
            results = engine.run(feeds)
        for batch, (logits, *states) in zip(work, results, strict=True):
            for place, part in enumerate(batch.rows):
                self.logits[rows[part]] = logits[place].reshape(-1)[0]
                if states:
                    self._states[rows[part]] = states[0][place, : len(inputs[part].ids)]
        self._next += 1
        self.reached[list(rows)] = self._next


def _padded(batch: Batch, rows: Sequence[int], held: dict[int, NDArray[np.float32]]) -> NDArray[np.float32]:
    """The held token states of the batch's pairs as one `(rows, length, width)` array, zeros where padding is."""
    width = next(iter(held.values())).shape[1]
    out = np.zeros((*batch.ids.shape, width), dtype=np.float32)
    for place, part in enumerate(batch.rows):
        states = held[rows[part]]
        out[place, : len(states)] = states
    return out
