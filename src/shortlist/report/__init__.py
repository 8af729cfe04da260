"""Reports: what was measured or tuned, as one HTML file that needs nothing beside it."""

from shortlist.report.evaluation import Compared, evaluation_page
from shortlist.report.figures import check_plots
from shortlist.report.queries import Source, source_of
from shortlist.report.tuning import tuning_page

__all__ = [
    "Compared",
    "Source",
    "check_plots",
    "evaluation_page",
    "source_of",
    "tuning_page",
]
