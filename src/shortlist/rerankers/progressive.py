"""Progressive reranking: the whole pool at an early exit, the better part all the way."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from shortlist.errors import InvalidInput
from shortlist.rerankers.cross_encoder import CrossEncoder


@dataclass(frozen=True, slots=True)
class DropRule:
    """How many texts go on after each exit but the last: `share` of the pool, at least `least`, rounded up."""

    share: tuple[float, ...]
    least: int

    def __post_init__(self) -> None:
        if any(not 0 < one <= 1 for one in self.share) or list(self.share) != sorted(self.share, reverse=True):
            raise InvalidInput(f"the shares that go on must fall from at most 1 and stay above 0, not {self.share}")
        if self.least < 1:
            raise InvalidInput(f"at least one text must go on, not {self.least}")

    def kept(self, texts: int, exit_number: int) -> int:
        """How many of `texts` go on after exit `exit_number`, counted from 0."""
        return min(texts, max(self.least, math.ceil(texts * self.share[exit_number])))


class ProgressiveReranker:
    """A cross-encoder with early exits under a drop rule. Satisfies `protocols.Reranker`.

    Not pointwise: whether a text is scored to the end depends on the pool that it stands in.

    Raises:
        InvalidInput: The rule does not have one share for each exit but the last.
    """

    pointwise = False

    def __init__(self, model: CrossEncoder, rule: DropRule) -> None:
        if len(rule.share) != model.stages - 1:
            raise InvalidInput(
                f"{model.name} has {model.stages} exits, so the rule needs {model.stages - 1} shares, "
                f"not {len(rule.share)}"
            )
        self.name = model.name
        self.runtime = model.runtime
        self.rule = rule
        self._model = model

    def declines(self, query: str) -> str:
        """See `CrossEncoder.declines`."""
        return self._model.declines(query)

    def score(self, query: str, texts: Sequence[str]) -> list[float]:
        """One float a text, in the order given; no texts give an empty list.

        A text that went all the way has its raw logit. The others stand below all of those, in the order of their
        early exits: their floats are ranks, no logits.
        """
        if not texts:
            return []
        logits, left, _ = self.score_progressively(query, texts, [0.0] * len(texts))
        lowest = min(logit for logit, exits in zip(logits, left, strict=True) if exits == 0)
        behind = sorted((place for place in range(len(texts)) if left[place]), key=lambda p: (left[p], -logits[p]))
        for rank, place in enumerate(behind, start=1):
            logits[place] = lowest - rank
        return logits

    def score_progressively(
        self, query: str, texts: Sequence[str], prior: Sequence[float]
    ) -> tuple[list[float], list[int], list[bool]]:
        """See `protocols.ScoresProgressively`."""
        scoring, cut = self._model.begin(query, texts)
        going = list(range(len(texts)))
        for number in range(len(self.rule.share)):
            going.sort(key=lambda place: -(float(scoring.logits[place]) + prior[place]))
            going = going[: self.rule.kept(len(texts), number)]
            scoring.advance(going)
        left = [scoring.stages - int(reached) for reached in scoring.reached]
        return [float(logit) for logit in scoring.logits], left, cut
