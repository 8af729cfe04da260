"""The limits `min_score` and `min_probability`. No other module leaves hits out of an answer."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import cast

from shortlist.config import SearchConfig
from shortlist.errors import InvalidInput
from shortlist.protocols import Fits, Reranker
from shortlist.search.probability import Calibration
from shortlist.search.scores import check_pointwise, check_scores
from shortlist.types import Hit, Note


@dataclass(frozen=True, slots=True)
class Limits:
    """The smallest final score and the smallest probability of a hit, by `calibration`. None means no limit."""

    min_score: float | None = None
    min_probability: float | None = None
    calibration: Calibration | None = None

    @property
    def some(self) -> bool:
        """Whether a limit is set."""
        return self.min_score not in (None, -math.inf) or self.min_probability is not None

    def kept(self, hits: Sequence[Hit]) -> list[Hit]:
        """Return the hits that reach every limit, with their probability if a probability is a limit.

        With any limit, a hit without a score of the reranker is left out: its score is in another unit, so it cannot
        show that it reaches the limit. Such hits are below the pool, or were not scored in time.
        """
        if not self.some:
            return list(hits)
        scored = self._with_probability([hit for hit in hits if hit.rerank_score is not None])
        return [hit for hit in scored if self._reaches(hit)]

    def notes(self, hits: Sequence[Hit], kept: Sequence[Hit]) -> list[Note]:
        """Return notes about the limits: how many of the `hits` they left out, and the best hit if no hit stayed.

        Hits without a score have a note of their own.
        """
        if not self.some:
            return []
        values = {"min_score": self.min_score, "min_probability": self.min_probability}
        scored = self._with_probability([hit for hit in hits if hit.rerank_score is not None])
        notes = []
        if count := len(scored) - len(kept):
            notes.append(Note("left_out", count=count, hits=len(hits), **values))
        if unscored := len(hits) - len(scored):
            notes.append(Note("unscored_left_out", count=unscored, hits=len(hits), **values))
        if scored and not kept:
            best = max(scored, key=lambda hit: hit.score)
            notes.append(Note("no_good_answer", best_score=best.score, best_probability=best.probability, **values))
        return notes

    def not_applied(self) -> list[Note]:
        """Return the note for an answer that was not reranked. Its scores are in another unit, so every hit stays."""
        if not self.some:
            return []
        return [Note("limits_not_applied", min_score=self.min_score, min_probability=self.min_probability)]

    def _with_probability(self, hits: Sequence[Hit]) -> list[Hit]:
        if self.calibration is None or self.min_probability is None:
            return list(hits)
        return [replace(hit, probability=self.calibration.of(hit.score)) for hit in hits]

    def _reaches(self, hit: Hit) -> bool:
        if self.min_score is not None and hit.score < self.min_score:
            return False
        return self.min_probability is None or (hit.probability or 0.0) >= self.min_probability


def limits_of(
    config: SearchConfig, reranker: Reranker | None, weights: Mapping[str, float], fits: Fits | None
) -> tuple[Limits, list[Note]]:
    """Return the limits of a search, and notes about the stored curve.

    Raises:
        InvalidInput: The reranker has no scores for the limit, there is no reranker, or no curve can be stored.
        NotFitted: The curve is missing, damaged, or was fitted for something else.
    """
    if reranker is not None and config.min_score is not None:
        check_scores(reranker, "min_score", "min_score needs scores")
    if config.min_probability is None:
        return Limits(config.min_score), []
    if reranker is None:
        raise InvalidInput(
            "min_probability needs a reranker, and this search does not rerank: set rerank, or leave out the limit",
            field="min_probability",
        )
    check_pointwise(reranker, "min_probability", "min_probability needs scores that do not depend on the pool")
    if config.tail:
        raise InvalidInput(
            "passages below the pool have no probability: leave out tail or min_probability", field="min_probability"
        )
    if fits is None:
        raise InvalidInput(
            "no probabilities are stored for this search: calibrate an index, or a retriever opened by its name",
            field="min_probability",
        )
    calibration, notes = fits.calibration(weights, config.expand)
    return Limits(config.min_score, config.min_probability, cast("Calibration", calibration)), notes
