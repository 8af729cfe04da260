"""`shortlist calibrate`."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from shortlist.cli import options_measuring as measuring
from shortlist.cli.options import (
    DEFAULT_INDEX,
    BiEncoderOption,
    BlendOption,
    ChosenCrossEncoderOption,
    FusionOption,
    IndexOption,
    PrecisionOption,
    RetrieverOption,
    choose_knobs,
)
from shortlist.cli.render import calibration as show_calibration
from shortlist.cli.render import evaluation as show_evaluation
from shortlist.cli.render.progress import bar, kept_on_failure
from shortlist.cli.setups import SetUp, base, opened
from shortlist.collection import fits_store as store
from shortlist.errors import InvalidInput
from shortlist.evaluation.calibration.adaptive import ALPHA, DELTA
from shortlist.evaluation.calibration.calibrate import POOL, Fitted, Wanted
from shortlist.evaluation.calibration.calibrate import calibrate as run_calibration
from shortlist.evaluation.calibration.probabilities import METHODS, Method
from shortlist.evaluation.evaluate import K
from shortlist.evaluation.query_sets import files as datasets
from shortlist.evaluation.query_sets.query_set import QuerySet
from shortlist.registry import OpenIndex, Settings

PARTIAL = Path("shortlist-calibrate.*.partial.jsonl")


def calibrate(  # noqa: PLR0913 - one parameter an option
    queries: measuring.QueriesArgument,
    index: IndexOption = DEFAULT_INDEX,
    qrels: measuring.QrelsOption = None,
    split: measuring.SplitOption = "test",
    pool: Annotated[int, typer.Option("--pool", metavar="N", help="The largest pool.")] = POOL,
    top: Annotated[int, typer.Option("--top", help="The first ... that an adaptive pool has to get right.")] = K,
    measure: Annotated[
        str, typer.Option("--measure", metavar="NAME@K|overlap", help="What an adaptive pool may lose little of.")
    ] = "nDCG@10",
    alpha: Annotated[float, typer.Option("--alpha", help="The mean loss that is allowed, 0 to 1.")] = ALPHA,
    delta: Annotated[float, typer.Option("--delta", help="The chance that the fit may be wrong, 0 to 1.")] = DELTA,
    method: Annotated[
        str, typer.Option("--method", metavar="auto|platt|isotonic", help="The curve from score to probability.")
    ] = "auto",
    judged_only: Annotated[
        bool, typer.Option("--judged-only", help="Leave out passages without a judgment; else they are not relevant.")
    ] = False,
    retriever: RetrieverOption = "hybrid",
    bi_encoder: BiEncoderOption = None,
    cross_encoder: ChosenCrossEncoderOption = None,
    precision: PrecisionOption = "auto",
    blend: BlendOption = None,
    fusion: FusionOption = None,
    ignore_identical_ids: measuring.ItselfOption = False,
    allow_unknown: measuring.UnknownOption = False,
    checkpoint: measuring.CheckpointOption = PARTIAL,
) -> None:
    """Fit when to stop scoring a pool, and what probability of relevance a score means, from one scoring pass.

    Both are stored beside the index, for `search --pool auto` and `search --min-probability`. Safe to interrupt: the
    same command goes on where it stopped.
    """
    knobs = choose_knobs(blend=blend, fusion=fusion, cross_encoder=cross_encoder)
    wanted = Wanted(pool, top, measure=measure, alpha=alpha, delta=delta, method=_method(method))
    wanted = replace(wanted, judged_only=judged_only, checkpoint=checkpoint)
    plain = base(index, knobs, Settings(retriever, bi_encoder, precision=precision))
    set_up = replace(plain, name="calibrate", pool=pool, rerank=True)
    made = datasets.read(queries, qrels=qrels, split=split)
    with kept_on_failure(f"what was scored is in {checkpoint}"):
        _calibrated(set_up, made, wanted, allow_unknown, ignore_identical_ids)


def _calibrated(set_up: SetUp, made: QuerySet, wanted: Wanted, allow_unknown: bool, itself: bool) -> None:
    console, out = Console(stderr=True, highlight=False), Console(highlight=False)
    with opened(set_up, made, allow_unknown=allow_unknown, itself=itself) as (index, shortlist, judged):
        show_evaluation.query_set(console, judged, sum(map(index.cuts_query, judged.queries.values())))
        about = set_up.about_pass(index, itself=itself)
        with bar(console, "passages") as told:
            found = run_calibration(shortlist, judged, replace(wanted, about=about), progress=told)
        files = _stored(index, found, judged.name)
    show_calibration.fitted(out, found)
    out.print(f"written to {' and '.join(map(str, files))}", markup=False, soft_wrap=True)


def _stored(index: OpenIndex, found: Fitted, query_set: str) -> list[Path]:
    """Writes both beside the index, with what they were fitted on."""
    folder, made_for = index.index.folder, index.beside.fitted_for
    common = {"query_set": query_set, "passages": len(index.index), "declined": found.declined}
    pool, scores = found.adaptive, found.calibrated
    about_pool = {
        **common,
        **asdict(pool.risk),
        "queries": pool.queries,
        "loss": pool.loss,
        "allowed_loss": pool.allowed,
        "mean_scored": pool.scored,
    }
    about_scores = {
        **common,
        "queries": found.queries,
        "scored_passages": len(scores.labelled.labels),
        "relevant": int(scores.labelled.labels.sum()),
        "unjudged_as_not_relevant": scores.labelled.unjudged,
        "log_loss": scores.log_loss,
    }
    return [
        store.write_stop_rule(folder, pool.rule, made_for, about_pool),
        store.write_calibration(folder, scores.calibration, made_for, about_scores),
    ]


def _method(text: str) -> Method | None:
    if text == "auto":
        return None
    for known in METHODS:
        if text == known:
            return known
    raise InvalidInput(f"--method {text!r} is unknown; choose auto, {' or '.join(METHODS)}")
