"""The choice of the blend, the factor of stage one's weights in the final score."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from shortlist.evaluation.query_sets.holdout import Halves, choose_setting
from shortlist.evaluation.replay.replay import Recorded
from shortlist.evaluation.tuning.sweep import Curve
from shortlist.types import DENSE, Note


def derived_weights(recorded: Sequence[Recorded]) -> dict[str, float]:
    """Return a weight for the cosine, for models without fitted weights. Empty if hits have no cosine.

    With this weight, the cosine varies as much as the reranker's score within a pool. For each query, the standard
    deviation of the scores is divided by the standard deviation of the cosines. The weight is the median of these
    ratios, rounded to three digits.
    """
    ratios = []
    for each in recorded:
        longest = each.answers[max(each.answers)]
        pool = [hit for hit in longest if hit.passage.id in each.scores and DENSE in hit.signals]
        if len(pool) > 1:
            cosine_spread = float(np.std([hit.signals[DENSE] for hit in pool]))
            score_spread = float(np.std([each.scores[hit.passage.id] for hit in pool]))
            if cosine_spread > 0 and score_spread > 0:
                ratios.append(score_spread / cosine_spread)
    return {DENSE: float(f"{np.median(ratios):.3g}")} if ratios else {}


def choose_blend(curves: Sequence[Curve], measure: str, current: float, parts: Halves) -> tuple[float, Note]:
    """Return the blend to use, and the reason: the current blend, unless the best other blend is better beyond chance.

    Each blend is measured at the pool size that is best for it on the half to choose on.
    """
    chosen_on = {curve.blend: curve.part(parts.chosen) for curve in curves}
    values = {
        curve.blend: np.asarray(curve.reranked[measure][chosen_on[curve.blend].best(measure)]) for curve in curves
    }
    best = max(curves, key=lambda curve: float(chosen_on[curve.blend].means(measure).max())).blend
    return choose_setting("blend", values, best, current, parts, measure)
