"""`shortlist calibrate`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from shortlist.cli import options_measuring as measuring_options
from shortlist.cli.options import STAGES, Given, SearchedIndexOption, StateOption, option, resolved, with_settings
from shortlist.cli.options_reading import EncodingOption

PARTIAL = Path("shortlist-calibrate.*.partial.jsonl")


@with_settings(*STAGES)
def calibrate(  # noqa: PLR0913 - one parameter per option
    queries: measuring_options.QueriesArgument,
    given: Given,
    index: SearchedIndexOption = None,
    state: StateOption = None,
    qrels: measuring_options.QrelsOption = None,
    split: measuring_options.SplitOption = "test",
    encoding: EncodingOption = "",
    pool: Annotated[int, option("--pool", "N", "The largest pool.")] = 100,
    top: Annotated[int, option("--top", "N", "Hits in an answer. The stop rule is fitted for this number.")] = 10,
    measure: Annotated[
        str, option("--measure", "NAME@K|overlap", "The measure that an early stop may lower.")
    ] = "nDCG@10",
    alpha: Annotated[float, option("--alpha", "X", "The allowed mean loss, 0 to 1.")] = 0.05,
    delta: Annotated[float, option("--delta", "P", "The allowed probability of a larger mean loss, 0 to 1.")] = 0.05,
    gate_alpha: Annotated[
        float, option("--gate-alpha", "X", "The mean loss that skipping stage two may cost, 0 to 1.")
    ] = 0.01,
    method: Annotated[str, option("--method", "auto|platt|isotonic", "The curve from score to probability.")] = "auto",
    judged_only: Annotated[
        bool,
        typer.Option(
            "--judged-only", help="Leave out passages without a judgment. Otherwise they count as not relevant."
        ),
    ] = False,
    ignore_identical_ids: measuring_options.IdenticalOption = False,
    allow_unknown: measuring_options.UnknownOption = False,
    checkpoint: measuring_options.CheckpointOption = PARTIAL,
) -> None:
    """Fit a stop rule for the pool, a gate, and a curve from scores to probabilities.

    One scoring pass gives all three, for `search --pool auto`, `search --gate` and `search --min-probability`. The
    index folder stores them, or the folder of --state if the retriever has no index. You may interrupt the command: run
    it again to continue.
    """
    from shortlist.cli.console import output, say
    from shortlist.cli.render import calibration as render
    from shortlist.cli.render import evaluation as render_evaluation
    from shortlist.cli.render.progress import bar, kept_in, kept_on_failure
    from shortlist.cli.setups import Judging, PlaceOptions, SetUp, opened
    from shortlist.evaluation.calibration.calibrate import CalibrateOptions, check_values
    from shortlist.evaluation.calibration.calibrate import calibrate as run_calibration
    from shortlist.evaluation.query_sets import files

    curve: Any = None if method == "auto" else method  # `CalibrateOptions` checks the name
    options = CalibrateOptions(
        pool_size=pool,
        top_k=top,
        measure=measure,
        alpha=alpha,
        delta=delta,
        gate_alpha=gate_alpha,
        method=curve,
        judged_only=judged_only,
        checkpoint=checkpoint,
    )
    check_values(options)
    set_up = SetUp.at("calibrate", resolved({**given, "rerank": True}).config, PlaceOptions(index, state))
    judging = Judging(
        files.read(queries, qrels=qrels, split=split, encoding=encoding), allow_unknown, ignore_identical_ids
    )
    with (
        kept_on_failure(kept_in(checkpoint, "the scores")),
        opened(set_up, judging) as (_, subject),
    ):
        render_evaluation.query_set(subject.judged, subject.search)
        with bar("passages") as progress:
            rules = run_calibration(
                subject.search, subject.judged, replace(options, about=subject.about), progress=progress
            )
        stored = rules.save()
    out = output()
    render.fitted(out, rules)
    say(out, f"written to {' and '.join(map(str, stored))}")
