"""`shortlist add`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from shortlist.cli.options import (
    DEFAULT_INDEX,
    BiEncoderOption,
    CrossEncoderOption,
    IndexOption,
    PrecisionOption,
)
from shortlist.cli.render.progress import kept_on_failure
from shortlist.collection import add as add_paths
from shortlist.collection.ingest import IngestReport
from shortlist.collection.ingest import Progress as Step
from shortlist.documents import PassedOver, Skipped
from shortlist.errors import InvalidInput
from shortlist.models.packaged import CROSS_ENCODER

SHOWN = 20


def add(
    paths: Annotated[list[Path], typer.Argument(help="Files and folders.", show_default=False)],
    index: IndexOption = DEFAULT_INDEX,
    prune: Annotated[bool, typer.Option("--prune", help="Also remove what was read from files now gone.")] = False,
    bi_encoder: BiEncoderOption = None,
    cross_encoder: CrossEncoderOption = CROSS_ENCODER,
    precision: PrecisionOption = "auto",
    verbose: Annotated[bool, typer.Option("--verbose", help="Name all that was not read, not the first 20.")] = False,
) -> None:
    """Read files and folders into an index; only what is new or changed is embedded.

    Formats: .txt .md .html .pdf .docx .jsonl .csv and BEIR folders. Safe to interrupt: run it again. Exits with 2 where
    nothing at all could be read.
    """
    console = Console(stderr=True, highlight=False)
    with kept_on_failure("what was committed stays"), _bar(console) as bar:
        task = bar.add_task("reading", total=None, rate="")

        def show(step: Step) -> None:
            rate = f"{step.passages} passages, {step.passages / max(step.seconds, 1e-9):.0f}/s"
            bar.update(task, total=step.bytes_total, completed=step.bytes_done, rate=rate)

        report = add_paths(
            paths,
            index,
            prune=prune,
            bi_encoder=bi_encoder,
            cross_encoder=cross_encoder,
            precision=precision,
            progress=show,
        )
    _summary(console, report, index, cross_encoder)
    shown = None if verbose else SHOWN
    _passed_over(console, report.passed_over, shown)
    _replaced(console, report.replaced, shown)
    _skipped(console, report.skipped, shown)
    if not report.sources_read + report.sources_unchanged and (report.skipped or not (report.passages_total or prune)):
        raise InvalidInput(_nothing(paths, report, index))


def _nothing(paths: list[Path], report: IngestReport, index: Path) -> str:
    """That nothing was read, and what that leaves."""
    named = ", ".join(str(path) for path in paths[:3]) + (" and more" if len(paths) > 3 else "")
    return f"nothing could be read from {named}" + ("" if report.passages_total else f", and {index} is empty")


def _bar(console: Console) -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:3.0f}%  {task.fields[rate]}  left"),
        TimeRemainingColumn(),
        console=console,
        transient=True,
    )


def _summary(console: Console, report: IngestReport, index: Path, cross_encoder: str) -> None:
    empty = f"{report.sources_empty} gave nothing, " if report.sources_empty else ""
    console.print(
        f"{report.sources_read} sources read, {report.sources_unchanged} unchanged, {empty}"
        f"{report.sources_removed} removed; "
        f"{report.documents_written} documents written, {report.documents_unchanged} unchanged, "
        f"{report.documents_removed} removed",
        soft_wrap=True,
    )
    rate = report.passages_added / max(report.seconds, 1e-9)
    console.print(
        f"{report.passages_added} passages added, {report.passages_removed} removed in {report.seconds:.1f} s "
        f"({rate:.0f} passages/s); {index} holds {report.passages_total}",
        markup=False,
        soft_wrap=True,
    )
    console.print(f"{report.over_window} passages exceed the window of {cross_encoder}", markup=False, soft_wrap=True)


def _passed_over(console: Console, passed: list[PassedOver], shown: int | None) -> None:
    for reason in dict.fromkeys(one.reason for one in passed):
        paths = [one.path for one in passed if one.reason == reason]
        named = paths[:shown]
        more = f" and {len(paths) - len(named)} more (--verbose names all)" if len(paths) > len(named) else ""
        console.print(
            f"{len(paths)} passed over ({reason}): {', '.join(named)}{more}",
            markup=False,
            soft_wrap=True,
        )


def _replaced(console: Console, replaced: dict[str, int], shown: int | None) -> None:
    """Files that were not in the encoding that they were read in: where they say none, that is UTF-8."""
    if not replaced:
        return
    console.print(
        f"{len(replaced)} read with bytes that are not UTF-8, or not the encoding that the file names; a replacement "
        "character (U+FFFD) stands for each. Save as UTF-8:",
        soft_wrap=True,
    )
    _listed(console, [f"{name}: {count} bytes" for name, count in replaced.items()], shown)


def _skipped(console: Console, skipped: list[Skipped], shown: int | None) -> None:
    if not skipped:
        return
    console.print(f"{len(skipped)} not read:")
    _listed(console, [f"{one.path}{f' {one.place}' if one.place else ''}: {one.reason}" for one in skipped], shown)


def _listed(console: Console, lines: list[str], shown: int | None) -> None:
    """The first `shown`, None for all, and how many more there are."""
    named = lines[:shown]
    for line in named:
        console.print(f"  {line}", markup=False, soft_wrap=True)
    if len(lines) > len(named):
        console.print(f"  and {len(lines) - len(named)} more (--verbose names all)")
