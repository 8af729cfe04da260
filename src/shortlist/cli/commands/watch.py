"""`shortlist watch`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

import shortlist
from shortlist.cli.console import remark
from shortlist.cli.options import DEFAULT_INDEX, MODELS, Given, IndexOption, resolved, with_settings
from shortlist.cli.options_reading import (
    EncodingOption,
    ExcludeOption,
    IncludeOption,
    OcrOption,
    PasswordOption,
    reading_options,
)
from shortlist.cli.render.added import print_skipped, print_totals, print_unread
from shortlist.cli.render.lists import SHOWN
from shortlist.redaction import without_secrets

if TYPE_CHECKING:
    from shortlist.collection import IngestReport
    from shortlist.errors import IndexLocked


@with_settings(*MODELS, "language", "index_options")
def watch(  # noqa: PLR0913 - one parameter per option
    given: Given,
    paths: Annotated[list[str], typer.Argument(help="Folders.", show_default=False)],
    index: IndexOption = DEFAULT_INDEX,
    pause: Annotated[
        float,
        typer.Option("--pause", metavar="SECONDS", help="Read the changes after so many seconds without a change."),
    ] = 1.0,
    password: PasswordOption = None,
    ocr: OcrOption = None,
    include: IncludeOption = None,
    encoding: EncodingOption = "",
    exclude: ExcludeOption = None,
    verbose: Annotated[
        bool, typer.Option("--verbose", help=f"Name every file that was not read, not only the first {SHOWN}.")
    ] = False,
) -> None:
    """Bring an index up to date with folders, again after each change in them.

    The first step is that of `add --prune`. Then the command reads new, changed and moved files, and removes the
    documents of deleted files. It opens the index only while it writes, so that other commands can search between two
    changes. If another process has the index open, the changes wait. Stop the command with Ctrl-C, and start it again
    at any time: nothing is lost, and nothing is stored twice.
    """
    config = resolved(given).config.override({"rerank": False})
    name, shown = without_secrets(index), None if verbose else SHOWN
    options = reading_options(password, ocr, include, encoding, exclude, files=True)
    reports = shortlist.watch(paths, index, config=config, options=options, pause=pause, on_wait=_print_wait)
    remark("reading the folders", "dim")
    for number, report in enumerate(reports):
        if number and not _is_change(report):
            continue
        print_totals(report, name, str(config.reranker))
        if number:
            print_skipped(report.skipped, shown)
        else:
            print_unread(report, shown, of_store=False)
            remark("waiting for changes; Ctrl-C ends the command", "dim")


def _print_wait(error: IndexLocked) -> None:
    remark(f"{error}. The changes are read when the index is free", "dim")


def _is_change(report: IngestReport) -> bool:
    """Return whether the report has something that a reader did not know."""
    return bool(report.sources_read or report.sources_removed or report.documents_removed or report.skipped)
