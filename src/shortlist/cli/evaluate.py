"""`shortlist evaluate`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import typer
from rich.console import Console

from shortlist.catalog import Settings, check_hosted
from shortlist.cli import options_measuring as measuring
from shortlist.cli import reporting, runs
from shortlist.cli import show_evaluation as show
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
from shortlist.cli.progress import bar, kept_on_failure
from shortlist.cli.setups import SetUp, base, opened, parse_set_ups
from shortlist.errors import InvalidInput
from shortlist.evaluation import datasets, markdown, saved
from shortlist.evaluation.checkpoint import Checkpoint
from shortlist.evaluation.evaluate import MEASURES, Evaluation, compare, difference
from shortlist.evaluation.evaluate import evaluate as run_evaluation
from shortlist.evaluation.gate import Rule, Verdict, judge, parse_rule
from shortlist.evaluation.query_set import QuerySet
from shortlist.evaluation.statistics import Paired
from shortlist.pipeline import POOL_SIZE
from shortlist.report import Compared, Source, evaluation_page, source_of

RULE_FAILED = 1


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
    rules = _rules(fail_if, baseline)
    if report is not None:
        reporting.check(report)
    knobs = choose_knobs(pool, blend, rerank, fusion=fusion, cross_encoder=cross_encoder)
    set_ups = parse_set_ups(set_up or [], base(index, knobs, Settings(retriever, bi_encoder, precision=precision)))
    measures = list(dict.fromkeys([*(measure or MEASURES), *(rule.measure for rule in rules)]))
    before = saved.load(baseline) if baseline is not None else []
    made = datasets.read(queries, qrels=qrels, split=split)
    asked = Asked(tuple(measures), cut, allow_unknown, ignore_identical_ids, report is not None)
    names = [one.name for one in set_ups]
    others = runs.read(run or [], names)
    if write_run is not None:
        runs.files(write_run, names)
    against = runs.Against(set_ups[0].index, made, asked.measures, cut, allow_unknown, ignore_identical_ids)
    elsewhere = runs.measured(others, against, reported=asked.reported)
    found = [*_all_measured(set_ups, made, asked), *elsewhere]
    _report(found, before, rules, Outputs(failures, save, summary, report, write_run, len(set_ups)))


def _rules(fail_if: Sequence[str] | None, baseline: Path | None) -> list[Rule]:
    rules = [parse_rule(one) for one in fail_if or []]
    if rules and baseline is None:
        raise InvalidInput("--fail-if compares with a baseline: give --baseline FILE as well")
    return rules


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

    The first `own` results are written to `ranked` as TREC runs; the others came from elsewhere.
    """

    failures: int
    save: Path | None
    summary: Path | None
    report: Path | None
    ranked: Path | None = None
    own: int = 1


def partial_file(name: str) -> Path:
    """Where a set-up's partial results are kept until all set-ups are done."""
    plain = re.sub(r"[^\w*-]", "_", name)
    return Path(f"shortlist-evaluate.{plain}.partial.jsonl")


def _all_measured(set_ups: Sequence[SetUp], made: QuerySet, asked: Asked) -> list[tuple[Evaluation, Source]]:
    """Every set-up measured; partial results go away when all are done."""
    for one in set_ups:
        check_hosted(one.used.cross_encoder or "")
    with kept_on_failure(f"what was measured is in {partial_file('*')}"):
        found = [_measured(one, made, asked) for one in set_ups]
    for one in set_ups:
        partial_file(one.name).unlink(missing_ok=True)
    return found


def _measured(set_up: SetUp, made: QuerySet, asked: Asked) -> tuple[Evaluation, Source]:
    """The set-up measured, and what a report shows its worst queries with; without passages where none is wanted."""
    console = Console(stderr=True, highlight=False)
    with opened(set_up, made, allow_unknown=asked.allow_unknown, itself=asked.itself) as (index, shortlist, judged):
        show.query_set(console, judged, sum(map(index.cuts_query, judged.queries.values())))
        size, said = index.beside.pool(set_up.pool, POOL_SIZE)
        if said:
            console.print(f"{set_up.name}: {said}", style="yellow", markup=False, soft_wrap=True)
        about = {
            **set_up.about,
            "measures": asked.measures,
            "cut": asked.cut,
            "allow_unknown": asked.allow_unknown,
            "itself": asked.itself,
            "pool": size if isinstance(size, int) else asdict(size),
            "queries": judged.resolved,
            "bi-encoder": index.index.manifest.encoder,
            "passages": len(index.index),
        }
        kept = Checkpoint(partial_file(set_up.name), about)
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
        return found, source_of(found, judged, index.index.passages() if asked.reported else ())


def _against(
    found: Sequence[Evaluation], before: Sequence[Evaluation], rules: Sequence[Rule]
) -> tuple[list[tuple[str, Paired]], list[Verdict]]:
    """Differences to the baseline by measure, and the rules applied."""
    differences: list[tuple[str, Paired]] = []
    verdicts: list[Verdict] = []
    for one in found if before else []:
        old = _namesake(one, found, before)
        verdicts += [judge(rule, one, old) for rule in rules]
        label = "" if len(found) == 1 else f"{one.name}: "
        shared = [name for name in one.measures if name in old.measures]
        differences += [(f"{label}{name}", difference(one, old, name)) for name in shared]
    return differences, verdicts


def _namesake(one: Evaluation, found: Sequence[Evaluation], before: Sequence[Evaluation]) -> Evaluation:
    if len(found) == len(before) == 1:
        return before[0]
    named = [old for old in before if old.name == one.name]
    if not named:
        raise InvalidInput(f"the baseline holds no set-up {one.name!r}; it holds {', '.join(o.name for o in before)}")
    return named[0]


def _report(
    results: Sequence[tuple[Evaluation, Source]], before: Sequence[Evaluation], rules: Sequence[Rule], outputs: Outputs
) -> None:
    """Everything on the screen and into the files; raises typer.Exit where a rule failed."""
    out = Console(highlight=False)
    found = [one for one, _ in results]
    compared = compare(found, found[0].measures[0])
    differences, verdicts = _against(found[: outputs.own], before, rules)
    for one in found:
        show.evaluation(out, one)
        show.failures(out, one, outputs.failures)
    show.comparisons(out, compared)
    show.baseline(out, differences, verdicts)
    if outputs.save is not None:
        saved.save(found, outputs.save)
    if outputs.ranked is not None:
        runs.write(found[: outputs.own], outputs.ranked)
    if outputs.summary is not None:
        _write(outputs.summary, markdown.summary(found, compared, verdicts, differences))
    if outputs.report is not None:
        held = Compared(compared, differences, verdicts)
        page = evaluation_page(found, [source for _, source in results], held, reporting.written())
        reporting.put(page, outputs.report)
    if any(one.failed for one in verdicts):
        raise typer.Exit(RULE_FAILED)


def _write(file: Path, text: str) -> None:
    try:
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise InvalidInput(f"{file} can't be written: {error.strerror or error}") from error
