"""What the server says of itself while it works."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Round:
    """One call of the model: `pairs` of `requests`, in `batches` that could hold `capacity` pairs.

    `tokens` are those of the pairs and `padded` those of the batches, padding included; `seconds` is wall-clock time.
    """

    pairs: int
    requests: int
    batches: int
    capacity: int
    tokens: int
    padded: int
    seconds: float


class Watch(Protocol):
    """Told of what happens; called from the event loop and from the batcher's threads."""

    def ran(self, one: Round) -> None:
        """The model scored a round."""

    def took(self, stage: str, seconds: float) -> None:
        """A stage of one request took this long: "wait", "tokenise", "score", "retrieve" or "rerank"."""

    def refused(self) -> None:
        """The queue was full."""

    def cancelled(self) -> None:
        """A request went away before it had its scores."""

    def scored(self, pairs: int, truncated: int) -> None:
        """A request got its scores."""

    def looked_up(self, hits: int, misses: int) -> None:
        """A request got its scores: so many of its pairs were in the cache and so many were not."""

    def results(self, retrieval_ranks: Sequence[int], pool: int) -> None:
        """A reranked search over `pool` passages gave these, by their 1-based ranks in stage one."""


class NoWatch:
    """Satisfies `Watch` and does nothing."""

    def ran(self, one: Round) -> None:
        """See `Watch.ran`."""

    def took(self, stage: str, seconds: float) -> None:
        """See `Watch.took`."""

    def refused(self) -> None:
        """See `Watch.refused`."""

    def cancelled(self) -> None:
        """See `Watch.cancelled`."""

    def scored(self, pairs: int, truncated: int) -> None:
        """See `Watch.scored`."""

    def looked_up(self, hits: int, misses: int) -> None:
        """See `Watch.looked_up`."""

    def results(self, retrieval_ranks: Sequence[int], pool: int) -> None:
        """See `Watch.results`."""


class RefusalsAlone(NoWatch):
    """Passes on what was refused and cancelled: the other numbers are those of reranking."""

    def __init__(self, inner: Watch) -> None:
        self._inner = inner

    def refused(self) -> None:
        """See `Watch.refused`."""
        self._inner.refused()

    def cancelled(self) -> None:
        """See `Watch.cancelled`."""
        self._inner.cancelled()
