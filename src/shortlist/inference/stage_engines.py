"""The engines of a model in stages, each loaded when it is first used."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from shortlist.errors import ModelError
from shortlist.inference.engine import Engine
from shortlist.inference.runtimes import Runtime
from shortlist.inference.session import load
from shortlist.inference.state_codec import StateCodec


@dataclass(frozen=True, slots=True)
class StageFiles:
    """The files of a model in stages, in the order in which they run.

    With a `codec`, token states after the first stage can be stored. `first_exit` is the head after the first stage
    alone, which reads token states.
    """

    stages: Sequence[Path]
    codec: StateCodec | None = None
    first_exit: Path | None = None


class StageEngines:
    """The engines of a model in stages. Safe to use from several threads.

    All stages joined, each stage by itself, and the two engines for stored states are separate engines, and each has
    weights and working memory of its own.
    """

    def __init__(self, files: StageFiles, runtime: Runtime, threads: int) -> None:
        self.files = files
        self._runtime, self._threads = runtime, threads
        self._loading = threading.Lock()
        self._engines: dict[tuple[tuple[Path, ...], bool], Engine] = {}

    @property
    def loaded(self) -> Engine:
        """An engine that is loaded already. All of them make the same batches."""
        return next(iter(self._engines.values()))

    def joined(self) -> Engine:
        """Return all stages as one engine, for a runtime that joins stages."""
        return self._load(self.files.stages)

    def stage(self, number: int) -> Engine:
        """Return a stage. `number` counts from 0."""
        return self._load([self.files.stages[number]])

    def second_from_codes(self) -> Engine:
        """Return the second stage, with QUERY_STATES and CODES as inputs in place of STATES."""
        return self._load([self.files.stages[1]], decoding=True)

    def first_exit_from_codes(self) -> Engine:
        """Return the head after the first stage, with QUERY_STATES and CODES as inputs in place of STATES.

        Raises:
            ModelError: The model has no file with this head.
        """
        if self.files.first_exit is None:
            raise ModelError("the model has no file with the head after the first stage alone")
        return self._load([self.files.first_exit], decoding=True)

    def _load(self, files: Sequence[Path], *, decoding: bool = False) -> Engine:
        key = (tuple(files), decoding)
        with self._loading:
            if key not in self._engines:
                codec = self.files.codec if decoding else None
                self._engines[key] = load(files, self._runtime, self._threads, codec)
            return self._engines[key]
