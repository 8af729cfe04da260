"""`shortlist tune`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from shortlist import config as config_file
from shortlist.cli import options_measuring as measuring_options
from shortlist.cli.options import STAGES, Given, SearchedIndexOption, StateOption, resolved, with_settings
from shortlist.cli.options_reading import EncodingOption
from shortlist.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Callable

    from shortlist.cli.setups import Judging, SetUp
    from shortlist.evaluation.tuning.options import TuneOptions
    from shortlist.evaluation.tuning.tune import Tuning

PARTIAL = Path("shortlist-tune.*.partial.jsonl")


@with_settings("progressive", *STAGES)
def tune(  # noqa: PLR0913 - one parameter per option
    queries: measuring_options.QueriesArgument,
    given: Given,
    index: SearchedIndexOption = None,
    state: StateOption = None,
    qrels: measuring_options.QrelsOption = None,
    split: measuring_options.SplitOption = "test",
    encoding: EncodingOption = "",
    sizes: measuring_options.SizesOption = None,
    blends: measuring_options.BlendsOption = None,
    fusions: measuring_options.FusionsOption = None,
    measure: measuring_options.MeasuresOption = None,
    budget_ms: measuring_options.BudgetOption = None,
    timed: measuring_options.TimedOption = None,
    ignore_identical_ids: measuring_options.IdenticalOption = False,
    allow_unknown: measuring_options.UnknownOption = False,
    checkpoint: measuring_options.CheckpointOption = PARTIAL,
    write: measuring_options.WriteOption = False,
    report: measuring_options.ReportOption = None,
) -> None:
    """Find the pool size, the blend, the fusion weight and the smallest score for your queries.

    One scoring pass gives all these values. You may interrupt the command: run it again to continue.
    """
    from shortlist.atomic_io import check_place
    from shortlist.cli.console import output
    from shortlist.cli.render import report_file
    from shortlist.cli.render import tuning as render
    from shortlist.cli.render.progress import kept_in, kept_on_failure
    from shortlist.cli.setups import Judging, PlaceOptions, SetUp
    from shortlist.evaluation.query_sets import files
    from shortlist.evaluation.tuning.options import BLENDS, FUSIONS, MEASURES, SIZES, TuneOptions, check_values

    if report is not None:
        report_file.check(report)
    if write:
        check_place(Path.cwd() / config_file.FILE)
    options = TuneOptions(
        sizes=_numbers(sizes, "--sizes", int, SIZES),
        blends=_numbers(blends, "--blends", float, BLENDS),
        fusions=_numbers(fusions, "--fusions", float, FUSIONS),
        measures=tuple(measure or MEASURES),
        budget_ms=budget_ms,
        timed=timed,
        checkpoint=checkpoint,
    )
    check_values(options)
    set_up = SetUp.at("tune", resolved({**given, "rerank": True}).config, PlaceOptions(index, state))
    judging = Judging(
        files.read(queries, qrels=qrels, split=split, encoding=encoding), allow_unknown, ignore_identical_ids
    )
    with kept_on_failure(kept_in(checkpoint, "the scores")):
        tuning, page = _tuned(set_up, judging, options, report is not None)
    render.tuning(output(), tuning)
    if report is not None:
        report_file.put(page, report)
    _settings(tuning, write)


def _settings(tuning: Tuning, write: bool) -> None:
    """Print the settings for the file, and write them if `write` is true."""
    from shortlist.cli.console import output, say

    out, lines = output(), tuning.lines()
    if not lines:
        there = Path(config_file.FILE).exists()
        say(out, f"\nnothing to write into {config_file.FILE}" + "; the file is unchanged" * (write and there))
        return
    say(out, f"\n# {config_file.FILE}\n{lines}")
    removed = ", ".join(tuning.removed())
    if write:
        say(out, f"written to {tuning.write()}" + f"; removed from the file: {removed}" * bool(removed))
    elif removed:
        say(out, f"--write also removes from the file: {removed}")


def _tuned(set_up: SetUp, judging: Judging, options: TuneOptions, reported: bool) -> tuple[Tuning, str]:
    """Return the tuning, and its report if one is requested, else an empty string."""
    from dataclasses import replace

    from shortlist import __version__
    from shortlist.cli.render import evaluation as render
    from shortlist.cli.render import report_file
    from shortlist.cli.render.progress import bar
    from shortlist.cli.render.usage import usage
    from shortlist.cli.setups import opened
    from shortlist.config.weights import scaled
    from shortlist.evaluation.subject import known_passages
    from shortlist.evaluation.tuning.tune import evaluation_at
    from shortlist.evaluation.tuning.tune import tune as run_tuning
    from shortlist.report import shown_size, source_of, tuning_page, written

    with opened(set_up, judging) as (searched, subject):
        search, judged = subject.search, subject.judged
        render.query_set(judged, search)
        with bar("passages") as progress:
            tuning = run_tuning(search, judged, replace(options, about=subject.about), progress=progress)
        usage(search.reranker)
        if not reported:
            return tuning, ""
        weights = scaled(tuning.curves.weights, tuning.blend)
        facts = {**report_file.about(set_up, searched, weights), "blend": f"{tuning.blend:g}, tuned"}
        evaluation = evaluation_at(tuning, judged, shown_size(tuning), cutoff=options.cutoff, about=facts)
        source = source_of(evaluation, judged, known_passages(searched, subject))
        return tuning, tuning_page(tuning, evaluation, source, written(__version__), tuning.lines())


def _numbers(text: str | None, option: str, kind: Callable[[str], Any], default: tuple[Any, ...]) -> tuple[Any, ...]:
    if text is None:
        return default
    try:
        return tuple(kind(part) for part in text.split(",") if part.strip())
    except ValueError as error:
        raise InvalidInput(
            f"{option} is {text!r}: write {'whole ' * (kind is int)}numbers separated by commas"
        ) from error
