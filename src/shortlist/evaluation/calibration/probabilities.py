"""Scores with labels, and the curve from score to probability that fits them, tested on unseen queries."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from shortlist.errors import InvalidInput
from shortlist.evaluation.calibration.isotonic import fit_isotonic
from shortlist.evaluation.calibration.platt import fit_platt
from shortlist.evaluation.metrics.reliability import Unlabelled
from shortlist.evaluation.metrics.statistics import SEED
from shortlist.evaluation.query_sets.query_set import Judged
from shortlist.reprs import short_repr
from shortlist.search.probability import Calibration, Isotonic, Platt
from shortlist.types import Hit

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Method: TypeAlias = Literal["platt", "isotonic"]
METHODS: tuple[Method, ...] = ("platt", "isotonic")

FOLDS = 5
LEAST = 10
"""A curve needs at least this many relevant passages among the scored passages."""


@dataclass(frozen=True, slots=True)
class Labelled:
    """Scored passages: their final `scores`, `labels` of 1 (relevant) or 0, and `queries`, the number of each query.

    `unjudged` counts the passages without a judgment that count as not relevant. If such passages are left out instead,
    `left_out` and `left_out_queries` hold their scores and queries, because a search shows these passages, too.
    """

    scores: Floats
    labels: Floats
    queries: Ints
    unjudged: int = 0
    left_out: Floats = field(default_factory=lambda: np.zeros(0))
    left_out_queries: Ints = field(default_factory=lambda: np.zeros(0, dtype=np.int64))


@dataclass(frozen=True, slots=True)
class ProbabilityFit:
    """The curve that was fitted on all queries, and the quality of such curves on unseen queries.

    `held_out` holds a probability for each labelled passage, and `left_out` for each passage without a label. These
    probabilities come from curves that were not fitted on the query of the passage. `log_loss` maps each method, and
    "base rate", to its loss in nats. A lower loss is better.
    """

    calibration: Calibration
    method: Method
    labelled: Labelled
    held_out: Floats
    log_loss: dict[str, float]
    left_out: Floats = field(default_factory=lambda: np.zeros(0))

    def __repr__(self) -> str:
        relevant = int(self.labelled.labels.sum())
        facts = {"passages": len(self.labelled.labels), "relevant": relevant, "log_loss": self.log_loss}
        return short_repr(self, self.method, facts)

    @property
    def unlabelled(self) -> Unlabelled:
        """The passages that the labels leave out, for `reliability.thresholds`."""
        return Unlabelled(self.left_out, self.labelled.left_out_queries)


def labelled(rankings: Sequence[tuple[str, Sequence[Hit]]], judged: Judged, *, judged_only: bool = False) -> Labelled:
    """Return the scored hits of each (query id, hits best first) with their labels.

    The score is the final score, because the final score orders the answer: a smallest probability then cuts a ranking
    at one place. The final score does not depend on the other passages of a pool. Scores of different queries can
    therefore be compared.

    A grade above 0 is relevant. Passages without a judgment count as not relevant, because most query sets list only
    what is relevant. This makes probabilities too low if judgments are sparse. With `judged_only`, these passages are
    left out instead. This makes probabilities too high if mostly good passages were judged. The passages that are left
    out still count as hits that a query shows. If documents are judged, each document counts once, at its best passage.
    Hits without a score of the reranker are ignored.
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
    left_scores, left_queries = np.array(left_out, dtype=np.float64).reshape(-1, 2).T
    return Labelled(scores, labels, queries.astype(np.int64), unjudged, left_scores, left_queries.astype(np.int64))


def fit_probabilities(data: Labelled, method: Method | None = None, *, seed: int = SEED) -> ProbabilityFit:
    """Return the curve of `method`, or of the method with the smaller log loss on unseen queries.

    Queries are divided into five folds. Each fold gets its probabilities from a curve that was fitted on the others.

    Raises:
        InvalidInput: All scored passages are relevant or none is, fewer than 10 are relevant, or all passages of one
            kind belong to one query.
    """
    _check(data)
    fold = _folds(data, seed)
    folds, left_folds = _passage_folds(fold, data.queries), _passage_folds(fold, data.left_out_queries)
    left_out: dict[Method, Floats] = {name: np.zeros(len(left_folds)) for name in METHODS}
    held_out: dict[Method, Floats] = {name: np.zeros(len(data.scores)) for name in METHODS}
    base = np.zeros(len(data.scores))
    for number in range(FOLDS):
        inside = folds == number
        scores, labels = data.scores[~inside], data.labels[~inside]
        base[inside] = labels.mean()
        for name in METHODS:
            curve = _fitted(name, scores, labels)
            held_out[name][inside] = probabilities(curve, data.scores[inside])
            left_out[name][left_folds == number] = probabilities(curve, data.left_out[left_folds == number])
    losses: dict[str, float] = {name: log_loss(held_out[name], data.labels) for name in METHODS}
    better: Method = "platt" if losses["platt"] <= losses["isotonic"] else "isotonic"
    chosen: Method = method or better
    losses["base rate"] = log_loss(base, data.labels)
    curve = _fitted(chosen, data.scores, data.labels)
    return ProbabilityFit(curve, chosen, data, held_out[chosen], losses, left_out[chosen])


def probabilities(calibration: Calibration, scores: Floats) -> Floats:
    """Return the probability at each score."""
    return np.array([calibration.of(float(score)) for score in scores])


def log_loss(predicted: Floats, labels: Floats) -> float:
    """Return the mean of -log of the probability of the true label, in nats. Probabilities stay 1e-12 off 0 and 1."""
    clipped = np.clip(predicted, 1e-12, 1 - 1e-12)
    return float(-(labels * np.log(clipped) + (1 - labels) * np.log1p(-clipped)).mean())


def _fitted(method: Method, scores: Floats, labels: Floats) -> Calibration:
    if method == "platt":
        return Platt(*fit_platt(scores, labels))
    knots, values = fit_isotonic(scores, labels)
    return Isotonic(tuple(knots.tolist()), tuple(values.tolist()))


def _check(data: Labelled) -> None:
    ones = int(data.labels.sum())
    others = len(data.labels) - ones
    if not len(data.labels):
        raise InvalidInput("no passage was scored and judged, so there is nothing to fit probabilities on")
    if not ones or not others:
        kind = "relevant" if not others else "not relevant"
        raise InvalidInput(
            f"all {len(data.labels)} scored passages are {kind}, and probabilities need both kinds: judge more "
            "queries, or score a larger pool"
        )
    if ones < LEAST:
        raise InvalidInput(
            f"{ones} relevant passages among the {len(data.labels)} scored passages are too few: probabilities need at "
            f"least {LEAST}. Judge more queries, or score a larger pool"
        )
    for kind, places in (("relevant passages", data.labels > 0), ("passages that are not relevant", data.labels == 0)):
        if len(np.unique(data.queries[places])) < 2:
            raise InvalidInput(f"all {kind} belong to one query: judge more queries, or score a larger pool")


def _folds(data: Labelled, seed: int) -> dict[int, int]:
    """The fold of each query. No fold gets all passages of one kind.

    The queries are sorted: first those with relevant passages only, then those with both kinds, then the others. The
    sorted queries go to the folds in turn.
    """
    generator = np.random.default_rng(seed)
    numbers = np.unique(np.concatenate([data.queries, data.left_out_queries]))
    shuffled = numbers[generator.permutation(len(numbers))]
    relevant, others = (set(data.queries[data.labels == label].tolist()) for label in (1, 0))
    groups = (relevant - others, relevant & others, others - relevant)
    place_of = {number: place for place, group in enumerate(groups) for number in group}
    ordered = sorted(shuffled.tolist(), key=lambda number: place_of.get(number, len(groups)))
    return {number: place % FOLDS for place, number in enumerate(ordered)}


def _passage_folds(fold: Mapping[int, int], queries: Ints) -> Ints:
    """The fold of each passage: the fold of its query."""
    return np.array([fold[number] for number in queries.tolist()], dtype=np.int64)
