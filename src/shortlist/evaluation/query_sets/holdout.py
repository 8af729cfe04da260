"""Two halves of the queries: one to choose a setting, and one to report its result without influence on the choice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from shortlist.evaluation.metrics.statistics import Estimate, best_of_p, paired
from shortlist.types import Note, NoteValue

FEWEST_TO_SPLIT = 20
"""With fewer queries, a half is too small for a choice.

Both halves are then all queries, and the result reports this.
"""

ALPHA = 0.05

Values: TypeAlias = NDArray[np.float64]
Result: TypeAlias = Literal["better", "chance", "no_other_half"]


@dataclass(frozen=True, slots=True)
class Halves:
    """The places of the queries to choose on and of the queries to report on, each in order."""

    chosen: tuple[int, ...]
    reported: tuple[int, ...]

    @property
    def apart(self) -> bool:
        """True if the two halves differ; False if there are too few queries for two halves."""
        return self.chosen != self.reported


@dataclass(frozen=True, slots=True)
class Gain:
    """The best of several alternatives compared with the current setting.

    `result` is "better" if the gain is beyond chance, "chance" if it is not, and "no_other_half" if it is beyond chance
    but there are too few queries for a second half. `gain` is the mean difference on the half to choose on, and `p` is
    its p value, corrected for the choice among `tried` alternatives. `unseen` is the difference on the half to report
    on. It is None unless the result is "better".
    """

    result: Result
    measure: str
    gain: Estimate
    p: float
    tried: int
    unseen: Estimate | None = None

    @property
    def values(self) -> dict[str, NoteValue]:
        """The values of a note about this gain."""
        unseen = {} if self.unseen is None else {f"unseen_{name}": value for name, value in asdict(self.unseen).items()}
        return {
            "result": self.result,
            "measure": self.measure,
            **asdict(self.gain),
            "p": self.p,
            "tried": self.tried,
            **unseen,
        }


def halves(queries: int, seed: int) -> Halves:
    """Return two random halves of `queries` queries. With fewer than 20 queries, both halves are all queries."""
    if queries < FEWEST_TO_SPLIT:
        return Halves(tuple(range(queries)), tuple(range(queries)))
    drawn = np.random.default_rng(seed).permutation(queries).tolist()
    return Halves(tuple(sorted(drawn[: queries // 2])), tuple(sorted(drawn[queries // 2 :])))


def compare_best(tried: Sequence[Values], best: int, current: Values, parts: Halves, measure: str) -> Gain:
    """Compare alternative `best` of `tried` with the current setting. Each array has one value for each query.

    The alternative is better if its mean on the half to choose on is higher, with a p value below 0.05 that is
    corrected for the choice among all of `tried` (`statistics.best_of_p`). The other half does not influence the
    result. Without another half, the result is never "better", because no unseen value could be reported.
    """
    chosen, reported = list(parts.chosen), list(parts.reported)
    gain = paired(tried[best][chosen], current[chosen]).difference
    p = best_of_p(np.array([values[chosen] - current[chosen] for values in tried]), best)
    if gain.mean <= 0 or p >= ALPHA:
        return Gain("chance", measure, gain, p, len(tried))
    if not parts.apart:
        return Gain("no_other_half", measure, gain, p, len(tried))
    unseen = paired(tried[best][reported], current[reported]).difference
    return Gain("better", measure, gain, p, len(tried), unseen)


def choose_setting(
    setting: str, values: Mapping[float, Values], best: float, current: float, parts: Halves, measure: str
) -> tuple[float, Note]:
    """Return the value of a setting to use, and the reason.

    `values` maps each value of the setting to the measure of every query. `best` is the best value on the half to
    choose on.
    """
    if len(values) == 1:
        return current, Note("only_setting", setting=setting, current=current)
    chosen = list(parts.chosen)
    if best == current or np.array_equal(values[current][chosen], values[best][chosen]):
        return current, Note("no_better_setting", setting=setting, current=current)
    others = [value for value in values if value != current]
    gain = compare_best([values[value] for value in others], others.index(best), values[current], parts, measure)
    if gain.result == "better":
        return best, Note("setting_changed", setting=setting, current=current, best=best, **gain.values)
    return current, Note("setting_kept", setting=setting, current=current, best=best, **gain.values)
