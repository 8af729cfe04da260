"""Score to probability of relevance, and what a smallest probability leaves of a ranking."""

from __future__ import annotations

import math
from bisect import bisect_right
from dataclasses import dataclass, replace
from typing import TypeAlias

from shortlist.errors import InvalidInput
from shortlist.types import Ranking


@dataclass(frozen=True, slots=True)
class Platt:
    """p = 1 / (1 + exp(-(slope * score + offset))), with a slope of 0 or more."""

    slope: float
    offset: float

    def of(self, score: float) -> float:
        """The probability, 0 to 1."""
        return 0.5 * (1 + math.tanh(0.5 * (self.slope * score + self.offset)))


@dataclass(frozen=True, slots=True)
class Isotonic:
    """Straight lines between knots: `scores` rising, `values` never falling; level beyond the first and the last."""

    scores: tuple[float, ...]
    values: tuple[float, ...]

    def of(self, score: float) -> float:
        """The probability, 0 to 1."""
        above = bisect_right(self.scores, score)
        if above == 0:
            return self.values[0]
        if above == len(self.scores):
            return self.values[-1]
        low, high = self.scores[above - 1], self.scores[above]
        share = (score - low) / (high - low)
        return self.values[above - 1] + share * (self.values[above] - self.values[above - 1])


Calibration: TypeAlias = Platt | Isotonic


def leave_out(ranking: Ranking, calibration: Calibration, least: float) -> Ranking:
    """The ranking with each hit's probability, and without the hits below `least`; how many those were is counted.

    They come on top of what a threshold left out. Where nothing stays, `no_good_answer` says so. A query that was
    not reranked has no probabilities: its hits stay.

    Raises:
        InvalidInput: `least` is not from 0 to 1.
    """
    if not 0 <= least <= 1:
        raise InvalidInput(f"a smallest probability lies from 0 to 1, not {least}")
    if not ranking.reranked or ranking.no_good_answer:
        return replace(ranking, min_probability=least)
    hits = [replace(hit, probability=calibration.of(hit.score)) for hit in ranking.hits]
    kept = tuple(hit for hit in hits if hit.probability is not None and hit.probability >= least)
    best = max((hit.probability or 0.0 for hit in hits), default=0.0)
    said = ""
    if not kept:
        what = f"the likeliest passage has probability {best:.3f}, below {least:g}" if hits else "no passage matches"
        said = f"no good answer: {what}"
    left_out = ranking.left_out + len(hits) - len(kept)
    return replace(ranking, hits=kept, min_probability=least, left_out=left_out, no_good_answer=said)
