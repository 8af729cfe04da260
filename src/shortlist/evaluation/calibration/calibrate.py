"""From one scoring pass of the largest pool: when to stop scoring, and what a score is worth."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from shortlist.errors import InvalidInput
from shortlist.evaluation.calibration import adaptive, probabilities
from shortlist.evaluation.calibration.adaptive import ALPHA, DELTA, Adaptive, Risk
from shortlist.evaluation.calibration.probabilities import Calibrated, Method
from shortlist.evaluation.calibration.risk import checked_level
from shortlist.evaluation.calibration.traces import OVERLAP, Trace, measure_of, trace
from shortlist.evaluation.evaluate import K
from shortlist.evaluation.metrics.outcomes import depth_of
from shortlist.evaluation.query_sets.query_set import Judged
from shortlist.evaluation.replay.checkpoint import Checkpoint
from shortlist.evaluation.replay.replay import Recorded
from shortlist.evaluation.replay.scoring_pass import check_pointwise, score_all
from shortlist.search.pipeline import Shortlist
from shortlist.search.stopping import BLOCK, StopRule

POOL = 100


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to fit: the largest pool, the first `k` that an adaptive pool has to get right, and at which risk.

    `measure` is what may be lost a little of: the name of one, or "overlap", which needs no judgments: the share of the
    whole pool's first `k` that is missing.
    `method` None takes the curve with the smaller log loss. `checkpoint` names a file for partial results; `about` is
    what else tells this run from others, such as the index and its size.
    """

    pool_size: int = POOL
    k: int = K
    block: int = BLOCK
    measure: str = "nDCG@10"
    alpha: float = ALPHA
    delta: float = DELTA
    method: Method | None = None
    judged_only: bool = False
    checkpoint: Path | None = None
    about: Mapping[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The measure's name with its cutoff."""
        return f"{OVERLAP}@{self.k}" if self.measure == OVERLAP else str(measure_of(self.measure, self.k))


@dataclass(frozen=True, slots=True)
class Fitted:
    """What one pass gave.

    `declined` counts queries that the reranker left alone, `barren` those without anything relevant; neither has a part
    in the adaptive pool's fit. `resumed` counts what an interrupted run had scored.
    """

    adaptive: Adaptive
    calibrated: Calibrated
    queries: int
    declined: int
    barren: int
    resumed: int


def calibrate(
    shortlist: Shortlist,
    judged: Judged,
    wanted: Wanted | None = None,
    *,
    progress: Callable[[int, int], None] | None = None,
) -> Fitted:
    """The rule of the adaptive pool and the curve from score to probability, for exactly this retriever and reranker.

    `progress` is told how many passages were scored of how many.

    Raises:
        InvalidInput: No reranker, or one whose scores depend on the pool; a bad size, level or measure; a checkpoint of
            another run; or too few relevant passages for a curve (see `probabilities.fit`).
        BadScores: The reranker returned NaN, infinity or a wrong count.
    """
    asked = wanted or Wanted()
    _check(shortlist, asked)
    recorded, kept = _scored(shortlist, judged, asked, progress or (lambda done, total: None))
    try:
        found = _fitted(shortlist, judged, asked, recorded)
    except InvalidInput:  # the pass is whole: what is wrong is not mended by the same run
        kept.finish()
        raise
    kept.finish()
    return replace(found, resumed=kept.resumed)


def _fitted(shortlist: Shortlist, judged: Judged, asked: Wanted, recorded: Mapping[str, Recorded]) -> Fitted:
    """Both fits from the pass of each query."""
    check = check_pointwise(shortlist, list(recorded.values()), asked.pool_size)
    if not check.holds:
        assert shortlist.reranker is not None
        raise InvalidInput(
            f"{shortlist.reranker.name} says it is pointwise, but its scores move by up to "
            f"{check.largest_difference:.3g} between pools: no adaptive pool and no probabilities can rest on them"
        )
    rule = StopRule(asked.pool_size, asked.k, None, asked.block)
    traces = traces_of(recorded, judged, asked.measure, rule, shortlist.weights)
    rankings = [
        (one.query_id, one.search(asked.pool_size, asked.pool_size, shortlist.weights).hits)
        for one in recorded.values()
        if not one.why_not
    ]
    return Fitted(
        adaptive=adaptive.fit(traces, rule, Risk(asked.name, asked.alpha, asked.delta)),
        calibrated=probabilities.fit(
            probabilities.labelled(rankings, judged, judged_only=asked.judged_only), asked.method
        ),
        queries=len(judged.queries),
        declined=sum(bool(one.why_not) for one in recorded.values()),
        barren=0 if asked.measure == OVERLAP else judged.without_relevant,
        resumed=0,
    )


def traces_of(
    recorded: Mapping[str, Recorded], judged: Judged, measure: str, rule: StopRule, weights: Mapping[str, float]
) -> list[Trace]:
    """The trace of each query that has one; see `traces.trace`."""
    made = (trace(one, judged, measure, rule, weights) for one in recorded.values())
    return [one for one in made if one is not None]


def _scored(
    shortlist: Shortlist, judged: Judged, asked: Wanted, tell: Callable[[int, int], None]
) -> tuple[dict[str, Recorded], Checkpoint]:
    """Each query's pass, and the checkpoint that holds them."""
    assert shortlist.reranker is not None
    depth = depth_of([measure_of(asked.measure, asked.k)], asked.k, judged.level)
    total = len(judged.queries) * asked.pool_size
    done = 0

    def told(passages: int) -> None:
        nonlocal done
        done += passages
        tell(done, total)

    about = {
        **asked.about,
        "queries": judged.resolved,
        "pool_size": asked.pool_size,
        "depth": depth,
        "reranker": shortlist.reranker.name,
    }
    kept = Checkpoint(asked.checkpoint, about)
    recorded = score_all(shortlist, judged, (asked.pool_size,), depth, kept, told)
    return recorded, kept


def _check(shortlist: Shortlist, asked: Wanted) -> None:
    reranker = shortlist.reranker
    if reranker is None:
        raise InvalidInput("there is no reranker whose scores could be calibrated: name a cross-encoder")
    if not reranker.pointwise:
        raise InvalidInput(
            f"{reranker.name} scores a pool as a whole: no adaptive pool and no probabilities can rest on its scores"
        )
    measure_of(asked.measure, asked.k)
    checked_level(asked.alpha, "alpha")
    checked_level(asked.delta, "delta")
    if asked.pool_size < asked.k:
        raise InvalidInput(f"the largest pool has to hold the first {asked.k}: {asked.pool_size} is too small")


__all__ = ["POOL", "Fitted", "Wanted", "calibrate", "traces_of"]
