"""`shortlist tune`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from shortlist import settings as toml
from shortlist.catalog import Settings
from shortlist.cli import reporting, show_evaluation, show_tuning
from shortlist.cli.options import (
    DEFAULT_INDEX,
    BiEncoderOption,
    BlendOption,
    CrossEncoderOption,
    IndexOption,
    ItselfOption,
    PrecisionOption,
    QrelsOption,
    QueriesArgument,
    ReportOption,
    RetrieverOption,
    SplitOption,
    UnknownOption,
    choose_knobs,
)
from shortlist.cli.progress import bar
from shortlist.cli.setups import SetUp, opened
from shortlist.errors import InvalidInput
from shortlist.evaluation import datasets
from shortlist.evaluation.query_set import QuerySet
from shortlist.evaluation.request import BLENDS, MEASURES, SIZES, Request
from shortlist.evaluation.tune import Tuning, evaluation_at
from shortlist.evaluation.tune import tune as run_tuning
from shortlist.models.packaged import CROSS_ENCODER
from shortlist.report import source_of, tuning_page

INTERRUPTED = 130
SIZES_TEXT = ",".join(map(str, SIZES))
BLENDS_TEXT = ",".join(f"{blend:g}" for blend in BLENDS)
PARTIAL = Path("shortlist-tune.partial.jsonl")


def tune(  # noqa: PLR0913 - one parameter an option
    queries: QueriesArgument,
    index: IndexOption = DEFAULT_INDEX,
    qrels: QrelsOption = None,
    split: SplitOption = "test",
    sizes: Annotated[str, typer.Option("--sizes", metavar="N,N,...", help="Pool sizes.")] = SIZES_TEXT,
    blends: Annotated[
        str, typer.Option("--blends", metavar="X,X,...", help="Blends to try; only the one in use if empty.")
    ] = BLENDS_TEXT,
    measure: Annotated[
        list[str] | None, typer.Option("--measure", metavar="NAME@K", help="The first one decides.")
    ] = None,
    budget: Annotated[
        float | None, typer.Option("--budget-ms", help="95 of 100 searches have to stay within this time.")
    ] = None,
    timed: Annotated[
        int | None, typer.Option("--timed", help="Queries to time at each size. [default: 5 % of the pass]")
    ] = None,
    retriever: RetrieverOption = "hybrid",
    bi_encoder: BiEncoderOption = None,
    cross_encoder: CrossEncoderOption = CROSS_ENCODER,
    precision: PrecisionOption = "auto",
    blend: BlendOption = None,
    ignore_identical_ids: ItselfOption = False,
    allow_unknown: UnknownOption = False,
    checkpoint: Annotated[
        Path, typer.Option("--checkpoint", metavar="FILE", help="Where partial results are kept until it is done.")
    ] = PARTIAL,
    write: Annotated[bool, typer.Option("--write", help="Put the recommendation in shortlist.toml here.")] = False,
    report: ReportOption = None,
) -> None:
    """Find the pool size that fits your queries, from one scoring pass at the largest.

    Safe to interrupt: the same command goes on where it stopped.
    """
    if report is not None:
        reporting.check(report)
    knobs = choose_knobs(blend=blend)
    request = Request(
        sizes=tuple(int(one) for one in _numbers(sizes, "--sizes", int)),
        blends=_numbers(blends, "--blends", float),
        blend=knobs.blend,
        measures=tuple(measure or MEASURES),
        budget=None if budget is None else budget / 1000,
        timed=timed,
        checkpoint=checkpoint,
    )
    settings = Settings(retriever, bi_encoder, cross_encoder, precision, weights=knobs.weights)
    set_up = SetUp("tune", index, max(request.sizes, default=1), True, settings)
    made = datasets.read(queries, qrels=qrels, split=split)
    try:
        found, page = _tuned(set_up, made, request, allow_unknown, ignore_identical_ids, report is not None)
    except KeyboardInterrupt as error:
        said = f"interrupted; what was scored is in {checkpoint}, and the same command goes on from there"
        Console(stderr=True, highlight=False).print(said, markup=False, soft_wrap=True)
        raise typer.Exit(INTERRUPTED) from error
    out = Console(highlight=False)
    show_tuning.tuning(out, found)
    if report is not None:
        reporting.put(page, report)
    if write:
        out.print(f"written to {toml.write(found.settings)}", markup=False, soft_wrap=True)


def _tuned(
    set_up: SetUp, made: QuerySet, request: Request, allow_unknown: bool, itself: bool, reported: bool
) -> tuple[Tuning, str]:
    """What tuning found, and the report of it where one is wanted, else ""."""
    console = Console(stderr=True, highlight=False)
    with opened(set_up, made, allow_unknown=allow_unknown, itself=itself) as (index, shortlist, judged):
        show_evaluation.query_set(console, judged, sum(map(index.cuts_query, judged.queries.values())))
        about = {
            **set_up.about,
            "blend": f"{request.blend:g}",
            "bi-encoder": index.index.manifest.encoder,
            "passages": len(index.index),
            "itself": itself,
        }
        with bar(console, "passages") as told:
            found = run_tuning(
                shortlist,
                judged,
                replace(request, about=about),
                progress=told,
            )
        if not reported:
            return found, ""
        best = found.curve.sizes[found.curve.best(found.measure)]
        size = found.recommended.size if found.rerank and found.recommended.size else best
        said = {**reporting.about(set_up, index), "blend": f"{found.blend:g}, tuned"}
        at = evaluation_at(found, judged, size, k=request.k, about=said)
        return found, tuning_page(found, at, source_of(at, judged, index.index.passages()), reporting.written())


def _numbers(text: str, option: str, kind: type[int] | type[float]) -> tuple[float, ...]:
    try:
        return tuple(kind(one) for one in text.split(",") if one.strip())
    except ValueError as error:
        raise InvalidInput(f"{option} {text!r}: write numbers with commas between them") from error
