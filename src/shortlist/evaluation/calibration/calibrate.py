"""The stop rule of adaptive pools and the curve from score to probability, from one scoring pass."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from shortlist.collection.fits import StoredFits
from shortlist.config.limits import check_largest
from shortlist.errors import InvalidInput
from shortlist.evaluation.calibration.adaptive import ALPHA, DELTA, Risk, StopRuleFit, fit_stop_rule
from shortlist.evaluation.calibration.gate import GATE_ALPHA, GateFit, fit_gate, gate_traces
from shortlist.evaluation.calibration.probabilities import METHODS, Method, ProbabilityFit, fit_probabilities, labelled
from shortlist.evaluation.calibration.risk import checked_level
from shortlist.evaluation.calibration.traces import OVERLAP, measure_of, traces_of
from shortlist.evaluation.evaluate import CUTOFF
from shortlist.evaluation.metrics.outcomes import depth_of
from shortlist.evaluation.query_sets.query_set import Judged
from shortlist.evaluation.replay.checkpoint import Checkpoint
from shortlist.evaluation.replay.replay import Recorded
from shortlist.evaluation.replay.scoring_pass import PassageCount, rescore_some, score_all
from shortlist.protocols import Reranker
from shortlist.reprs import short_repr
from shortlist.search.scores import info_of
from shortlist.search.search import Search
from shortlist.search.stopping import BLOCK, StopRule

POOL_SIZE = 100


@dataclass(frozen=True, slots=True)
class CalibrateOptions:
    """The options of a calibration.

    Args:
        pool_size: The largest pool.
        top_k: Hits in an answer. The stop rule is fitted for this number.
        block: Passages that are scored between two checks of the stop rule.
        measure: The measure that an early stop may lower. "overlap" needs no judgments: the loss is the missing share
            of the first `top_k` hits of the whole pool.
        alpha: The mean loss that is allowed, between 0 and 1.
        delta: The allowed probability of a larger mean loss, between 0 and 1.
        gate_alpha: The mean loss that the gate may cost, between 0 and 1.
        method: The curve, "platt" or "isotonic". None: the curve with the smaller log loss.
        judged_only: Leave out passages without a judgment. Otherwise they count as not relevant.
        checkpoint: The file for partial results.
        about: Facts that identify this run in the checkpoint, such as the index and its size.
    """

    pool_size: int = POOL_SIZE
    top_k: int = CUTOFF
    block: int = BLOCK
    measure: str = "nDCG@10"
    alpha: float = ALPHA
    delta: float = DELTA
    gate_alpha: float = GATE_ALPHA
    method: Method | None = None
    judged_only: bool = False
    checkpoint: Path | None = None
    about: Mapping[str, Any] = field(default_factory=dict)

    @property
    def measure_name(self) -> str:
        """The measure's name with its cutoff."""
        return f"{OVERLAP}@{self.top_k}" if self.measure == OVERLAP else str(measure_of(self.measure, self.top_k))


@dataclass(frozen=True, slots=True)
class FittedRules:
    """The fits of one scoring pass. `save` stores them for `pool_size="auto"`, `min_probability` and `gate`.

    `queries` counts the judged queries. `skipped` counts the queries that the reranker skipped, and `without_relevant`
    the queries without a relevant id. The fit of the stop rule leaves out both. `resumed` counts the queries that an
    interrupted run scored. `weights` are the weights of the final score, and `expand` is the query expansion.
    """

    stop_rule: StopRuleFit
    probabilities: ProbabilityFit
    query_set: str
    queries: int
    skipped: int
    without_relevant: int
    resumed: int
    weights: Mapping[str, float]
    gate: GateFit
    expand: str | None = None
    fits: StoredFits | None = field(default=None, repr=False)

    def __repr__(self) -> str:
        rule, curve = self.stop_rule, self.probabilities
        facts = {"queries": self.queries, "pool_size": rule.rule.pool_size, "top_k": rule.rule.top_k}
        threshold, scored = rule.rule.threshold, rule.scored
        return short_repr(
            self, self.query_set, {**facts, "threshold": threshold, "mean_scored": scored, "curve": curve.method}
        )

    def save(self) -> list[Path | str]:
        """Store the three fits for the search of the calibration, and return their files, or their names on a server.

        Raises:
            InvalidInput: The search has no place for fits.
            IndexWriteFailed: The disk is full or read-only.
        """
        if self.fits is None:
            raise InvalidInput(
                "the search cannot store fits: calibrate an open index, or a retriever opened by its name, such as "
                'shortlist.open("my_search:by_words")'
            )
        stop_rule, curve = self.stop_rule, self.probabilities
        about = {"query_set": self.query_set, "skipped": self.skipped}
        about_rule = {
            **about,
            **asdict(stop_rule.risk),
            "queries": stop_rule.queries,
            "loss": stop_rule.loss,
            "allowed_loss": stop_rule.allowed,
            "mean_scored": stop_rule.scored,
        }
        about_curve = {
            **about,
            "queries": self.queries,
            "scored_passages": len(curve.labelled.labels),
            "relevant": int(curve.labelled.labels.sum()),
            "unjudged_as_not_relevant": curve.labelled.unjudged,
            "log_loss": curve.log_loss,
        }
        gate = self.gate
        about_gate = {**about, **asdict(gate.risk), "queries": gate.queries, "saved": gate.saved, "loss": gate.loss}
        return [
            self.fits.save_stop_rule(stop_rule.rule, self.weights, about_rule, self.expand),
            self.fits.save_calibration(curve.calibration, self.weights, about_curve, self.expand),
            self.fits.save_gate(gate.gate, self.weights, about_gate, self.expand),
        ]


def calibrate(
    search: Search,
    judged: Judged,
    options: CalibrateOptions | None = None,
    *,
    progress: Callable[[int, int], None] | None = None,
) -> FittedRules:
    """Fit the stop rule of adaptive pools and the curve from score to probability, for this retriever and reranker.

    Args:
        search: The search, with its configuration. Its blend and weights are part of the final score.
        judged: The queries with their judgments.
        options: The options of the calibration.
        progress: A function that receives the number of scored passages and the number of passages to score.

    Raises:
        InvalidInput: No reranker, a reranker whose scores depend on the pool, a bad size, level or measure, a
            checkpoint of another run, or too few relevant passages for a curve (see `fit_probabilities`).
        BadScores: The reranker returned a wrong count, NaN, infinity, or something that is not a number.
    """
    options = options or CalibrateOptions()
    search = replace(search, config=search.config.override({"rerank": True, "gate": False})).expanded()
    reranker = _checked_reranker(search.reranker_at(), options)
    recorded, checkpoint = _score(search, reranker, judged, options, progress)
    try:
        rules = _fit(search, reranker, judged, options, recorded)
    except InvalidInput:  # the pass is complete, so another run would fail in the same way
        checkpoint.finish()
        raise
    checkpoint.finish()
    return replace(rules, resumed=checkpoint.resumed)


def _fit(
    search: Search, reranker: Reranker, judged: Judged, options: CalibrateOptions, recorded: Mapping[str, Recorded]
) -> FittedRules:
    """The three fits from the scoring pass of each query."""
    check = rescore_some(search, reranker, list(recorded.values()), options.pool_size)
    if not check.holds:
        raise InvalidInput(
            f"{info_of(reranker).name} is declared pointwise, but its scores differ by up to "
            f"{check.largest_difference:.3g} between pools: neither a stop rule nor probabilities can be fitted on them"
        )
    rule = StopRule(options.pool_size, options.top_k, None, options.block)
    weights = search.weights_at()
    traces = traces_of(recorded, judged, options.measure, rule, weights)
    rankings = [
        (each.query_id, each.search(options.pool_size, options.pool_size, weights).hits)
        for each in recorded.values()
        if each.skipped is None
    ]
    data = labelled(rankings, judged, judged_only=options.judged_only)
    return FittedRules(
        stop_rule=fit_stop_rule(
            [trace for trace in traces if trace is not None],
            rule,
            Risk(options.measure_name, options.alpha, options.delta),
        ),
        probabilities=fit_probabilities(data, options.method),
        query_set=judged.name,
        queries=len(judged.queries),
        skipped=sum(each.skipped is not None for each in recorded.values()),
        without_relevant=0 if options.measure == OVERLAP else judged.without_relevant,
        resumed=0,
        weights=weights,
        gate=fit_gate(
            gate_traces(recorded, judged, options.measure, (options.pool_size, options.top_k), weights),
            options.pool_size,
            Risk(options.measure_name, options.gate_alpha, options.delta),
        ),
        expand=search.config.expand,
        fits=search.fits if isinstance(search.fits, StoredFits) else None,
    )


def _score(
    search: Search,
    reranker: Reranker,
    judged: Judged,
    options: CalibrateOptions,
    progress: Callable[[int, int], None] | None,
) -> tuple[dict[str, Recorded], Checkpoint]:
    """The scoring pass of each query, and the checkpoint that stores the passes."""
    depth = depth_of([measure_of(options.measure, options.top_k)], options.top_k, judged.level)
    about = {
        **options.about,
        "queries": judged.resolved,
        "pool_size": options.pool_size,
        "depth": depth,
        "reranker": info_of(reranker).name,
        **({} if search.config.expand is None else {"expand": search.config.expand}),
    }
    checkpoint = Checkpoint(options.checkpoint, about)
    return score_all(search, judged, (options.pool_size,), depth, checkpoint, PassageCount(progress)), checkpoint


def _checked_reranker(reranker: Reranker | None, options: CalibrateOptions) -> Reranker:
    """The reranker, if a rule and a curve can be fitted for it with these options."""
    if reranker is None:
        raise InvalidInput("the search has no reranker, so there are no scores to calibrate", field="reranker")
    if not info_of(reranker).pointwise:
        raise InvalidInput(
            f"{info_of(reranker).name} scores a pool as a whole: neither a stop rule nor probabilities can be fitted "
            "on its scores"
        )
    check_values(options)
    return reranker


def check_values(options: CalibrateOptions) -> None:
    """Check the values that do not depend on a search.

    Raises:
        InvalidInput: A bad measure, level, method or pool size.
    """
    measure_of(options.measure, options.top_k)
    checked_level(options.alpha, "alpha")
    checked_level(options.delta, "delta")
    checked_level(options.gate_alpha, "gate_alpha")
    if options.method is not None and options.method not in METHODS:
        raise InvalidInput(
            f"method must be auto, {' or '.join(METHODS)}, not {options.method!r} (in Python, auto is None)",
            field="method",
        )
    check_largest("pool_size", options.pool_size)
    if options.pool_size < options.top_k:
        raise InvalidInput(
            f"the largest pool must hold the first {options.top_k}: a pool_size of {options.pool_size} is too small",
            field="pool_size",
        )


__all__ = ["POOL_SIZE", "CalibrateOptions", "FittedRules", "calibrate", "check_values"]
