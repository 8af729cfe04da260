"""Measuring: query sets, measures, evaluation of a set-up, and the tuning of the pool."""

from shortlist.evaluation import datasets
from shortlist.evaluation.calibrate import Fitted, Wanted, calibrate
from shortlist.evaluation.elsewhere import evaluate_run
from shortlist.evaluation.evaluate import Comparison, Evaluation, compare, evaluate
from shortlist.evaluation.metrics import Measure, measure_run, per_query
from shortlist.evaluation.probe import Probe, probe
from shortlist.evaluation.query_set import Judged, QuerySet, resolve
from shortlist.evaluation.request import Request
from shortlist.evaluation.tune import Tuning, tune

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
