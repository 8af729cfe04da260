"""The numbers that the server reports while it works."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Round:
    """One call of the model: `pairs` of `requests`, in `batches` that could hold `capacity` pairs.

    `tokens` counts the tokens of the pairs, and `padded` the tokens of the batches with their padding. `seconds` is
    wall-clock time.
    """

    pairs: int
    requests: int
    batches: int
    capacity: int
    tokens: int
    padded: int
    seconds: float


class Observer:
    """Receives events, and ignores them. The event loop and the threads of the queues call it."""

    def ran(self, round: Round) -> None:
        """Report that the model scored a round."""

    def took(self, stage: str, seconds: float) -> None:
        """Report the time of a stage of one request: "wait", "tokenise", "score", "retrieve" or "rerank"."""

    def refused(self) -> None:
        """Report that a request was refused because the queue was full."""

    def cancelled(self) -> None:
        """Report that a request was cancelled before it had its scores."""

    def scored(self, pairs: int, truncated: int) -> None:
        """Report that a request got its scores from the model."""

    def looked_up(self, hits: int, misses: int) -> None:
        """Report how many pairs of a request came from the cache, and how many from the model."""

    def results(self, retrieval_ranks: Sequence[int], pool: int) -> None:
        """Report the stage-one ranks, from 1, of the hits of a reranked search over `pool` passages."""


class RefusalsOnly(Observer):
    """Reports refusals and cancellations only. Other numbers of a queue would mix with the numbers of the reranker."""

    def __init__(self, inner: Observer) -> None:
        self._inner = inner

    def refused(self) -> None:
        """See `Observer.refused`."""
        self._inner.refused()

    def cancelled(self) -> None:
        """See `Observer.cancelled`."""
        self._inner.cancelled()
