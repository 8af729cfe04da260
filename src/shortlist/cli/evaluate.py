"""`shortlist evaluate`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from shortlist.catalog import Settings
from shortlist.cli import reporting
from shortlist.cli import show_evaluation as show
from shortlist.cli.options import (
    DEFAULT_INDEX,
    BiEncoderOption,
    BlendOption,
    CrossEncoderOption,
    IndexOption,
    ItselfOption,
    PoolOption,
    PrecisionOption,
    QrelsOption,
    QueriesArgument,
    ReportOption,
    RerankOption,
    RetrieverOption,
    SplitOption,
    UnknownOption,
    choose_knobs,
)
from shortlist.cli.progress import bar
from shortlist.cli.setups import SetUp, opened, parse_set_ups
from shortlist.errors import InvalidInput
from shortlist.evaluation import datasets, markdown, saved
from shortlist.evaluation.checkpoint import Checkpoint
from shortlist.evaluation.evaluate import MEASURES, Comparison, Evaluation, compare, difference
from shortlist.evaluation.evaluate import evaluate as run_evaluation
from shortlist.evaluation.gate import Rule, Verdict, judge, parse_rule
from shortlist.evaluation.query_set import QuerySet
from shortlist.evaluation.statistics import Paired
from shortlist.models.packaged import CROSS_ENCODER
from shortlist.pipeline import POOL_SIZE
from shortlist.report import Compared, Source, evaluation_page, source_of

RULE_FAILED = 1
INTERRUPTED = 130


def evaluate(  # noqa: PLR0913 - one parameter an option
    queries: QueriesArgument,
    index: IndexOption = DEFAULT_INDEX,
    qrels: QrelsOption = None,
    split: SplitOption = "test",
    pool: PoolOption = None,
    retriever: RetrieverOption = "hybrid",
    rerank: RerankOption = None,
    bi_encoder: BiEncoderOption = None,
    cross_encoder: CrossEncoderOption = CROSS_ENCODER,
    precision: PrecisionOption = "auto",
    blend: BlendOption = None,
    set_up: Annotated[
        list[str] | None,
        typer.Option("--set-up", metavar="NAME:KEY=VALUE,...", help="Compare set-ups; also a .toml file of tables."),
    ] = None,
    measure: Annotated[
        list[str] | None, typer.Option("--measure", metavar="NAME@K", help="May be given several times.")
    ] = None,
    cut: Annotated[int, typer.Option("--cut", help="A query is fine when an answer is among the first ...")] = 10,
    failures: Annotated[int, typer.Option("--failures", help="Failed queries to list.")] = 5,
    ignore_identical_ids: ItselfOption = False,
    allow_unknown: UnknownOption = False,
    save: Annotated[Path | None, typer.Option("--save", metavar="FILE", help="Keep the run, to compare with.")] = None,
    baseline: Annotated[Path | None, typer.Option("--baseline", metavar="FILE", help="A run kept by --save.")] = None,
    fail_if: Annotated[
        list[str] | None,
        typer.Option("--fail-if", metavar="RULE", help='Exit with 1, as in "nDCG@10 < -0.01" against the baseline.'),
    ] = None,
    summary: Annotated[Path | None, typer.Option("--markdown", metavar="FILE", help="Write a short summary.")] = None,
    report: ReportOption = None,
) -> None:
    """Measure both stages and the ceiling between them on judged queries, and say which stage lost each answer.

    Safe to interrupt: the same command goes on where it stopped.
    """
    rules = [parse_rule(one) for one in fail_if or []]
    if rules and baseline is None:
        raise InvalidInput("--fail-if compares with a baseline: give --baseline FILE as well")
    if report is not None:
        reporting.check(report)
    knobs = choose_knobs(pool, blend, rerank)
    settings = Settings(retriever, bi_encoder, cross_encoder, precision, knobs.blend, weights=knobs.weights)
    set_ups = parse_set_ups(set_up or [], SetUp("default", index, knobs.pool, knobs.rerank, settings))
    measures = list(dict.fromkeys([*(measure or MEASURES), *(rule.measure for rule in rules)]))
    before = saved.load(baseline) if baseline is not None else []
    made = datasets.read(queries, qrels=qrels, split=split)
    asked = Asked(tuple(measures), cut, allow_unknown, ignore_identical_ids)
    try:
        runs = [_measured(one, made, asked, report is not None) for one in set_ups]
    except KeyboardInterrupt as error:
        said = f"interrupted; what was measured is in {partial_file('*')}, and the same command goes on from there"
        Console(stderr=True, highlight=False).print(said, markup=False, soft_wrap=True)
        raise typer.Exit(INTERRUPTED) from error
    for one in set_ups:
        partial_file(one.name).unlink(missing_ok=True)
    found = [one for one, _ in runs]
    compared = compare(found, measures[0])
    differences, verdicts = _against(found, before, rules)
    _report(Console(highlight=False), found, compared, differences, verdicts, failures)
    if save is not None:
        saved.save(found, save)
    if summary is not None:
        _write(summary, markdown.summary(found, compared, verdicts, differences))
    if report is not None:
        held = Compared(compared, differences, verdicts)
        reporting.put(evaluation_page(found, [source for _, source in runs], held, reporting.written()), report)
    if any(one.failed for one in verdicts):
        raise typer.Exit(RULE_FAILED)


@dataclass(frozen=True, slots=True)
class Asked:
    """What to measure, the same for every set-up."""

    measures: tuple[str, ...]
    cut: int
    allow_unknown: bool
    itself: bool


def partial_file(name: str) -> Path:
    """Where a set-up's partial results are kept until all set-ups are done."""
    plain = re.sub(r"[^\w*-]", "_", name)
    return Path(f"shortlist-evaluate.{plain}.partial.jsonl")


def _measured(set_up: SetUp, made: QuerySet, asked: Asked, reported: bool) -> tuple[Evaluation, Source]:
    """The set-up measured, and what a report shows its worst queries with; without passages where none is wanted."""
    console = Console(stderr=True, highlight=False)
    with opened(set_up, made, allow_unknown=asked.allow_unknown, itself=asked.itself) as (index, shortlist, judged):
        show.query_set(console, judged, sum(map(index.cuts_query, judged.queries.values())))
        size, said = index.beside.pool(set_up.pool, POOL_SIZE)
        if said:
            console.print(f"{set_up.name}: {said}", style="yellow", markup=False, soft_wrap=True)
        about = {
            **set_up.about,
            **asdict(asked),
            "pool": size if isinstance(size, int) else asdict(size),
            "queries": judged.fingerprint,
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
        return found, source_of(found, judged, index.index.passages() if reported else ())


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
    out: Console,
    found: Sequence[Evaluation],
    compared: Sequence[Comparison],
    differences: Sequence[tuple[str, Paired]],
    verdicts: Sequence[Verdict],
    failures: int,
) -> None:
    for one in found:
        show.evaluation(out, one)
        show.failures(out, one, failures)
    show.comparisons(out, compared)
    show.baseline(out, differences, verdicts)


def _write(file: Path, text: str) -> None:
    try:
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise InvalidInput(f"{file} can't be written: {error.strerror or error}") from error
