"""Fits the reranker to the judged queries of a user, and tests the result on queries that were held out."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TypeAlias

import numpy as np

from shortlist.adapting.choose import Choice, choose, learned_by
from shortlist.adapting.gather import Gathered, gather
from shortlist.adapting.last_stage import LastStage
from shortlist.adapting.learn import Learned, Learner, Recipe
from shortlist.adapting.options import FEWEST_QUERIES, AdaptOptions
from shortlist.adapting.report import Report, report_on
from shortlist.adapting.result import Adaptation, AdaptedModel
from shortlist.adapting.split import FOLDS, halves
from shortlist.config.weights import Weights
from shortlist.errors import InvalidInput
from shortlist.evaluation.metrics.measures import parse_with_cutoff
from shortlist.evaluation.query_sets.query_set import Judged
from shortlist.models import cross_encoder_spec
from shortlist.rerankers.cross_encoder import CrossEncoder
from shortlist.search.scores import info_of
from shortlist.search.search import Search

Progress: TypeAlias = Callable[[str, int, int], None]
"""Receives the name of the current part, the number of finished items, and the number of all items."""
PAIRS, SPLITS, HELD_OUT = "pairs", "inner splits", "held-out queries"
"""The parts of an adaptation, in order."""
_DIGITS = 3
"""Decimal places of the weights of stage one."""


def adapt(
    search: Search, judged: Judged, options: AdaptOptions | None = None, *, progress: Progress | None = None
) -> Adaptation:
    """Fit the reranker and the weights of stage one to judged queries, and test the result on held-out queries.

    The queries are divided by the hash of their ids. The model learns from one half. On inner splits of this half, the
    level and the number of epochs are chosen. The other half compares the final orders with and without the adaptation.

    Args:
        search: The search, whose reranker is a cross-encoder in the form of the packaged one.
        judged: The queries with their judgments.
        options: The options of the adaptation.
        progress: A function that receives the part, the number of finished items, and the number of all items.

    Raises:
        InvalidInput: Too few queries, a reranker that cannot be adapted, or a half that teaches nothing.
        BadScores: The reranker returned NaN or infinity.
    """
    options, show = options or AdaptOptions(), progress or (lambda part, done, total: None)
    search = replace(search, config=search.config.override({"rerank": True, "progressive": False}))
    reranker = _checked(search, judged)
    stage = LastStage(cross_encoder_spec(str(reranker.folder)))
    fit, unseen = halves(judged, options.most_queries)
    gathered = gather(search, reranker, stage, fit, options.pool_size, lambda done, total: show(PAIRS, done, total))
    before = search.weights_at()
    choice, learned = _learned(stage, gathered, before, options, show)
    weights = _weights(gathered, learned, before)
    bi_encoder = getattr(search.retriever, "bi_encoder", None)
    about = {
        "base": info_of(reranker).name,
        "base_weights": reranker.weights_hash(),
        "level": choice.level,
        "epochs": choice.epochs,
        "query_set": judged.name,
        "queries": judged.resolved,
        "learned_from": len(gathered.examples),
        "pool_size": options.pool_size,
    }
    model = AdaptedModel(stage, learned, {} if bi_encoder is None else {bi_encoder: weights}, about)
    return Adaptation(
        query_set=judged.name,
        base=info_of(reranker).name,
        choice=choice,
        report=None if choice.level is None else _reported(search, reranker, model, weights, unseen, options, show),
        weights_before=before,
        weights=weights,
        learned=len(gathered.examples),
        skipped=gathered.skipped,
        untaught=gathered.untaught,
        left_out=len(judged.queries) - len(fit.queries) - len(unseen.queries),
        model=model,
    )


def check_queries(queries: int, name: str) -> None:
    """Raise InvalidInput if there are fewer than `FEWEST_QUERIES` judged queries."""
    if queries < FEWEST_QUERIES:
        raise InvalidInput(
            f"{name} has {queries} judged queries: an adaptation needs at least {FEWEST_QUERIES}, because it learns "
            "from one half and is tested on the other. `tune` needs fewer"
        )


def _checked(search: Search, judged: Judged) -> CrossEncoder:
    """The reranker, if it and the queries can be used."""
    check_queries(len(judged.queries), judged.name)
    reranker = search.reranker_at()
    if not isinstance(reranker, CrossEncoder):
        name = "missing" if reranker is None else info_of(reranker).name
        raise InvalidInput(
            f"the reranker is {name}: only a local cross-encoder in the form of the packaged one can be adapted",
            field="reranker",
        )
    if info_of(reranker).unit != "logit":
        raise InvalidInput("the reranker returns no logits: load it with the activation raw", field="reranker")
    return reranker


def _learned(
    stage: LastStage, gathered: Gathered, before: Weights, options: AdaptOptions, show: Progress
) -> tuple[Choice, Learned]:
    """The choice by the inner splits, and what the chosen level learns from all queries of the half."""
    recipe, measure, examples = Recipe(), parse_with_cutoff(options.measure), gathered.examples
    learner = Learner(stage, examples, [before.get(name, 0.0) for name in gathered.signals])
    rounds, done = len(options.levels) * FOLDS + 1, 0

    def add() -> None:
        nonlocal done
        done += 1
        show(SPLITS, done, rounds)

    choice = choose(learner, examples, options.levels, recipe, measure, add)
    learned = learner.start if choice.level is None else learned_by(learner, examples, choice, recipe)
    add()
    return choice, learned


def _weights(gathered: Gathered, learned: Learned, before: Weights) -> Weights:
    pairs = zip(gathered.signals, np.round(learned.blend, _DIGITS).tolist(), strict=True)
    return Weights({name: weight for name, weight in pairs if weight}, before.negated)


def _reported(
    search: Search,
    reranker: CrossEncoder,
    model: AdaptedModel,
    weights: Weights,
    unseen: Judged,
    options: AdaptOptions,
    show: Progress,
) -> Report:
    """The comparison on the held-out half. The adapted model is loaded from files, as a search loads it."""
    measure = parse_with_cutoff(options.measure)

    def shown(done: int, total: int) -> None:
        show(HELD_OUT, done, total)

    if not model.changes_model:
        return report_on(search, reranker, weights, unseen, options.pool_size, measure, shown)
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / "reranker"
        model.write(place, None)
        return report_on(search, reranker.at(place), weights, unseen, options.pool_size, measure, shown)
