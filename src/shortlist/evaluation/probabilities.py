"""Scores with labels, and the curve from score to probability that fits them, checked on queries it did not see."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from shortlist.errors import InvalidInput
from shortlist.evaluation.isotonic import fit_isotonic
from shortlist.evaluation.platt import fit_platt
from shortlist.evaluation.query_set import Judged
from shortlist.evaluation.statistics import SEED
from shortlist.fitted.probability import Calibration, Isotonic, Platt
from shortlist.types import Hit

Floats = NDArray[np.float64]
Method: TypeAlias = Literal["platt", "isotonic"]
METHODS: tuple[Method, ...] = ("platt", "isotonic")

FOLDS = 5
LEAST = 10
"""Fewer relevant passages among the scored ones than this give no curve worth the name."""


@dataclass(frozen=True, slots=True)
class Labelled:
    """Scored passages: final `scores`, `labels` of 1 (relevant) or 0, and `queries`, the number of each one's query.

    `unjudged` counts passages without a judgment that were taken as not relevant.
    """

    scores: Floats
    labels: Floats
    queries: NDArray[np.int64]
    unjudged: int = 0


@dataclass(frozen=True, slots=True)
class Calibrated:
    """The curve fitted on all queries, and how curves like it did on queries that they were not fitted on.

    `held_out` holds a probability for each passage from a curve that did not see its query. `log_loss` goes by method,
    in nats, lower is better; the base rate's is under "base rate".
    """

    calibration: Calibration
    method: Method
    labelled: Labelled
    held_out: Floats
    log_loss: dict[str, float]


def labelled(rankings: Sequence[tuple[str, Sequence[Hit]]], judged: Judged, *, judged_only: bool = False) -> Labelled:
    """The scored hits of each (query id, hits best first) with their labels.

    The score is the final one, because that is what orders the answer: a smallest probability then cuts the ranking
    at one place, and nothing that is left out stands above anything that stays. It does not depend on the other
    passages of a pool, so it compares between queries.

    A grade above 0 is relevant. Passages without a judgment count as not relevant, since the usual query set lists
    what is relevant and leaves the rest; that makes probabilities too low where judgments are sparse. With
    `judged_only` they are left out instead, which makes them too high where mostly good passages were judged. Where
    documents are judged, each counts once, at its best passage. Hits that were not scored are passed over.
    """
    scores: list[float] = []
    labels: list[float] = []
    queries: list[int] = []
    unjudged = 0
    for number, (query_id, hits) in enumerate(rankings):
        grades = judged.qrels[query_id]
        best: dict[str, float] = {}
        for hit in hits:
            if hit.rerank_score is not None:
                best.setdefault(judged.key(hit), hit.score)
        for key, score in best.items():
            if key not in grades and judged_only:
                continue
            unjudged += key not in grades
            scores.append(score)
            labels.append(float(grades.get(key, 0) > 0))
            queries.append(number)
    return Labelled(np.array(scores), np.array(labels), np.array(queries, dtype=np.int64), unjudged)


def fit(made: Labelled, method: Method | None = None, *, seed: int = SEED) -> Calibrated:
    """The curve by `method`, or by the one with the smaller log loss on queries that it was not fitted on.

    Queries are dealt into five folds; each fold gets its probabilities from a curve fitted on the other four.

    Raises:
        InvalidInput: No relevant or no other passage among the scored ones, fewer than 10 relevant ones, or relevant
            ones for fewer than two queries.
    """
    _check(made)
    folds = _folds(made, seed)
    held_out: dict[Method, Floats] = {one: np.zeros(len(made.scores)) for one in METHODS}
    base = np.zeros(len(made.scores))
    for number in np.unique(folds):
        inside = folds == number
        scores, labels = made.scores[~inside], made.labels[~inside]
        base[inside] = labels.mean()
        for one in METHODS:
            held_out[one][inside] = probabilities(_fitted(one, scores, labels), made.scores[inside])
    losses: dict[str, float] = {one: log_loss(held_out[one], made.labels) for one in METHODS}
    chosen: Method = (
        method if method is not None else ("platt" if losses["platt"] <= losses["isotonic"] else "isotonic")
    )
    losses["base rate"] = log_loss(base, made.labels)
    return Calibrated(_fitted(chosen, made.scores, made.labels), chosen, made, held_out[chosen], losses)


def probabilities(calibration: Calibration, scores: Floats) -> Floats:
    """The probability at each score."""
    return np.array([calibration.of(float(score)) for score in scores])


def log_loss(chances: Floats, labels: Floats) -> float:
    """The mean of -log of the probability given to what was true, in nats; probabilities are kept 1e-12 off 0 and 1."""
    held = np.clip(chances, 1e-12, 1 - 1e-12)
    return float(-(labels * np.log(held) + (1 - labels) * np.log1p(-held)).mean())


def _fitted(method: Method, scores: Floats, labels: Floats) -> Calibration:
    if method == "platt":
        return Platt(*fit_platt(scores, labels))
    knots, values = fit_isotonic(scores, labels)
    return Isotonic(tuple(knots.tolist()), tuple(values.tolist()))


def _check(made: Labelled) -> None:
    ones = int(made.labels.sum())
    others = len(made.labels) - ones
    if not len(made.labels):
        raise InvalidInput("no passage was scored and judged, so there is nothing to fit probabilities on")
    if not ones or not others:
        what = "relevant" if not others else "not relevant"
        raise InvalidInput(
            f"all {len(made.labels)} scored passages are {what}: probabilities need both kinds. Judge more queries, or "
            "score a larger pool"
        )
    if ones < LEAST:
        raise InvalidInput(
            f"{ones} relevant passages among the {len(made.labels)} scored ones are too few for probabilities: at "
            f"least {LEAST} are needed. Judge more queries, or score a larger pool"
        )
    if len(np.unique(made.queries[made.labels > 0])) < 2:
        raise InvalidInput("all relevant passages belong to one query: judge more queries")


def _folds(made: Labelled, seed: int) -> NDArray[np.int64]:
    """The fold of each passage; passages of one query share it, and queries with something relevant are dealt first.

    That way no fold holds all relevant passages.
    """
    generator = np.random.default_rng(seed)
    numbers = np.unique(made.queries)
    shuffled = numbers[generator.permutation(len(numbers))]
    rich = set(made.queries[made.labels > 0].tolist())
    dealt = sorted(shuffled.tolist(), key=lambda number: number not in rich)
    fold = {number: place % FOLDS for place, number in enumerate(dealt)}
    return np.array([fold[number] for number in made.queries.tolist()], dtype=np.int64)
