"""What was fitted on labelled queries and lies beside an index: when to stop scoring, and what a score is worth."""

from shortlist.fitted.beside import Beside
from shortlist.fitted.probability import Calibration, Isotonic, Platt, leave_out
from shortlist.fitted.stop import StopRule

__all__ = ["Beside", "Calibration", "Isotonic", "Platt", "StopRule", "leave_out"]
