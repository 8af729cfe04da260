"""The `shortlist` command: its sub-commands, and errors as one line and an exit code."""

from __future__ import annotations

import sys

import typer
from rich.console import Console

from shortlist import __version__
from shortlist.cli import (
    add,
    calibrate,
    demo,
    evaluate,
    mcp,
    models,
    probe,
    queries,
    rerank,
    search,
    serve,
    tune,
    why,
)
from shortlist.errors import FolderError, InvalidInput, MissingExtra, ModelError, ShortlistError

EXIT_CODES: tuple[tuple[type[ShortlistError], int], ...] = (
    (InvalidInput, 2),
    (FolderError, 3),
    (ModelError, 4),
    (MissingExtra, 4),
    (ShortlistError, 1),
)
INTERRUPTED = 130

app = typer.Typer(
    name="shortlist",
    help="Two-stage retrieval: retrieve wide, rerank the pool, keep the few you use.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.command("add")(add.add)
app.command("search")(search.search)
app.command("rerank")(rerank.rerank)
app.command("evaluate")(evaluate.evaluate)
app.command("tune")(tune.tune)
app.command("why")(why.why)
app.command("mcp")(mcp.mcp)
app.command("serve")(serve.serve)
app.command("calibrate")(calibrate.calibrate)
app.command("demo")(demo.demo)
app.add_typer(models.app, name="models")
app.add_typer(probe.app, name="probe")
app.add_typer(queries.app, name="queries")


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
    """Runs the command line; errors raised on purpose become one line on stderr and an exit code."""
    errors = Console(stderr=True, highlight=False)
    try:
        app()
    except ShortlistError as error:
        errors.print(f"error: {error}", markup=False, soft_wrap=True)
        sys.exit(next(code for kind, code in EXIT_CODES if isinstance(error, kind)))
    except KeyboardInterrupt:
        errors.print("interrupted; what was committed stays, and the same command goes on from there")
        sys.exit(INTERRUPTED)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(0)
