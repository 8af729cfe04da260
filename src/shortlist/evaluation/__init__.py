"""Measuring: query sets, measures, evaluation of a set-up, and the tuning of the pool."""

from shortlist.evaluation.calibration.calibrate import Fitted, Wanted, calibrate
from shortlist.evaluation.evaluate import Comparison, Evaluation, compare, evaluate
from shortlist.evaluation.metrics.measures import Measure, measure_run, per_query
from shortlist.evaluation.probe import Probe, probe
from shortlist.evaluation.query_sets import files as datasets
from shortlist.evaluation.query_sets.external_run import evaluate_run
from shortlist.evaluation.query_sets.query_set import Judged, QuerySet, resolve
from shortlist.evaluation.tuning.request import Request
from shortlist.evaluation.tuning.tune import Tuning, tune

__all__ = [
    "Comparison",
    "Evaluation",
    "Fitted",
    "Judged",
    "Measure",
    "Probe",
    "QuerySet",
    "Request",
    "Tuning",
    "Wanted",
    "calibrate",
    "compare",
    "datasets",
    "evaluate",
    "evaluate_run",
    "measure_run",
    "per_query",
    "probe",
    "resolve",
    "tune",
]
