"""How much of stage one's signals goes into the final score: where to start, and which blend to keep."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from shortlist.evaluation.recorded import Recorded
from shortlist.evaluation.statistics import paired
from shortlist.evaluation.sweep import Curve

SIGNAL = "dense"


def derived(recorded: Sequence[Recorded]) -> dict[str, float]:
    """A weight for the cosine, to three digits, where none was fitted; empty where hits carry no cosine.

    It makes the cosine spread as far as the reranker's score within a pool: the median over queries of the ratio of
    their standard deviations.
    """
    ratios = []
    for one in recorded:
        pool = [hit for hit in one.found[max(one.found)] if hit.passage.id in one.scores and SIGNAL in hit.signals]
        if len(pool) > 1:
            apart = float(np.std([hit.signals[SIGNAL] for hit in pool]))
            spread = float(np.std([one.scores[hit.passage.id] for hit in pool]))
            if apart > 0 and spread > 0:
                ratios.append(spread / apart)
    return {SIGNAL: float(f"{np.median(ratios):.3g}")} if ratios else {}


def choose_blend(curves: Sequence[Curve], measure: str, current: float) -> tuple[float, str]:
    """The blend to use, and why: the current one, unless the best other one is better by its paired interval."""
    by_blend = {one.blend: one for one in curves}
    now = by_blend[current]
    best = max(curves, key=lambda one: float(one.means(measure).max()))
    here, there = now.reranked[measure][now.best(measure)], best.reranked[measure][best.best(measure)]
    if best is now or np.array_equal(here, there):
        return current, f"{current:g} stays: no other blend scores higher"
    moved = paired(there, here).difference
    said = f"{best.blend:g} scores {moved.mean:+.4f} [{moved.low:+.4f}, {moved.high:+.4f}] {measure} against it"
    if moved.low > 0:
        return best.blend, f"{best.blend:g} instead of {current:g}: {said}"
    return current, f"{current:g} stays: {said}, which these queries can't tell from chance"
