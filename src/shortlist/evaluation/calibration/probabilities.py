"""Scores with labels, and the curve from score to probability that fits them, checked on queries it did not see."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from shortlist.errors import InvalidInput
from shortlist.evaluation.calibration.isotonic import fit_isotonic
from shortlist.evaluation.calibration.platt import fit_platt
from shortlist.evaluation.metrics.reliability import Beside
from shortlist.evaluation.metrics.statistics import SEED
from shortlist.evaluation.query_sets.query_set import Judged
from shortlist.search.probability import Calibration, Isotonic, Platt
from shortlist.types import Hit

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Method: TypeAlias = Literal["platt", "isotonic"]
METHODS: tuple[Method, ...] = ("platt", "isotonic")

FOLDS = 5
LEAST = 10
"""Fewer relevant passages among the scored ones than this give no curve worth the name."""


@dataclass(frozen=True, slots=True)
class Labelled:
    """Scored passages: final `scores`, `labels` of 1 (relevant) or 0, and `queries`, the number of each one's query.

    `unjudged` counts passages without a judgment that were taken as not relevant. Where those were left out instead,
    `left_out` and `left_out_queries` hold their scores and queries: a search would show them all the same.
    """

    scores: Floats
    labels: Floats
    queries: Ints
    unjudged: int = 0
    left_out: Floats = field(default_factory=lambda: np.zeros(0))
    left_out_queries: Ints = field(default_factory=lambda: np.zeros(0, dtype=np.int64))


@dataclass(frozen=True, slots=True)
class Calibrated:
    """The curve fitted on all queries, and how curves like it did on queries that they were not fitted on.

    `held_out` holds a probability for each passage from a curve that did not see its query, `left_out` one for each
    that the labels leave out. `log_loss` goes by method, in nats, lower is better; "base rate" is the base rate's.
    """

    calibration: Calibration
    method: Method
    labelled: Labelled
    held_out: Floats
    log_loss: dict[str, float]
    left_out: Floats = field(default_factory=lambda: np.zeros(0))

    @property
    def shown_beside(self) -> Beside:
        """The passages that the labels leave out: their probabilities and queries, for `reliability.thresholds`."""
        return self.left_out, self.labelled.left_out_queries


def labelled(rankings: Sequence[tuple[str, Sequence[Hit]]], judged: Judged, *, judged_only: bool = False) -> Labelled:
    """The scored hits of each (query id, hits best first) with their labels.

    The score is the final one, because that is what orders the answer: a smallest probability then cuts the ranking
    at one place, and nothing that is left out stands above anything that stays. It does not depend on the other
    passages of a pool, so it compares between queries.

    A grade above 0 is relevant. Passages without a judgment count as not relevant, since the usual query set lists
    what is relevant and leaves the rest; that makes probabilities too low where judgments are sparse. With
    `judged_only` they are left out instead, which makes them too high where mostly good passages were judged; they
    still count for whether a query has anything left to show. Where
    documents are judged, each counts once, at its best passage. Hits that were not scored are passed over.
    """
    rows: list[tuple[float, float, int]] = []
    left_out: list[tuple[float, int]] = []
    unjudged = 0
    for number, (query_id, hits) in enumerate(rankings):
        grades = judged.qrels[query_id]
        best: dict[str, float] = {}
        for hit in hits:
            if hit.rerank_score is not None:
                best.setdefault(judged.key(hit), hit.score)
        for key, score in best.items():
            if key not in grades and judged_only:
                left_out.append((score, number))
                continue
            unjudged += key not in grades
            rows.append((score, float(grades.get(key, 0) > 0), number))
    scores, labels, queries = np.array(rows, dtype=np.float64).reshape(-1, 3).T
    others, asked = np.array(left_out, dtype=np.float64).reshape(-1, 2).T
    return Labelled(scores, labels, queries.astype(np.int64), unjudged, others, asked.astype(np.int64))


def fit(made: Labelled, method: Method | None = None, *, seed: int = SEED) -> Calibrated:
    """The curve by `method`, or by the one with the smaller log loss on queries that it was not fitted on.

    Queries are dealt into five folds; each fold gets its probabilities from a curve fitted on the other four.

    Raises:
        InvalidInput: No relevant or no other passage among the scored ones, fewer than 10 relevant ones, or relevant
            or other ones for fewer than two queries.
    """
    _check(made)
    fold = _folds(made, seed)
    folds, others = _of(fold, made.queries), _of(fold, made.left_out_queries)
    left_out: dict[Method, Floats] = {one: np.zeros(len(others)) for one in METHODS}
    held_out: dict[Method, Floats] = {one: np.zeros(len(made.scores)) for one in METHODS}
    base = np.zeros(len(made.scores))
    for number in range(FOLDS):
        inside = folds == number
        scores, labels = made.scores[~inside], made.labels[~inside]
        base[inside] = labels.mean()
        for one in METHODS:
            curve = _fitted(one, scores, labels)
            held_out[one][inside] = probabilities(curve, made.scores[inside])
            left_out[one][others == number] = probabilities(curve, made.left_out[others == number])
    losses: dict[str, float] = {one: log_loss(held_out[one], made.labels) for one in METHODS}
    chosen: Method = (
        method if method is not None else ("platt" if losses["platt"] <= losses["isotonic"] else "isotonic")
    )
    losses["base rate"] = log_loss(base, made.labels)
    return Calibrated(
        _fitted(chosen, made.scores, made.labels), chosen, made, held_out[chosen], losses, left_out[chosen]
    )


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
    for what, places in (("relevant passages", made.labels > 0), ("passages that are not relevant", made.labels == 0)):
        if len(np.unique(made.queries[places])) < 2:
            raise InvalidInput(f"all {what} belong to one query: judge more queries, or score a larger pool")


def _folds(made: Labelled, seed: int) -> dict[int, int]:
    """The fold of each query.

    Queries with something relevant stand side by side when they are dealt, and so do those with something else: no
    fold holds all passages of one kind.
    """
    generator = np.random.default_rng(seed)
    numbers = np.unique(np.concatenate([made.queries, made.left_out_queries]))
    shuffled = numbers[generator.permutation(len(numbers))]
    right, wrong = (set(made.queries[made.labels == label].tolist()) for label in (1, 0))
    groups = (right - wrong, right & wrong, wrong - right)
    place_of = {number: place for place, group in enumerate(groups) for number in group}
    dealt = sorted(shuffled.tolist(), key=lambda number: place_of.get(number, len(groups)))
    return {number: place % FOLDS for place, number in enumerate(dealt)}


def _of(fold: Mapping[int, int], queries: Ints) -> Ints:
    """The fold of each passage, that of its query."""
    return np.array([fold[number] for number in queries.tolist()], dtype=np.int64)
