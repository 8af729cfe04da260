"""The stop rule of an adaptive pool. Scoring stops if the rest of the pool is unlikely to enter the answer."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from shortlist.errors import InvalidInput
from shortlist.types import Note

BLOCK = 16
"""Passages that are scored between two checks of the rule: two batches, so that two cores have work."""


@dataclass(frozen=True, slots=True)
class Guarantee:
    """The guarantee of a stop rule: the expected loss of `measure` is at most `alpha`.

    The statement holds with probability 1 - `delta` over the drawing of the `queries` that the rule was fitted on.
    `queries_needed` is above 0 if these queries are too few for any guarantee.
    """

    measure: str
    alpha: float
    delta: float
    queries: int
    queries_needed: int = 0


@dataclass(frozen=True, slots=True)
class StopRule:
    """An adaptive pool: at most `pool_size` passages, scored in blocks until the rest can hardly enter the answer.

    For an unscored passage, stage one's share of the final score is known. To enter the answer, the passage needs a raw
    score that lifts its final score to the `top_k`-th best final score so far. `demand` measures this raw score in
    units of the spread of the raw scores. If the demand reaches `threshold`, scoring stops. With a threshold of None,
    scoring never stops early.
    """

    pool_size: int
    top_k: int
    threshold: float | None
    block: int = BLOCK
    guarantee: Guarantee | None = None

    def __post_init__(self) -> None:
        if not 1 <= self.top_k <= self.pool_size or self.block < 1:
            raise InvalidInput(
                f"a stop rule needs a block of at least 1 and a top_k from 1 to its pool size, not block {self.block}, "
                f"top_k {self.top_k} and pool size {self.pool_size}"
            )

    def steps(self, size: int) -> list[int]:
        """Return how many passages of a pool of `size` are scored at each check; the last number is all of them.

        The first number is the smallest number of whole blocks that holds `top_k` passages. An empty pool has no steps.
        """
        first = -(-self.top_k // self.block) * self.block
        return [*range(first, size, self.block), size] if size else []

    def stops(self, scored: Sequence[tuple[float, float]], left: Sequence[float]) -> bool:
        """Return whether to stop.

        `scored` holds (final score, raw score) of the scored passages, `left` stage one's share of the others.
        """
        return self.threshold is not None and bool(left) and demand(scored, left, self.top_k) >= self.threshold

    def note(self, scored: int, size: int) -> Note:
        """Return the note that explains why so many passages of a pool of `size` were scored."""
        if self.threshold is None:
            return Note("pool_never_stops", pool=size, top_k=self.top_k)
        if scored == size:
            return Note("pool_scored_whole", pool=size, top_k=self.top_k)
        return Note("pool_stopped", scored=scored, pool=size, top_k=self.top_k)


def demand(scored: Sequence[tuple[float, float]], left: Sequence[float], top_k: int) -> float:
    """Return how unusual the raw score of the likeliest unscored passage must be, to enter the first `top_k`.

    The result is the raw score that lifts the largest share in `left` to the k-th best final score, minus the mean raw
    score so far, in standard deviations of the raw scores so far. A higher demand makes stopping safer. The demand does
    not change if a model gives all passages of a query higher scores, or scores in other units. If all raw scores are
    equal, the result is minus infinity, because equal scores give no information about the unscored passages.
    """
    kth = sorted((final for final, _ in scored), reverse=True)[top_k - 1]
    raw = [score for _, score in scored]
    distance = kth - max(left) - statistics.fmean(raw)
    spread = statistics.pstdev(raw)
    return distance / spread if spread > 0 else float("-inf")
