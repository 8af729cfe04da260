"""`shortlist evaluate`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import typer
from rich.console import Console

from shortlist.atomic_io import check_place, write_whole
from shortlist.cli import options_measuring as measuring
from shortlist.cli import runs
from shortlist.cli.baseline import against, check_queries, parse_rules
from shortlist.cli.baseline import read as read_baseline
from shortlist.cli.options import (
    DEFAULT_INDEX,
    BiEncoderOption,
    BlendOption,
    ChosenCrossEncoderOption,
    FusionOption,
    IndexOption,
    PoolOption,
    PrecisionOption,
    RerankOption,
    RetrieverOption,
    choose_knobs,
)
from shortlist.cli.render import evaluation as show
from shortlist.cli.render import report_file as reporting
from shortlist.cli.render.progress import bar, kept_on_failure
from shortlist.cli.setups import SetUp, base, opened, parse_set_ups
from shortlist.errors import InvalidInput
from shortlist.evaluation import markdown, saved
from shortlist.evaluation.evaluate import MEASURES, Evaluation, compare, measures_of
from shortlist.evaluation.evaluate import evaluate as run_evaluation
from shortlist.evaluation.gate import Rule, Verdict
from shortlist.evaluation.query_sets import files as datasets
from shortlist.evaluation.query_sets.query_set import QuerySet
from shortlist.evaluation.replay.checkpoint import Checkpoint
from shortlist.registry import Settings, check_hosted
from shortlist.report import Compared, Source, evaluation_page, source_of
from shortlist.search.pipeline import POOL_SIZE

RULE_FAILED = 1
PARTIAL = "shortlist-evaluate.*.partial.jsonl"
"""Where a set-up's partial results are kept until all set-ups are done."""


def evaluate(  # noqa: PLR0913 - one parameter an option
    queries: measuring.QueriesArgument,
    index: IndexOption = DEFAULT_INDEX,
    qrels: measuring.QrelsOption = None,
    split: measuring.SplitOption = "test",
    pool: PoolOption = None,
    retriever: RetrieverOption = "hybrid",
    rerank: RerankOption = None,
    bi_encoder: BiEncoderOption = None,
    cross_encoder: ChosenCrossEncoderOption = None,
    precision: PrecisionOption = "auto",
    blend: BlendOption = None,
    fusion: FusionOption = None,
    set_up: measuring.SetUpOption = None,
    measure: measuring.MeasureOption = None,
    cut: measuring.CutOption = 10,
    failures: measuring.FailuresOption = 5,
    ignore_identical_ids: measuring.ItselfOption = False,
    allow_unknown: measuring.UnknownOption = False,
    save: measuring.SaveOption = None,
    baseline: measuring.BaselineOption = None,
    fail_if: measuring.FailIfOption = None,
    summary: measuring.MarkdownOption = None,
    report: measuring.ReportOption = None,
    run: measuring.RunOption = None,
    write_run: measuring.WriteRunOption = None,
) -> None:
    """Measure both stages and the ceiling between them on judged queries, and say which stage lost each answer.

    Safe to interrupt: the same command goes on where it stopped.
    """
    rules = parse_rules(fail_if or [], baseline)
    for option, number, least in (("--cut", cut, 1), ("--failures", failures, 0)):
        if number < least:
            raise InvalidInput(f"{option} must be {least} or more, not {number}")
    knobs = choose_knobs(pool, blend, rerank, fusion=fusion, cross_encoder=cross_encoder)
    set_ups = parse_set_ups(set_up or [], base(index, knobs, Settings(retriever, bi_encoder, precision=precision)))
    names = tuple(one.name for one in set_ups)
    outputs = Outputs(failures, save, summary, report, write_run, names)
    outputs.check()
    measures = tuple(map(str, measures_of([*(measure or MEASURES), *(rule.measure for rule in rules)])))
    before = [] if baseline is None else read_baseline(baseline, names, measures, rules)
    made = datasets.read(queries, qrels=qrels, split=split)
    for one in set_ups:
        check_hosted(one.used.cross_encoder or "")
    check_queries(set_ups, made, before, allow_unknown=allow_unknown)
    asked = Asked(measures, cut, allow_unknown, ignore_identical_ids, report is not None)
    others = runs.read(run or [], names)
    against_index = runs.Against(set_ups[0].index, made, measures, cut, allow_unknown, ignore_identical_ids)
    elsewhere = runs.measured(others, against_index, reported=asked.reported)
    with kept_on_failure(f"what was measured is in {PARTIAL}"):
        own = [_measured(one, made, asked) for one in set_ups]
        results = [*((one.found, one.source) for one in own), *elsewhere]
        verdicts = _report(results, before, rules, outputs)
    for done in own:
        done.kept.finish()
    if any(verdict.failed for verdict in verdicts):
        raise typer.Exit(RULE_FAILED)


@dataclass(frozen=True, slots=True)
class Asked:
    """What to measure, the same for every set-up; `reported` asks for the passages that a report shows."""

    measures: tuple[str, ...]
    cut: int
    allow_unknown: bool
    itself: bool
    reported: bool


@dataclass(frozen=True, slots=True)
class Outputs:
    """Where the results go: how many failed queries to list, and files for the run, a summary and a report.

    The results of the set-ups `names` come first and are written to `ranked` as TREC runs; others are foreign.
    """

    failures: int
    save: Path | None
    summary: Path | None
    report: Path | None
    ranked: Path | None
    names: tuple[str, ...]

    def check(self) -> None:
        """Does nothing where every file can be written, so that a long run does not end in vain.

        Raises:
            InvalidInput: One can't be.
            MissingExtra: A report is wanted and matplotlib is not installed.
        """
        if self.report is not None:
            reporting.check(self.report)
        if self.ranked is not None:
            for file in runs.files(self.ranked, self.names):
                check_place(file)
        for place in (self.save, self.summary):
            if place is not None:
                check_place(place)


@dataclass(frozen=True, slots=True)
class Run:
    """A set-up measured, what a report shows its worst queries with, and the partial results, to be finished."""

    found: Evaluation
    source: Source
    kept: Checkpoint


def _measured(set_up: SetUp, made: QuerySet, asked: Asked) -> Run:
    """The set-up measured; the source has no passages where no report is wanted."""
    console = Console(stderr=True, highlight=False)
    with opened(set_up, made, allow_unknown=asked.allow_unknown, itself=asked.itself) as (index, shortlist, judged):
        show.query_set(console, judged, sum(map(index.cuts_query, judged.queries.values())))
        size, said = index.beside.pool(set_up.pool, POOL_SIZE)
        if said:
            console.print(f"{set_up.name}: {said}", style="yellow", markup=False, soft_wrap=True)
        about = {
            **set_up.about_pass(index, itself=asked.itself),
            "set-up": set_up.name,
            "measures": asked.measures,
            "cut": asked.cut,
            "allow_unknown": asked.allow_unknown,
            "pool": size if isinstance(size, int) else asdict(size),
            "queries": judged.resolved,
        }
        kept = Checkpoint(Path(PARTIAL), about)
        if kept.resumed:
            console.print(f"{kept.resumed} queries were measured by an interrupted run")
        with bar(console, set_up.name) as told:
            found = run_evaluation(
                shortlist,
                judged,
                pool_size=size,
                measures=asked.measures,
                k=asked.cut,
                name=set_up.name,
                about=reporting.about(set_up, index),
                progress=told,
                checkpoint=kept,
            )
        return Run(found, source_of(found, judged, index.index.passages() if asked.reported else ()), kept)


def _report(
    results: Sequence[tuple[Evaluation, Source]], before: Sequence[Evaluation], rules: Sequence[Rule], outputs: Outputs
) -> list[Verdict]:
    """Everything on the screen and into the files; returns the rules applied. What was measured is kept first."""
    out = Console(highlight=False)
    found = [one for one, _ in results]
    for one in found:
        show.evaluation(out, one)
        show.failures(out, one, outputs.failures)
    if outputs.save is not None:
        saved.save(found, outputs.save)
    if outputs.ranked is not None:
        runs.write(found[: len(outputs.names)], outputs.ranked)
    compared = compare(found, found[0].measures[0])
    differences, verdicts = against(found[: len(outputs.names)], before, rules)
    show.comparisons(out, compared)
    show.baseline(out, differences, verdicts)
    if outputs.summary is not None:
        write_whole(outputs.summary, markdown.summary(found, compared, verdicts, differences))
    if outputs.report is not None:
        held = Compared(compared, differences, verdicts)
        page = evaluation_page(found, [source for _, source in results], held, reporting.written())
        reporting.put(page, outputs.report)
    return verdicts
