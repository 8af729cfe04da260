"""What lies beside one index, for one way to search it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from shortlist.collection import fits_store as store
from shortlist.errors import InvalidInput
from shortlist.protocols import HasWeights, Reranker
from shortlist.search.probability import Calibration
from shortlist.search.stopping import StopRule
from shortlist.types import PoolSize


@dataclass(frozen=True, slots=True)
class Beside:
    """The fitted parts in `folder`, refused unless they were fitted for these models, this retriever and blend.

    `count` tells how many passages the index holds now; without it nothing is said of an index that changed.
    """

    folder: Path
    bi_encoder: str
    retriever: str
    reranker: Reranker | None
    weights: Mapping[str, float]
    count: Callable[[], int] | None = None

    @property
    def fitted_for(self) -> dict[str, Any]:
        """What a stored part has to have been fitted for, to be used here."""
        reranker = self.reranker
        return {
            "bi-encoder": self.bi_encoder,
            "retriever": self.retriever,
            "cross-encoder": reranker.name if reranker is not None else "none",
            "cross-encoder weights": reranker.weights_hash() if isinstance(reranker, HasWeights) else "",
            "blend": dict(self.weights),
        }

    def pool(self, asked: PoolSize, fixed: int) -> tuple[int | StopRule, str]:
        """What to search with for this pool size, and what has to be said of it.

        "auto" gives the stored rule, and says so where it was fitted on another number of passages. Where none is
        stored it gives `fixed`, and says so.

        Raises:
            NotFitted: The rule is damaged, or was fitted for something else.
            InvalidInput: The reranker scores a pool as a whole.
        """
        if asked != "auto":
            return asked, ""
        if self.reranker is None:
            return fixed, "no reranker runs, so there is nothing to stop"
        if not self.reranker.pointwise:
            raise InvalidInput(
                "an adaptive pool is scored in blocks, and this reranker scores a pool as a whole: give a fixed pool "
                "size"
            )
        rule = store.read_stop_rule(self.folder, self.fitted_for)
        if rule is None:
            return fixed, f"fixed pool of {fixed}, as no rule is stored beside the index: {store.HINT}"
        return rule, self._changed(store.STOP_RULE, "the rule of the adaptive pool was")

    def doubt(self) -> str:
        """What has to be said of the stored probabilities: "" unless the index held another number of passages."""
        return self._changed(store.CALIBRATION, "the curve of probabilities was")

    def _changed(self, name: str, what: str) -> str:
        before = store.passages_of(self.folder / name)
        now = self.count() if self.count is not None and before is not None else before
        if now == before:
            return ""
        return f"{what} fitted on {before} passages and the index holds {now}; it may be off, so {store.HINT}"

    def calibration(self, *, tail: bool) -> Calibration:
        """The stored curve from score to probability.

        Raises:
            NotFitted: There is none, it is damaged, or it was fitted for something else.
            InvalidInput: Scores of this search have no probability: no pointwise reranker, or a tail is asked for.
        """
        if self.reranker is None or not self.reranker.pointwise:
            raise InvalidInput(
                "a smallest probability needs a reranker whose scores do not depend on the pool: search with a "
                "cross-encoder, and not progressively"
            )
        if tail:
            raise InvalidInput(
                "what lies below the pool has no probability: leave out either the tail or the smallest probability"
            )
        return store.read_calibration(self.folder, self.fitted_for)
