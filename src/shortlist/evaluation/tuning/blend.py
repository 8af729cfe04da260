"""How much of stage one's signals goes into the final score: where to start, and which blend to keep."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from shortlist.evaluation.query_sets.holdout import Halves, better
from shortlist.evaluation.replay.replay import Recorded
from shortlist.evaluation.tuning.sweep import Curve

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


def choose_blend(curves: Sequence[Curve], measure: str, current: float, parts: Halves) -> tuple[float, str]:
    """The blend to use, and why: the current one, unless the best other one is better beyond chance.

    Each blend is taken at the pool size that is best for it on the half to choose on.
    """
    if len(curves) == 1:
        return current, f"{current:g} stays: there is no other to try"
    seen = {one.blend: one.part(parts.chosen) for one in curves}
    best = max(curves, key=lambda one: float(seen[one.blend].means(measure).max()))
    now = next(one for one in curves if one.blend == current)
    values = {one.blend: one.reranked[measure][seen[one.blend].best(measure)] for one in curves}
    here = values.pop(current)
    chosen = list(parts.chosen)
    if best is now or np.array_equal(here[chosen], values[best.blend][chosen]):
        return current, f"{current:g} stays: no other blend scores higher"
    won, said = better(list(values.values()), list(values).index(best.blend), here, parts, measure)
    if won:
        return best.blend, f"{best.blend:g} instead of {current:g}: {said}"
    return current, f"{current:g} stays: {best.blend:g} scores {said}"
