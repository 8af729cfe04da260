"""The progress of an ingest, counted during the encoding and reported to a callback."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shortlist.protocols import Encoder
from shortlist.types import Passage

PASSAGES_PER_STEP = 128
"""Passages that are encoded between two reports."""


@dataclass(frozen=True, slots=True)
class Progress:
    """The progress of an ingest.

    `bytes_done` counts the finished sources, skipped ones too, and the text of the current source that is encoded.
    `passages` counts encoded passages. A document that comes from no file counts as a source. After the last source,
    the states of passages that have none are computed: `states` of `states_total` passages are done. `is_starting` is
    True until every worker has done some work: the speed until then is not that of the rest.
    """

    source: str
    sources_done: int
    sources_total: int
    bytes_done: int
    bytes_total: int
    passages: int
    seconds: float
    states: int = 0
    states_total: int = 0
    is_starting: bool = False

    @property
    def passages_per_second(self) -> float:
        """The encoded passages per second since the start; 0 before the first one."""
        return self.passages / self.seconds if self.passages and self.seconds > 0 else 0.0


class Reporter:
    """Counts the work of one ingest. `show` is called at the start and the end of each source, and after each step."""

    def __init__(self, show: Callable[[Progress], None] | None = None) -> None:
        self._show = show or (lambda _: None)
        self._began = time.perf_counter()
        self._source = ""
        self._done = self._total = self._bytes = self._bytes_total = 0
        self._size = 0
        self._passages = self._characters = 0
        self._states = self._states_total = 0
        self.is_starting = False

    @property
    def seconds(self) -> float:
        """The time since the start."""
        return time.perf_counter() - self._began

    def sources(self, names: Sequence[str], sizes: Sequence[int]) -> Iterator[int]:
        """Yield the place of each source. The source counts as done when the next one begins."""
        self._total, self._bytes_total = len(names), sum(sizes)
        for place, (name, size) in enumerate(zip(names, sizes, strict=True)):
            self._source, self._size, self._characters = name, size, 0
            self.report()
            yield place
            self._done, self._bytes, self._size = self._done + 1, self._bytes + size, 0
            self.report()

    def encode(self, passages: Sequence[Passage], encoder: Encoder) -> NDArray[np.float32]:
        """Return the vectors of the passages, and report after every step."""
        blocks = []
        for start in range(0, len(passages), PASSAGES_PER_STEP) or range(1):
            block = passages[start : start + PASSAGES_PER_STEP]
            blocks.append(encoder.encode_passages([passage.content for passage in block]))
            self.encoded(block)
        return np.concatenate(blocks)

    def encoded(self, passages: Sequence[Passage]) -> None:
        """Count passages as encoded, and report."""
        self._passages += len(passages)
        self._characters += sum(passage.end - passage.start for passage in passages)
        self.report()

    def precompute(self, total: int) -> None:
        """Start the part of the run that computes the states of `total` stored passages, and report."""
        self._states_total = total
        self.report()

    def precomputed(self, passages: int) -> None:
        """Count passages of this part as done, and report."""
        self._states += passages
        self.report()

    def report(self) -> None:
        """Report the present state."""
        encoded = min(self._size, self._characters)
        self._show(
            Progress(
                self._source,
                self._done,
                self._total,
                self._bytes + encoded,
                self._bytes_total,
                self._passages,
                self.seconds,
                self._states,
                self._states_total,
                self.is_starting,
            )
        )
