"""The options of an adaptation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from shortlist.adapting.learn import LEVELS, Level
from shortlist.errors import InvalidInput
from shortlist.evaluation.metrics.measures import parse_with_cutoff

FEWEST_QUERIES = 30
"""Judged queries that an adaptation needs at least. With fewer, a half is too small to learn from and to test on."""
POOL_SIZE = 50
MOST_QUERIES = 400
"""Queries of each half, at most: the states of 400 pools of 50 passages take 200 MB."""

LevelOption: TypeAlias = Literal["auto", "weights", "head", "layer"]


@dataclass(frozen=True, slots=True)
class AdaptOptions:
    """The options of an adaptation.

    Args:
        pool_size: Passages of each query that stage one finds, from which the reranker learns.
        level: What changes: "weights" (stage one's weights in the final score), "head" (also the head), "layer" (also
            the last layer). "auto" takes the level that is best on inner splits of the first half.
        measure: The measure that decides, with a cutoff.
        most_queries: Queries of each half, at most. The others are left out and counted.

    Raises:
        InvalidInput: An unknown level or measure, or a number below 1.
    """

    pool_size: int = POOL_SIZE
    level: LevelOption = "auto"
    measure: str = "nDCG@10"
    most_queries: int = MOST_QUERIES

    def __post_init__(self) -> None:
        if self.level != "auto" and self.level not in LEVELS:
            raise InvalidInput(f"level is {self.level!r}: give auto, {', '.join(LEVELS)}", field="level")
        cutoff = parse_with_cutoff(self.measure).cutoff or 1
        if self.pool_size < cutoff:
            raise InvalidInput(
                f"pool_size is {self.pool_size}, and {self.measure} reads {cutoff} results: give a larger pool",
                field="pool_size",
            )
        if self.most_queries < FEWEST_QUERIES // 2:
            raise InvalidInput(
                f"most_queries is {self.most_queries}: give at least {FEWEST_QUERIES // 2}", field="most_queries"
            )

    @property
    def levels(self) -> tuple[Level, ...]:
        """The levels to try, the smallest change first."""
        return LEVELS if self.level == "auto" else (self.level,)
