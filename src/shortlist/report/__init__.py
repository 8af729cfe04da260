"""Reports of evaluations and tunings, each as one HTML file without links to other files."""

from shortlist.report.evaluation import Comparisons, evaluation_page
from shortlist.report.figures import check_plots
from shortlist.report.queries import ReportSource, source_of
from shortlist.report.tuning import tuning_page

__all__ = [
    "Comparisons",
    "ReportSource",
    "check_plots",
    "evaluation_page",
    "source_of",
    "tuning_page",
]
