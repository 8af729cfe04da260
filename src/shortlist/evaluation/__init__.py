"""Measuring: query sets, measures, the evaluation of a search, its tuning, and the calibration of its scores."""

from shortlist.evaluation.calibration.calibrate import CalibrateOptions, FittedRules, calibrate
from shortlist.evaluation.evaluate import Comparison, Evaluation, compare, evaluate
from shortlist.evaluation.metrics.measures import Measure, measure_run, per_query
from shortlist.evaluation.probe import Probe, probe
from shortlist.evaluation.query_sets import files
from shortlist.evaluation.query_sets.external_run import evaluate_run
from shortlist.evaluation.query_sets.query_set import Judged, QuerySet, resolve
from shortlist.evaluation.tuning.options import TuneOptions
from shortlist.evaluation.tuning.tune import Tuning, tune

__all__ = [
    "CalibrateOptions",
    "Comparison",
    "Evaluation",
    "FittedRules",
    "Judged",
    "Measure",
    "Probe",
    "QuerySet",
    "TuneOptions",
    "Tuning",
    "calibrate",
    "compare",
    "evaluate",
    "evaluate_run",
    "files",
    "measure_run",
    "per_query",
    "probe",
    "resolve",
    "tune",
]
