"""Progressive reranking: a cross-encoder scores the pool at an early exit, and drops the lowest scores."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from shortlist.errors import InvalidInput
from shortlist.rerankers.cross_encoder import CrossEncoder, Lookup
from shortlist.search.rerank import Ranks
from shortlist.text.validation import checked_list
from shortlist.types import Note, RerankerInfo, Scores

NAMES = ("beside", "alone")
"""The keys of the two rules in `drop.json`: with stage one's share in the final score, and without it."""


@dataclass(frozen=True, slots=True)
class DropRule:
    """How many texts continue after each exit except the last: a `share` of the pool, at least `least`, rounded up.

    `entering` is the share of the pool that the first stage scores: the part that stage one ranks best.

    Raises:
        InvalidInput: A share is outside 0 to 1 or larger than the one before, or `least` is below 1.
    """

    share: tuple[float, ...]
    least: int
    entering: float = 1.0

    def __post_init__(self) -> None:
        if not 0 < self.entering <= 1:
            raise InvalidInput(f"entering must be above 0 and at most 1, not {self.entering}")
        if any(not 0 < share <= 1 for share in self.share) or list(self.share) != sorted(self.share, reverse=True):
            raise InvalidInput(f"share must fall from exit to exit, above 0 and at most 1, not {self.share}")
        if self.least < 1:
            raise InvalidInput(f"least must be at least 1, not {self.least}")

    def kept(self, texts: int, exit_number: int) -> int:
        """Return how many of `texts` continue after an exit. `exit_number` counts from 0."""
        return self._count(texts, self.share[exit_number])

    def entered(self, texts: int) -> int:
        """Return how many of `texts` the first stage scores."""
        return self._count(texts, self.entering)

    def _count(self, texts: int, share: float) -> int:
        return min(texts, max(self.least, math.ceil(texts * share)))


def read_rules(file: Path) -> tuple[DropRule, DropRule]:
    """Return the two rules of a model's `drop.json`: with stage one's share in the final score, and without it."""
    rules = json.loads(file.read_text(encoding="utf-8"))
    with_share, alone = (
        DropRule(tuple(rule["share"]), rule["least"], rule["entering"]) for rule in map(rules.get, NAMES)
    )
    return with_share, alone


class ProgressiveReranker(Ranks):
    """A cross-encoder with early exits under a drop rule. Satisfies `protocols.ScoresProgressively`.

    This reranker is not pointwise: the rest of the pool decides whether a text is scored to the end. The reranker
    shares the weights and the working memory of `model`.

    Args:
        model: A cross-encoder in stages.
        rule: The drop rule if stage one has a share in the final score.
        alone: The drop rule if stage one has none. Every text must enter, because nothing else ranks the texts before
            the first exit. None: `rule`, with every text entering.

    Raises:
        InvalidInput: A rule does not have one share for each exit except the last, or `alone` leaves out texts.
    """

    def __init__(self, model: CrossEncoder, rule: DropRule, alone: DropRule | None = None) -> None:
        alone = replace(rule, entering=1.0) if alone is None else alone
        for candidate in (rule, alone):
            if len(candidate.share) != model.stages - 1:
                raise InvalidInput(
                    f"{model.info.name} has {model.stages} exits, so a drop rule needs {model.stages - 1} shares, "
                    f"not {len(candidate.share)}"
                )
        if alone.entering < 1:
            raise InvalidInput(
                f"entering of the rule without stage one must be 1, not {alone.entering:g}: nothing ranks the texts "
                "before the first exit"
            )
        self.info: RerankerInfo = replace(model.info, pointwise=False, unit="logit")
        self.runtime = model.runtime
        self.rule, self.alone = rule, alone
        self._model = model

    def skip_reason(self, query: str) -> Note | None:
        """See `CrossEncoder.skip_reason`."""
        return self._model.skip_reason(query)

    def weights_hash(self) -> str:
        """See `protocols.HasWeights`."""
        return self._model.weights_hash()

    @property
    def keeps_states(self) -> bool:
        """See `CrossEncoder.keeps_states`."""
        return self._model.keeps_states

    def states_of(self, texts: Iterable[str]) -> list[bytes]:
        """See `CrossEncoder.states_of`."""
        return self._model.states_of(texts)

    def states_hash(self) -> str:
        """See `CrossEncoder.states_hash`."""
        return self._model.states_hash()

    def with_states(self, lookup: Lookup) -> ProgressiveReranker:
        """Return this reranker with stored states: see `CrossEncoder.with_states`."""
        return ProgressiveReranker(self._model.with_states(lookup), self.rule, self.alone)

    def score(self, query: str, texts: Iterable[str]) -> Scores:
        """Return one float for each text, in the order given; higher is better. No texts give no scores.

        A text that was scored to the end has its raw logit. The other texts are below all of these, in the order of
        their early exits. Their floats are ranks, not logits.

        Raises:
            InvalidInput, QueryTooLong: See `CrossEncoder.score`.
        """
        given = checked_list(texts)
        if not given:
            return Scores()
        logits = self.score_progressively(query, given, [0.0] * len(given))
        left = logits.exits_left
        lowest = min(logit for logit, exits in zip(logits, left, strict=True) if exits == 0)
        dropped = [place for place in range(len(given)) if left[place]]
        for rank_below, place in enumerate(sorted(dropped, key=lambda place: (left[place], -logits[place])), start=1):
            logits[place] = lowest - rank_below
        return Scores(logits, logits.truncated)

    def score_progressively(self, query: str, texts: Sequence[str], prior: Sequence[float]) -> Scores:
        """See `protocols.ScoresProgressively`."""
        rule = self.rule if any(prior) else self.alone
        by_prior = sorted(range(len(prior)), key=lambda place: -prior[place])
        entering = sorted(by_prior[: rule.entered(len(prior))])
        scoring, cut = self._model.begin(query, [texts[place] for place in entering])
        rows = list(range(len(entering)))
        for number in range(len(rule.share)):
            rows.sort(key=lambda row: -(float(scoring.logits[row]) + prior[entering[row]]))
            rows = rows[: rule.kept(len(texts), number)]
            scoring.advance(rows)
        logits, left, truncated = [0.0] * len(texts), [scoring.stages] * len(texts), [False] * len(texts)
        for row, place in enumerate(entering):
            logits[place], truncated[place] = float(scoring.logits[row]), cut[row]
            left[place] -= int(scoring.reached[row])
        return Scores(logits, truncated, left)
