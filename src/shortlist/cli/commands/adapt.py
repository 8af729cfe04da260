"""`shortlist adapt`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from shortlist import config as config_file
from shortlist.cli import options_measuring as measuring_options
from shortlist.cli.options import STAGES, Given, SearchedIndexOption, StateOption, option, resolved, with_settings
from shortlist.cli.options_reading import EncodingOption

if TYPE_CHECKING:
    from shortlist.adapting.options import AdaptOptions
    from shortlist.adapting.result import Adaptation
    from shortlist.cli.setups import Judging, SetUp

FOLDER = Path("adapted-reranker")
REFUSED = 1
"""The exit code if the adapted model is not better."""


@with_settings(*STAGES)
def adapt(  # noqa: PLR0913 - one parameter per option
    queries: measuring_options.QueriesArgument,
    given: Given,
    index: SearchedIndexOption = None,
    state: StateOption = None,
    qrels: measuring_options.QrelsOption = None,
    split: measuring_options.SplitOption = "test",
    encoding: EncodingOption = "",
    to: Annotated[Path, option("--to", "FOLDER", "The folder of the adapted model.")] = FOLDER,
    pool: Annotated[int, option("--pool", "N", "Passages of each query to learn from.")] = 50,
    level: Annotated[
        str,
        option("--level", "auto|weights|head|layer", "The part that changes: see above. auto chooses by inner splits."),
    ] = "auto",
    measure: Annotated[str, option("--measure", "NAME@K", "The measure that decides.")] = "nDCG@10",
    most_queries: Annotated[int, option("--most-queries", "N", "Queries of each half, at most.")] = 400,
    ignore_identical_ids: measuring_options.IdenticalOption = False,
    allow_unknown: measuring_options.UnknownOption = False,
    write: Annotated[
        bool, typer.Option("--write", help="Write the adapted model into shortlist.toml in this folder.")
    ] = False,
) -> None:
    """Fit the reranker to your judged queries, and keep the result only if it is better on other queries.

    The model learns from one half of the queries. The other half compares both models in the final order. If the
    adapted model is not better beyond chance, the command writes nothing, and the exit code is 1. The levels are
    weights (the weights of stage one in the final score), head (also the head of the model) and layer (also its last
    layer).
    """
    from shortlist.adapting.adapt import check_queries
    from shortlist.adapting.options import AdaptOptions
    from shortlist.atomic_io import check_new_folder, check_place
    from shortlist.cli.console import output, say
    from shortlist.cli.render import adapting as render
    from shortlist.cli.setups import Judging, PlaceOptions, SetUp
    from shortlist.evaluation.query_sets import files

    check_new_folder(to)
    if write:
        check_place(Path.cwd() / config_file.FILE)
    chosen: Any = level  # `AdaptOptions` checks the name
    options = AdaptOptions(pool_size=pool, level=chosen, measure=measure, most_queries=most_queries)
    set_up = SetUp.at("adapt", resolved({**given, "rerank": True}).config, PlaceOptions(index, state))
    query_set = files.read(queries, qrels=qrels, split=split, encoding=encoding)
    check_queries(len(query_set.queries), query_set.name)
    adaptation = _adapted(set_up, Judging(query_set, allow_unknown, ignore_identical_ids), options)
    out = output()
    render.adaptation(out, adaptation)
    if not adaptation.better:
        raise typer.Exit(REFUSED)
    say(out, f"written to {adaptation.save(to)}")
    say(out, f"\n# {config_file.FILE}\n{adaptation.lines(to)}")
    if write:
        say(out, f"written to {adaptation.write(to)}")


def _adapted(set_up: SetUp, judging: Judging, options: AdaptOptions) -> Adaptation:
    """Return the adaptation, and show its progress."""
    from shortlist.adapting.adapt import adapt as run_adaptation
    from shortlist.cli.render import evaluation as render_evaluation
    from shortlist.cli.render.progress import bars
    from shortlist.cli.setups import opened

    with opened(set_up, judging) as (_, subject):
        render_evaluation.query_set(subject.judged, subject.search)
        with bars() as progress:
            return run_adaptation(subject.search, subject.judged, options, progress=progress)
