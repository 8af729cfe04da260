"""A cross-encoder in stages: every pair can be scored early, and the better pairs continue."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from shortlist.errors import InvalidInput, ModelError
from shortlist.inference.batches import Batch, Tokens
from shortlist.inference.engine import Engine, Outputs, batches_for, feed, plan_for, usable_cores
from shortlist.inference.fair_lock import FairLock
from shortlist.inference.runtimes import Runtime
from shortlist.inference.stage_engines import StageEngines, StageFiles
from shortlist.inference.stored_states import QueryStates, query_states, real_rows, stored_batches, stored_feed
from shortlist.text.validation import item_name

Form = Literal["joined", "separate", "stored"]
"""The forms of a model in stages: see `StagedSession`."""
BATCHES_TOGETHER = 2
"""Batches that pass all stages before the next batches start, so that few token states are in memory."""
ENCODED_TOGETHER = 8
"""Batches for each core whose states are encoded before the next batches start."""


class StagedSession:
    """A model in stages.

    Several threads may call `run`; the calls run in the order in which they came. `begin` uses separate stages. `run`
    uses all stages joined into one, if the runtime joins them (`Runtime.joins_stages`). Inputs with stored states use
    the first stage, for their queries, and a form of the second stage that decodes states. Each form is loaded when it
    is first used. `first` is the form to load now: "joined", "separate" or "stored".
    """

    def __init__(
        self, files: StageFiles, runtime: Runtime, *, threads: int | None = None, first: Form = "joined"
    ) -> None:
        self.runtime = runtime
        self._files = files
        self._engines = StageEngines(files, runtime, usable_cores() if threads is None else threads)
        self._turn = FairLock()
        self._joins = runtime.joins_stages
        if first == "stored":
            self._engines.stage(0)
            self._engines.second_from_codes()
        elif first == "joined" and self._joins:
            self._engines.joined()
        else:
            self._separate()

    def _separate(self) -> list[Engine]:
        return [self._engines.stage(number) for number in range(self.stages)]

    @property
    def stages(self) -> int:
        """The number of stages."""
        return len(self._files.stages)

    @property
    def batch_rows(self) -> int:
        """The most pairs of one batch."""
        return self._engines.loaded.batch_rows

    def plan(self, lengths: Sequence[int]) -> list[list[int]]:
        """Return the batches that `run` makes of pairs with these lengths in tokens, as positions."""
        return plan_for(self._engines.loaded, lengths)

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
        if not inputs:
            return []
        batches = batches_for(self._engines.loaded, inputs, pad)
        return _by_input(batches, self._logits(batches), len(inputs))

    def _from_states(self, inputs: Sequence[Tokens], pad: int) -> Outputs:
        if not inputs:
            return []
        queries = query_states(self._engines.stage(0), inputs, pad)
        second, later = self._engines.second_from_codes(), range(2, self.stages)
        batches = stored_batches(second, inputs, queries)
        results = second.run([stored_feed(second, batch) for batch in batches])
        for engine in map(self._engines.stage, later):
            results = engine.run(
                [feed(engine, batch, outputs[1]) for batch, outputs in zip(batches, results, strict=True)]
            )
        return _by_input(batches, [outputs[0] for outputs in results], len(inputs))

    def coded_states(self, inputs: Sequence[Tokens], pad: int = 0) -> list[bytes]:
        """Return the coded states of each input after the first stage. No inputs give no states.

        Raises:
            ModelError: The model has no codec.
        """
        codec, first = self._files.codec, self._engines.stage(0)
        if codec is None:
            raise ModelError("the model has no codec of token states")
        batches = batches_for(first, inputs, pad)
        coded = [b""] * len(inputs)
        together = ENCODED_TOGETHER * first.side_by_side
        for start in range(0, len(batches), together):
            part = batches[start : start + together]
            with self._turn:
                results = first.run([feed(first, batch) for batch in part])
            rows = [row for batch in part for row in batch.rows]
            states = [outputs[1][batch.mask == 1] for batch, outputs in zip(part, results, strict=True)]
            codes, start_of_row = codec.encode(np.concatenate(states)), 0
            for row in rows:
                end = start_of_row + inputs[row].length * codec.token_bytes
                coded[row], start_of_row = codes[start_of_row:end], end
        return coded

    def _logits(self, batches: Sequence[Batch]) -> Outputs:
        """The last stage's logits of each batch, `(rows, 1)`."""
        if self._joins:
            engine = self._engines.joined()
            return [outputs[0] for outputs in engine.run([feed(engine, batch) for batch in batches])]
        logits: Outputs = []
        together = max(BATCHES_TOGETHER, self._engines.loaded.side_by_side)
        for start in range(0, len(batches), together):
            part = batches[start : start + together]
            states: list[NDArray[np.float32] | None] = [None] * len(part)
            for engine in self._separate():
                feeds = [feed(engine, batch, state) for batch, state in zip(part, states, strict=True)]
                results = engine.run(feeds)
                states = [outputs[1] if len(outputs) > 1 else None for outputs in results]
            logits += [outputs[0] for outputs in results]
        return logits

    def begin(self, inputs: Sequence[Tokens], pad: int = 0) -> Scoring:
        """Return every pair, scored by the first stage."""
        return Scoring(self._engines, self._turn, inputs, pad)


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
    Logits of different stages are on different scales: compare them among pairs that reached the same stage. Pairs with
    stored states need a model that has the head after the first stage in a file of its own.
    """

    def __init__(self, engines: StageEngines, turn: FairLock, inputs: Sequence[Tokens], pad: int) -> None:
        self.logits = np.zeros(len(inputs), dtype=np.float32)
        self.reached = np.zeros(len(inputs), dtype=np.int64)
        self.stages = len(engines.files.stages)
        self._engines, self._turn, self._inputs, self._pad = engines, turn, inputs, pad
        self._states: dict[int, NDArray[np.float32]] = {}
        self._queries: QueryStates = {}
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
        before, self._states = self._states, {}
        from_codes: list[int] = []
        others: list[int] = []
        for row in rows:
            (from_codes if self._next < 2 and self._inputs[row].stored is not None else others).append(row)
        with self._turn:
            self._score(others, before)
            self._score_from_codes(from_codes)
        self._next += 1
        self.reached[list(rows)] = self._next

    def _score(self, rows: Sequence[int], before: dict[int, NDArray[np.float32]]) -> None:
        """Score pairs by the next stage, which reads the states `before`, or the tokens if it is the first stage."""
        if not rows:
            return
        engine = self._engines.stage(self._next)
        inputs = [self._inputs[row] for row in rows]
        batches = batches_for(engine, inputs, self._pad)
        feeds = [feed(engine, batch, _padded(batch, rows, before) if before else None) for batch in batches]
        for batch, (logits, *states) in zip(batches, engine.run(feeds), strict=True):
            for place, part in enumerate(batch.rows):
                self.logits[rows[part]] = logits[place].reshape(-1)[0]
                if states:
                    self._states[rows[part]] = states[0][place, : inputs[part].length]

    def _score_from_codes(self, rows: Sequence[int]) -> None:
        """Score pairs with stored states by the exit after the first stage, or by the second stage."""
        if not rows:
            return
        inputs = [self._inputs[row] for row in rows]
        if self._next == 0:
            self._queries = query_states(self._engines.stage(0), inputs, self._pad)
        engine = self._engines.second_from_codes() if self._next else self._engines.first_exit_from_codes()
        batches = stored_batches(engine, inputs, self._queries)
        for batch, (logits, *states) in zip(
            batches, engine.run([stored_feed(engine, b) for b in batches]), strict=True
        ):
            for place, part in enumerate(batch.rows):
                self.logits[rows[part]] = logits[place].reshape(-1)[0]
                if states:
                    self._states[rows[part]] = real_rows(batch, place, states[0])


def _padded(batch: Batch, rows: Sequence[int], states: dict[int, NDArray[np.float32]]) -> NDArray[np.float32]:
    """The token states of the batch's pairs as one `(rows, length, width)` array, with zeros as padding."""
    width = next(iter(states.values())).shape[1]
    padded = np.zeros((*batch.ids.shape, width), dtype=np.float32)
    for place, part in enumerate(batch.rows):
        own = states[rows[part]]
        padded[place, : len(own)] = own
    return padded
