"""The `shortlist` command: its sub-commands, and errors as one line and an exit code."""

from __future__ import annotations

import os
import sys

import typer
from rich.console import Console

from shortlist import __version__
from shortlist.cli.command_table import Commands
from shortlist.errors import FolderError, InvalidInput, MissingExtra, ModelError, ShortlistError

EXIT_CODES: tuple[tuple[type[ShortlistError], int], ...] = (
    (InvalidInput, 2),
    (FolderError, 3),
    (ModelError, 4),
    (MissingExtra, 4),
    (ShortlistError, 1),
)
app = typer.Typer(
    name="shortlist",
    cls=Commands,
    help="Two-stage retrieval: retrieve wide, rerank the pool, keep the few you use.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"shortlist {__version__}")
        raise typer.Exit


@app.callback()
def root(
    version: bool = typer.Option(False, "--version", callback=_version, is_eager=True, help="Print the version."),
) -> None:
    """Two-stage retrieval: retrieve wide, rerank the pool, keep the few you use.

    Exit codes: 0 done, 1 a rule of --fail-if failed, 2 bad input, 3 the index folder can't be used, 4 a model can't
    be used, 130 interrupted.
    """


def main() -> None:
    """Runs the command line; errors raised on purpose become one line on stderr and an exit code.

    Leaves without taking the interpreter down piece by piece, which took a tenth of a second of every search: what
    has to be closed was closed by then, and both streams are flushed.
    """
    code = _run()
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except BrokenPipeError:
        pass
    os._exit(code)


def _run() -> int:
    errors = Console(stderr=True, highlight=False)
    try:
        app()
    except ShortlistError as error:
        errors.print(f"error: {error}", markup=False, soft_wrap=True)
        return next(code for kind, code in EXIT_CODES if isinstance(error, kind))
    except BrokenPipeError:
        return 0
    except SystemExit as left:
        return left.code if isinstance(left.code, int) else int(left.code is not None)
    return 0
