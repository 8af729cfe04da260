"""What a reranker is, and what it returns."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from shortlist.note import Note


class Scores(list[float]):
    """One score for each text, in the order of the texts; higher is better.

    `truncated` marks the texts that were cut to fit the model's window. `exits_left` is empty, or counts for each text
    the early exits that it did not reach: a text with 0 was scored to the end. `notes` are facts about the scoring,
    which the answer shows.
    """

    def __init__(
        self,
        values: Iterable[float] = (),
        truncated: Iterable[bool] = (),
        exits_left: Iterable[int] = (),
        notes: Iterable[Note] = (),
    ) -> None:
        super().__init__(values)
        marks = list(truncated)
        self.truncated: list[bool] = marks or [False] * len(self)
        self.exits_left: list[int] = list(exits_left)
        self.notes: tuple[Note, ...] = tuple(notes)

    def join(self, other: Scores) -> Scores:
        """These scores, followed by the other ones."""
        truncated, exits_left = [*self.truncated, *other.truncated], [*self.exits_left, *other.exits_left]
        return Scores([*self, *other], truncated, exits_left, [*self.notes, *other.notes])


@dataclass(frozen=True, slots=True)
class RerankerInfo:
    """What a reranker is.

    `pointwise`: a text's score does not depend on the other texts of the call. `unit`: "logit" if a sigmoid brings a
    score into 0 to 1, "score" if scores are in a unit of their own, "reciprocal rank" if it returns an order without
    scores, and a score is 1 / place. `window`: the tokens that it reads of query and text together, None if unknown.
    `remote`: another machine runs it, and a call may cost money. `max_concurrent`: the calls that may run at the same
    time. `reports_cuts`: its scores mark the texts that were cut.
    """

    name: str
    pointwise: bool = False
    unit: Literal["logit", "score", "reciprocal rank"] = "logit"
    window: int | None = None
    remote: bool = False
    max_concurrent: int = 1
    reports_cuts: bool = True
