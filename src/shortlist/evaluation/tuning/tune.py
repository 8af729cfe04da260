"""The pool size, blend, fusion weight and threshold that fit your own queries, from one scoring pass."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from shortlist import config as config_file
from shortlist.config import SearchConfig
from shortlist.config.file import lines as config_lines
from shortlist.config.weights import scaled
from shortlist.errors import InvalidInput
from shortlist.evaluation.evaluate import CUTOFF, Evaluation, measures_of
from shortlist.evaluation.metrics.outcomes import depth_of, measured, nothing_retrieved
from shortlist.evaluation.query_sets.holdout import Halves, halves
from shortlist.evaluation.query_sets.query_set import Judged
from shortlist.evaluation.replay.scoring_pass import PassageCount
from shortlist.evaluation.tuning.blend import choose_blend
from shortlist.evaluation.tuning.curves import Curves, measure_curves
from shortlist.evaluation.tuning.efforts import EffortLevel, effort_levels
from shortlist.evaluation.tuning.fusion_weight import FusionChoice, Trial, tune_fusion
from shortlist.evaluation.tuning.latency import Latency, latencies, passages_left, timing_note
from shortlist.evaluation.tuning.options import TuneOptions, checked_options
from shortlist.evaluation.tuning.recommend import (
    Pick,
    PickCheck,
    check_pick,
    gain_of,
    gain_warnings,
    harmful_sizes,
    picks,
    undecided,
    warnings_of,
)
from shortlist.evaluation.tuning.settings import file_values
from shortlist.evaluation.tuning.sweep import Curve, Plan
from shortlist.evaluation.tuning.threshold import ThresholdChoice, results_of, tune_threshold
from shortlist.protocols import Fuses
from shortlist.reprs import short_repr
from shortlist.search.search import Search
from shortlist.types import Note

NO_FUSION = FusionChoice(None, Note("not_tried", setting="fusion", reason="runs_apart"))
NO_THRESHOLD = ThresholdChoice(None, Note("no_threshold", reason="runs_apart"))


@dataclass(frozen=True, slots=True)
class Tuning:
    """What a tuning found. `write` puts it into `shortlist.toml`.

    `curve` covers all queries at the blend in `blend`. `curves` has one curve for each blend that was tried. `picks`
    were chosen on the queries `chosen_on`, and `checks` are the same picks measured on `reported_on`. `recommended` is
    the pick to use. `rerank` is False if reranking does not gain over stage one on all queries. `undecided` is the
    reason why these queries cannot decide, or None. `threshold` and `fusion` were tuned at the recommended size and
    blend; a smaller `fusion.size` means that the current weight stays. `efforts` are the effort levels. `config` is the
    configuration of the search. `shortlist.wording.describe` turns notes and reasons into sentences.
    """

    config: SearchConfig
    measure: str
    curve: Curve
    curves: Curves
    blend: float
    blend_reason: Note
    latency: Mapping[int, Latency]
    picks: tuple[Pick, ...]
    checks: tuple[PickCheck, ...]
    recommended: Pick
    rerank: bool
    warnings: tuple[Note, ...]
    chosen_on: tuple[str, ...]
    reported_on: tuple[str, ...]
    fusion: FusionChoice = NO_FUSION
    threshold: ThresholdChoice = NO_THRESHOLD
    undecided: Note | None = None
    efforts: tuple[EffortLevel, ...] = ()

    def __repr__(self) -> str:
        settings = {name: value for name, value in self.settings.items() if name != "efforts"}
        facts = {"queries": len(self.curve.query_ids), "measure": self.measure, "settings": settings}
        undecided = {} if self.undecided is None else {"undecided": self.undecided.code}
        warnings = {"warnings": [note.code for note in self.warnings]} if self.warnings else {}
        return short_repr(self, None, {**facts, **undecided, **warnings})

    @property
    def timing(self) -> Note:
        """The note about the origin of the times."""
        return timing_note(self.curves, self.latency)

    @property
    def settings(self) -> dict[str, Any]:
        """The settings that were found, by the names of `SearchConfig`. Empty if nothing is decided."""
        if self.undecided is not None:
            return {}
        values: dict[str, Any] = {"rerank": self.rerank}
        if self.rerank and self.recommended.size is not None:
            values |= {"pool_size": self.recommended.size, **self._blended}
            if self.efforts:
                values["efforts"] = {level.name: level.table for level in self.efforts}
        if self.fusion.weight is not None and self.fusion.values:
            values["fusion"] = self.fusion.weight
        if self.threshold.value is not None:
            values["min_score"] = self.threshold.value
        return values

    @property
    def _blended(self) -> dict[str, Any]:
        if not self.curves.derived:
            return {"blend": self.blend}
        if not self.blend:
            return {}
        return {"blend": 1.0, "weights": scaled(self.curves.weights, self.blend)}

    def file_values(self, folder: Path | None = None) -> dict[str, Any]:
        """Return the values that `write` puts into the file of `folder`; None removes a key. See `file_values`.

        Raises:
            InvalidInput: `shortlist.toml` cannot be read.
        """
        if not self.settings:
            return {}
        own = self.config.weights if self.rerank and not self.curves.derived else None
        return file_values(self.settings, self.config, own, config_file.read(folder))

    def lines(self, folder: Path | None = None) -> str:
        """Return the lines for `shortlist.toml`, or an empty string if nothing is decided. Raises as `file_values`."""
        values = self.file_values(folder)
        return config_lines(values) if values else ""

    def removed(self, folder: Path | None = None) -> list[str]:
        """Return the keys that `write` removes from the file of `folder`. Raises as `file_values`."""
        file = config_file.read(folder)
        return [name for name, value in self.file_values(folder).items() if value is None and name in file]

    def write(self, folder: str | Path | None = None) -> Path | None:
        """Write what was found into `shortlist.toml` in `folder` or the current folder, and return the file.

        Comments and other settings of the file stay. If nothing is decided, nothing is written, and the result is None.

        Raises:
            InvalidInput: The file cannot be read or written.
        """
        place = None if folder is None else Path(folder)
        values = self.file_values(place)
        return config_file.write(values, place) if values else None


def tune(
    search: Search,
    judged: Judged,
    options: TuneOptions | None = None,
    *,
    progress: Callable[[int, int], None] | None = None,
) -> Tuning:
    """Measure quality and time at every pool size, and recommend a size, a blend, a fusion weight and a threshold.

    A pointwise reranker scores the largest pool once, and every smaller pool is computed from that pass. Any other
    reranker runs at each size. A reranker that is declared pointwise also runs at each size if its scores change
    between pools. The blend is tuned with the scores of the pass. If no weights were fitted for the pair of models, a
    weight for the cosine is tried. Of several sizes with the same pools for every query, only the smallest is measured,
    and a note in `warnings` has the others. The fusion weight and the threshold follow, at the recommended size. Rules
    choose on one half of the queries, and the other half reports the choice. The other half influences one decision
    only: whether to rerank at all.

    Args:
        search: The search to tune, with its current configuration.
        judged: The queries with their judgments.
        options: What to try.
        progress: A function that receives the number of scored passages and the number of passages to score. The total
            grows if more passages must be scored, and falls if a pool is smaller than its size.

    Raises:
        InvalidInput: No reranker, a bad size, blend or measure, or a checkpoint of another run.
        BadScores: The reranker returned a wrong count, NaN, infinity, or something that is not a number.
    """
    options = checked_options(search, judged, options or TuneOptions())
    search = replace(search, config=search.config.override({"rerank": True, "gate": False})).expanded()
    reranker = search.reranker_at()
    assert reranker is not None
    measures = tuple(measures_of(options.measures))
    plan = Plan(options.sizes, measures, options.cutoff, depth_of(measures, options.cutoff, judged.level))
    count = PassageCount(progress)
    curves, checkpoint = measure_curves(search, reranker, judged, options, plan, count)
    plan = replace(plan, sizes=curves.sizes)
    latency = latencies(search, judged, options, curves, count)
    parts = halves(len(judged.queries), options.seed)
    tuning = _recommend(search.config, curves, options, str(measures[0]), latency, parts)
    if curves.recorded is not None:
        limit = passages_left(curves, options, len(judged.queries))
        weights = scaled(curves.weights, tuning.blend)
        trial = Trial(judged, reranker, curves.recorded, weights, plan, parts, checkpoint, count, limit)
        tuning = _refine(tuning, search, options, trial)
    checkpoint.finish()
    return tuning if tuning.curve.recall.any() else _with_missing_warning(tuning, judged)


def evaluation_at(
    tuning: Tuning, judged: Judged, size: int, *, cutoff: int = CUTOFF, about: Mapping[str, str] | None = None
) -> Evaluation:
    """Return what `evaluate` measures at this pool size and the tuned blend, computed from the pass of the tuning.

    The outcomes have no seconds, because nothing is searched again; `latency` has them.

    Raises:
        InvalidInput: The size was not tuned.
    """
    sizes = tuning.curve.sizes
    if size not in sizes:
        raise InvalidInput(f"pool size {size} was not tuned; the sizes are {', '.join(map(str, sizes))}")
    measures = measures_of(list(tuning.curve.reranked))
    outcomes = tuple(
        replace(measured(key, tuning.curves.ranking(key, size, tuning.blend), judged, measures, cutoff), seconds={})
        for key in judged.queries
    )
    names = tuple(map(str, measures))
    return Evaluation("tune", judged.name, judged.fingerprint, size, cutoff, names, outcomes, dict(about or {}))


def _with_missing_warning(tuning: Tuning, judged: Judged) -> Tuning:
    """The tuning with a warning that no pool contains a relevant id. Such pools decide nothing."""
    largest = max(tuning.curve.sizes)
    outcomes = evaluation_at(tuning, judged, largest).outcomes
    if not (missing := nothing_retrieved(outcomes, largest)):
        return tuning
    undecided = Note("nothing_to_rank", returned=any(outcome.ranked for outcome in outcomes))
    return replace(tuning, warnings=(*missing, *tuning.warnings), undecided=undecided, rerank=False)


def _refine(tuning: Tuning, search: Search, options: TuneOptions, trial: Trial) -> Tuning:
    """The tuning with the fusion weight and the threshold at the recommended size and blend."""
    size = (tuning.recommended.size or 0) if tuning.rerank else 0
    retriever, judged = search.retriever, trial.judged
    fusion = tune_fusion(retriever, options.fusions, trial, size)
    if not size:
        threshold = ThresholdChoice(None, Note("no_threshold", reason="not_reranked"))
        return replace(tuning, fusion=fusion, threshold=threshold)
    changed = isinstance(retriever, Fuses) and fusion.weight != retriever.fusion
    recorded = fusion.recorded if changed else trial.recorded
    rankings = [recorded[key].search(size, trial.plan.depth, trial.weights) for key in judged.queries]
    results = results_of(rankings, judged, list(judged.queries), options.cutoff)
    return replace(tuning, fusion=fusion, threshold=tune_threshold(results, trial.parts))


def _recommend(
    config: SearchConfig,
    curves: Curves,
    options: TuneOptions,
    measure: str,
    latency: Mapping[int, Latency],
    parts: Halves,
) -> Tuning:
    """The recommendation from the curves."""
    blend, reason = choose_blend(curves.by_blend, measure, curves.current, parts)
    curve = next(curve for curve in curves.by_blend if curve.blend == blend)
    choose, report = curve.part(parts.chosen), curve.part(parts.reported)
    chosen = picks(choose, measure, latency, options.budget_ms, len(curve.query_ids))
    recommended = next((pick for pick in chosen if pick.rule == "latency_budget"), chosen[0])
    harmful = harmful_sizes(curve, measure)
    gains = recommended.size not in harmful and gain_of(curve, recommended, measure) > 0
    return Tuning(
        config=config,
        measure=measure,
        curve=curve,
        curves=curves,
        blend=blend,
        blend_reason=curves.one_blend or reason,
        latency=latency,
        picks=tuple(chosen),
        checks=tuple(check for pick in chosen if (check := check_pick(pick, report, measure)) is not None),
        recommended=recommended,
        rerank=gains,
        efforts=effort_levels(choose, report, measure, latency, options.budget_ms),
        warnings=(
            *curves.notes(),
            *warnings_of(choose, report, measure, harmful),
            *gain_warnings(curve, report, recommended, measure),
        ),
        chosen_on=choose.query_ids,
        reported_on=report.query_ids,
        undecided=None if gains or recommended.size in harmful else undecided(curve, recommended, measure),
    )
