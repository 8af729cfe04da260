"""Progressive reranking: the pool at an early exit, the better part all the way."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from shortlist.errors import InvalidInput
from shortlist.rerankers.cross_encoder import CrossEncoder
from shortlist.text.validation import checked_list
from shortlist.types import Note, Scores

NAMES = ("beside", "alone")
"""The keys of the two rules in `drop.json`."""


@dataclass(frozen=True, slots=True)
class DropRule:
    """How many texts go on after each exit but the last: `share` of the pool, at least `least`, rounded up.

    `entering` is the share that the first stage reads at all, best by stage one's part of the final score.
    """

    share: tuple[float, ...]
    least: int
    entering: float = 1.0

    def __post_init__(self) -> None:
        if not 0 < self.entering <= 1:
            raise InvalidInput(f"the share that is read at all must be above 0 and at most 1, not {self.entering}")
        if any(not 0 < one <= 1 for one in self.share) or list(self.share) != sorted(self.share, reverse=True):
            raise InvalidInput(f"the shares that go on must fall from at most 1 and stay above 0, not {self.share}")
        if self.least < 1:
            raise InvalidInput(f"at least one text must go on, not {self.least}")

    def kept(self, texts: int, exit_number: int) -> int:
        """How many of `texts` go on after exit `exit_number`, counted from 0."""
        return self._most(texts, self.share[exit_number])

    def entered(self, texts: int) -> int:
        """How many of `texts` the first stage reads."""
        return self._most(texts, self.entering)

    def _most(self, texts: int, share: float) -> int:
        return min(texts, max(self.least, math.ceil(texts * share)))


def read_rules(path: Path) -> tuple[DropRule, DropRule]:
    """The rules of a model's `drop.json`: beside stage one's part of the score, and alone."""
    held = json.loads(path.read_text(encoding="utf-8"))
    beside, alone = (DropRule(tuple(one["share"]), one["least"], one["entering"]) for one in map(held.get, NAMES))
    return beside, alone


class ProgressiveReranker:
    """A cross-encoder with early exits under a drop rule. Satisfies `protocols.Reranker`.

    Not pointwise: whether a text is scored to the end depends on the pool that it stands in. `alone` is the rule where
    stage one has no part in the final score, and must let every text in: early exits by themselves know less. None is
    `rule` with every text let in.

    Raises:
        InvalidInput: A rule does not have one share for each exit but the last, or `alone` leaves texts out.
    """

    def __init__(self, model: CrossEncoder, rule: DropRule, alone: DropRule | None = None) -> None:
        alone = replace(rule, entering=1.0) if alone is None else alone
        for one in (rule, alone):
            if len(one.share) != model.stages - 1:
                raise InvalidInput(
                    f"{model.name} has {model.stages} exits, so the rule needs {model.stages - 1} shares, "
                    f"not {len(one.share)}"
                )
        if alone.entering < 1:
            raise InvalidInput(f"without stage one's scores there is nothing to choose {alone.entering:g} of a pool by")
        self.name = model.name
        self.info = replace(model.info, pointwise=False)
        self.runtime = model.runtime
        self.rule, self.alone = rule, alone
        self._model = model

    def skip_reason(self, query: str) -> Note | None:
        """See `CrossEncoder.skip_reason`."""
        return self._model.skip_reason(query)

    def score(self, query: str, texts: Iterable[str]) -> Scores:
        """One float a text, in the order given; no texts give an empty list.

        A text that went all the way has its raw logit. The others stand below all of those, in the order of their
        early exits: their floats are ranks, no logits.
        """
        given = checked_list(texts)
        if not given:
            return Scores()
        logits = self.score_progressively(query, given, [0.0] * len(given))
        left = logits.exits_left
        lowest = min(logit for logit, exits in zip(logits, left, strict=True) if exits == 0)
        behind = sorted((place for place in range(len(given)) if left[place]), key=lambda p: (left[p], -logits[p]))
        for rank, place in enumerate(behind, start=1):
            logits[place] = lowest - rank
        return Scores(logits, logits.truncated)

    def score_progressively(self, query: str, texts: Sequence[str], prior: Sequence[float]) -> Scores:
        """See `protocols.ScoresProgressively`."""
        rule = self.rule if any(prior) else self.alone
        entering = sorted(sorted(range(len(prior)), key=lambda place: -prior[place])[: rule.entered(len(prior))])
        scoring, read_cut = self._model.begin(query, [texts[place] for place in entering])
        going = list(range(len(entering)))
        for number in range(len(rule.share)):
            going.sort(key=lambda row: -(float(scoring.logits[row]) + prior[entering[row]]))
            going = going[: rule.kept(len(texts), number)]
            scoring.advance(going)
        logits, left, cut = [0.0] * len(texts), [scoring.stages] * len(texts), [False] * len(texts)
        for row, place in enumerate(entering):
            logits[place], cut[place] = float(scoring.logits[row]), read_cut[row]
            left[place] -= int(scoring.reached[row])
        return Scores(logits, cut, left)
