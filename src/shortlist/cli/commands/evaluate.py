"""`shortlist evaluate`."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from shortlist.cli import options_measuring as measuring_options
from shortlist.cli.options import STAGES, Given, SearchedIndexOption, StateOption, with_settings
from shortlist.cli.options_reading import EncodingOption
from shortlist.cli.options_workers import RayOption, WorkersOption
from shortlist.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shortlist.cli.runs import Measuring
    from shortlist.cli.setups import SetUp
    from shortlist.evaluation.evaluate import Evaluation
    from shortlist.evaluation.gate import Rule, RuleResult
    from shortlist.evaluation.replay.checkpoint import Checkpoint
    from shortlist.evaluation.subject import Subject
    from shortlist.report import ReportSource

RULE_FAILED = 1
PARTIAL = "shortlist-evaluate.*.partial.jsonl"
"""The file with the partial results of a set-up. The command deletes the file after all set-ups are done."""


@with_settings("pool_size", "rerank", "progressive", *STAGES)
def evaluate(  # noqa: PLR0913 - one parameter per option
    queries: measuring_options.QueriesArgument,
    given: Given,
    index: SearchedIndexOption = None,
    state: StateOption = None,
    qrels: measuring_options.QrelsOption = None,
    split: measuring_options.SplitOption = "test",
    encoding: EncodingOption = "",
    set_up: measuring_options.SetUpOption = None,
    measure: measuring_options.MeasuresOption = None,
    cut: measuring_options.CutOption = 10,
    failures: measuring_options.FailuresOption = 5,
    ignore_identical_ids: measuring_options.IdenticalOption = False,
    allow_unknown: measuring_options.UnknownOption = False,
    save: measuring_options.SaveOption = None,
    baseline: measuring_options.BaselineOption = None,
    fail_if: measuring_options.FailIfOption = None,
    summary: measuring_options.MarkdownOption = None,
    report: measuring_options.ReportOption = None,
    run: measuring_options.RunOption = None,
    write_run: measuring_options.WriteRunOption = None,
    workers: WorkersOption = None,
    ray: RayOption = None,
) -> None:
    """Measure both stages on judged queries.

    The result also has the ceiling (the best possible order of the pool), and the stage that lost each answer. You may
    interrupt the command: run it again to continue.
    """
    from shortlist.cli import baseline as baselines
    from shortlist.cli import runs, setups
    from shortlist.cli.render.progress import kept_in, kept_on_failure
    from shortlist.evaluation.evaluate import MEASURES, measures_of
    from shortlist.evaluation.query_sets import files

    rules = baselines.parse_rules(fail_if or [], baseline)
    _check_counts(cut, failures)
    set_ups = setups.set_ups(given, set_up or [], setups.PlaceOptions(index, state))
    names = tuple(set_up.name for set_up in set_ups)
    outputs = Outputs(failures, save, summary, report, write_run, names)
    outputs.check()
    measures = tuple(map(str, measures_of([*(measure or MEASURES), *(rule.measure for rule in rules)])))
    before = [] if baseline is None else baselines.read(baseline, names, measures, rules)
    query_set = files.read(queries, qrels=qrels, split=split, encoding=encoding)
    _check_rerankers(set_ups)
    measuring = runs.Measuring(query_set, allow_unknown, ignore_identical_ids, measures, cut, report is not None)
    baselines.check_queries(set_ups, measuring, before)
    external = runs.measured(runs.read(run or [], names), set_ups[0], measuring)
    with kept_on_failure(kept_in(Path(PARTIAL), "the results")):
        printed: set[str] = set()
        own = [_measured(set_up, measuring, printed, workers, ray) for set_up in set_ups]
        results = [*((each.evaluation, each.source) for each in own), *external]
        applied = _report(results, before, rules, outputs)
    for each in own:
        each.checkpoint.finish()
    if any(result.failed for result in applied):
        raise typer.Exit(RULE_FAILED)


def _check_counts(cut: int, failures: int) -> None:
    for option, number, least in (("--cut", cut, 1), ("--failures", failures, 0)):
        if number < least:
            raise InvalidInput(f"{option} must be at least {least}, not {number}")


def _check_rerankers(set_ups: Sequence[SetUp]) -> None:
    """Check the reranker of every set-up before the first measurement."""
    from shortlist.registry import check_reranker

    for set_up in set_ups:
        name = set_up.config.reranker_name
        if name is not None:
            check_reranker(name)


@dataclass(frozen=True, slots=True)
class Outputs:
    """The requested outputs: the number of failed queries to list, and the files to write.

    `names` are the names of the set-ups. `rankings` is the file for their rankings, as TREC runs.
    """

    failures: int
    save: Path | None
    summary: Path | None
    report: Path | None
    rankings: Path | None
    names: tuple[str, ...]

    def check(self) -> None:
        """Check that every file can be written, before the long run begins.

        Raises:
            InvalidInput: A file cannot be written.
            MissingExtra: A report is requested, and matplotlib is not installed.
        """
        from shortlist.atomic_io import check_place
        from shortlist.cli import runs
        from shortlist.cli.render import report_file

        if self.report is not None:
            report_file.check(self.report)
        rankings = [] if self.rankings is None else runs.files(self.rankings, self.names)
        for place in (*rankings, self.save, self.summary):
            if place is not None:
                check_place(place)


@dataclass(frozen=True, slots=True)
class Measured:
    """The evaluation of a set-up, the source of its report, and the checkpoint to finish."""

    evaluation: Evaluation
    source: ReportSource
    checkpoint: Checkpoint


def _measured(set_up: SetUp, measuring: Measuring, printed: set[str], workers: int | None, ray: str | None) -> Measured:
    """Return the results of a set-up. `printed` has the lines about the query set that earlier set-ups printed."""
    from shortlist.bulk.evaluating import finish_by
    from shortlist.cli.render import evaluation as render
    from shortlist.cli.render import report_file
    from shortlist.cli.render.progress import bar
    from shortlist.cli.render.usage import usage
    from shortlist.cli.setups import opened
    from shortlist.evaluation.evaluate import evaluate as run_evaluation
    from shortlist.evaluation.subject import known_passages
    from shortlist.report import source_of

    with opened(set_up, measuring) as (searched, subject):
        search, judged = subject.search, subject.judged
        render.query_set(judged, search, printed)
        finish = finish_by(searched, workers, ray)
        checkpoint = _checkpoint(set_up, subject, measuring)
        with bar(set_up.name) as progress:
            evaluation = run_evaluation(
                search,
                judged,
                measures=measuring.measures,
                cutoff=measuring.cutoff,
                name=set_up.name,
                about=report_file.about(set_up, searched),
                progress=progress,
                checkpoint=checkpoint,
                finish=finish,
            )
        usage(search.reranker, set_up.name)
        passages = known_passages(searched, subject) if measuring.report else ()
        return Measured(evaluation, source_of(evaluation, judged, passages), checkpoint)


def _checkpoint(set_up: SetUp, subject: Subject, measuring: Measuring) -> Checkpoint:
    """Return the checkpoint of a set-up. Print the notes about its stop rule, and the number of resumed results."""
    from shortlist.cli.console import remark, warn, with_place
    from shortlist.evaluation.replay.checkpoint import Checkpoint
    from shortlist.redaction import without_secrets
    from shortlist.wording import describe
    from shortlist.wording.counting import counted

    rule, notes = subject.search.stop_rule()
    for note in notes:
        warn(f"{set_up.name}: {with_place(describe(note), set_up.arguments)}")
    about = {
        **subject.about,
        "set_up": set_up.name,
        "config": {**asdict(set_up.config), "retriever": without_secrets(set_up.config.retriever)},
        "stop_rule": None if rule is None else asdict(rule),
        "measures": measuring.measures,
        "cutoff": measuring.cutoff,
        "allow_unknown": measuring.allow_unknown,
        "queries": subject.judged.resolved,
    }
    checkpoint = Checkpoint(Path(PARTIAL), about)
    if checkpoint.resumed:
        remark(f"{counted(checkpoint.resumed, 'query')} measured by an interrupted run")
    return checkpoint


def _report(
    results: Sequence[tuple[Evaluation, ReportSource]],
    before: Sequence[Evaluation],
    rules: Sequence[Rule],
    outputs: Outputs,
) -> list[RuleResult]:
    """Print the results, write the files, and return the results of the rules. The evaluations are saved first."""
    from shortlist import __version__
    from shortlist.atomic_io import write_whole
    from shortlist.cli import baseline, runs
    from shortlist.cli.console import output
    from shortlist.cli.render import evaluation as render
    from shortlist.cli.render import report_file
    from shortlist.evaluation import markdown, saved
    from shortlist.evaluation.evaluate import compare
    from shortlist.report import Comparisons, evaluation_page, written

    out = output()
    evaluations = [evaluation for evaluation, _ in results]
    own = evaluations[: len(outputs.names)]
    for evaluation in evaluations:
        render.evaluation(out, evaluation)
        render.failures(out, evaluation, outputs.failures)
    if outputs.save is not None:
        saved.save(evaluations, outputs.save)
    if outputs.rankings is not None:
        runs.write(own, outputs.rankings)
    comparisons = compare(evaluations, evaluations[0].measures[0])
    differences, applied = baseline.compared(own, before, rules)
    render.comparisons(out, comparisons)
    render.baseline(out, differences, applied)
    if outputs.summary is not None:
        write_whole(outputs.summary, markdown.summary(evaluations, comparisons, applied, differences))
    if outputs.report is not None:
        sources = [source for _, source in results]
        page = evaluation_page(
            evaluations, sources, Comparisons(comparisons, differences, applied), written(__version__)
        )
        report_file.put(page, outputs.report)
    return applied
