"""Reports of evaluations and tunings, each as one HTML file without links to other files."""

from shortlist.report.evaluation import Comparisons, evaluation_page, final_score
from shortlist.report.figures import check_plots
from shortlist.report.page import written
from shortlist.report.queries import ReportSource, source_of
from shortlist.report.tuning import facts_of, shown_size, tuning_page

__all__ = [
    "Comparisons",
    "ReportSource",
    "check_plots",
    "evaluation_page",
    "facts_of",
    "final_score",
    "shown_size",
    "source_of",
    "tuning_page",
    "written",
]
