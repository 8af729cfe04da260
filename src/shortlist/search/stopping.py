"""When to stop scoring a pool: what is left would have to score higher than such passages do."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from shortlist.errors import InvalidInput

BLOCK = 16
"""Passages scored before the rule is asked again: two batches, so that two cores have work."""


@dataclass(frozen=True, slots=True)
class StopRule:
    """An adaptive pool: at most `pool_size` passages, scored in blocks until what is left can hardly enter the first k.

    A passage that is left has stage one's share of its final score already; to enter, its raw score has to make up the
    rest of the way to the k-th best final score so far. `demand` measures that way in the raw scores' own spread, and
    scoring stops where it reaches `threshold`; None never stops. `promise` says in words what the threshold holds to.
    """

    pool_size: int
    k: int
    threshold: float | None
    block: int = BLOCK
    promise: str = ""

    def __post_init__(self) -> None:
        if not 1 <= self.k <= self.pool_size or self.block < 1:
            raise InvalidInput(
                f"a stop rule needs a block from 1 and a k from 1 to its pool size, not block {self.block}, k {self.k} "
                f"and pool size {self.pool_size}"
            )

    def steps(self, size: int) -> list[int]:
        """How many of a pool of `size` are scored at each point where the rule is asked, the last being all of them.

        The first is the smallest number of whole blocks that holds k passages; an empty pool has none.
        """
        first = -(-self.k // self.block) * self.block
        return [*range(first, size, self.block), size] if size else []

    def stops(self, scored: Sequence[tuple[float, float]], left: Sequence[float]) -> bool:
        """Whether to stop, given (final score, raw score) of what was scored and stage one's share of what is left."""
        return self.threshold is not None and bool(left) and demand(scored, left, self.k) >= self.threshold

    def why(self, scored: int, size: int, *, stopped: bool) -> str:
        """Why so many of a pool of `size` were scored, in words."""
        if self.threshold is None:
            return f"all {size} of the pool scored: {self.promise}"
        if not stopped:
            return f"all {size} of the pool scored: until the end, what was left could enter the first {self.k}"
        return (
            f"{scored} of {size} scored: what is left can hardly enter the first {self.k}"
            + f" ({self.promise})" * bool(self.promise)
        )


def demand(scored: Sequence[tuple[float, float]], left: Sequence[float], k: int) -> float:
    """How far above the usual the raw score of the likeliest passage left has to be, to enter the first k.

    It is the raw score that would lift the largest share left to the k-th best final score, less the mean raw score so
    far, in standard deviations of the raw scores so far. Higher is safer to stop at. Counted per query, it does not
    move when a model gives all passages of a query higher scores, or scores in other units. Minus infinity where
    all raw scores are the same: nothing can be said of the others then.
    """
    kth = sorted((final for final, _ in scored), reverse=True)[k - 1]
    raw = [one for _, one in scored]
    way = kth - max(left) - statistics.fmean(raw)
    spread = statistics.pstdev(raw)
    return way / spread if spread > 0 else float("-inf")
