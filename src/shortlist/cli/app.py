"""The `shortlist` command: its sub-commands, and each error as one line and an exit code."""

from __future__ import annotations

import contextlib
import os
import re
import sys
from collections.abc import Sequence

import typer

from shortlist import __version__
from shortlist.cli.command_table import Commands
from shortlist.cli.console import with_place
from shortlist.cli.options import FLAGS
from shortlist.cli.search_options import OPTIONS
from shortlist.config.file import FILE, read
from shortlist.config.search_config import RETRIEVERS
from shortlist.errors import (
    FolderError,
    InvalidInput,
    MissingExtra,
    ModelError,
    RetrieverFailed,
    ShortlistError,
    StoreError,
)
from shortlist.redaction import without_secrets

EXIT_CODES: tuple[tuple[type[ShortlistError], int], ...] = (
    (InvalidInput, 2),
    (FolderError, 3),
    (StoreError, 3),
    (RetrieverFailed, 3),
    (ModelError, 4),
    (MissingExtra, 4),
    (ShortlistError, 1),
)
COLUMN = "rerank_query"
"""The setting that is also a column of query sets. Without its option, an error is about the column."""
app = typer.Typer(
    name="shortlist",
    cls=Commands,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def _version(requested: bool) -> None:
    if requested:
        typer.echo(f"shortlist {__version__}")
        raise typer.Exit


@app.callback()
def root(
    version: bool = typer.Option(False, "--version", callback=_version, is_eager=True, help="Print the version."),
) -> None:
    """Two-stage retrieval: retrieve wide, rerank the pool, keep the few you use.

    Exit codes: 0 done, 1 a rule of --fail-if failed, adapt gained nothing, rows of bulk failed, workers failed or
    serve cannot listen, 2 bad input, 3 the index folder, the store or the retriever is missing or cannot be used, 4 a
    model cannot be used, 130 interrupted.
    """


def run() -> None:
    """Run the command line, and leave the process with its exit code.

    The process ends without the interpreter's teardown, which takes a tenth of a second of every search. Everything
    that needs closing is closed by then, and both streams are flushed.
    """
    code = exit_code()
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except BrokenPipeError:
        pass
    os._exit(code)


def exit_code(arguments: Sequence[str] | None = None) -> int:
    """Run the command line on `arguments`, or on those of the process, and return its exit code."""
    try:
        app(None if arguments is None else list(arguments), prog_name="shortlist")
    except ShortlistError as error:
        given = sys.argv[1:] if arguments is None else arguments
        sys.stderr.write(f"error: {message_of(error, given)}\n")
        return next(code for kind, code in EXIT_CODES if isinstance(error, kind))
    except BrokenPipeError:
        return 0
    except SystemExit as left:
        return left.code if isinstance(left.code, int) else int(left.code is not None)
    return 0


def message_of(error: ShortlistError, arguments: Sequence[str] = ()) -> str:
    """Return the error's message, with the options of the command line in place of the parameters it names.

    If the error has a `field`, it is about an option: the field's name becomes its option at the first place, and every
    parameter that is spelled with an underscore becomes its option everywhere. Otherwise the names of
    `shortlist.toml` stay, because the error may be about the file. Proposed commands name the index folder or the
    retriever of the arguments. If no argument gives the field and the file does, the message begins
    with the file.
    """
    message = str(error)
    field = error.field if isinstance(error, InvalidInput) else None
    if field is not None and _of_file(field, arguments):
        message, field = f"{FILE}: {message}", None
    if field is not None and field in FLAGS:
        message = re.sub(rf"(?<![-\w]){field}\b", FLAGS[field], message, count=1)
    columns = {COLUMN} if not any(word.startswith(FLAGS[COLUMN]) for word in arguments) else set()
    for name, flag in FLAGS.items():
        if name not in columns and ("_" in name or name == "tail") and (field is not None or name not in OPTIONS):
            message = re.sub(rf"(?<![-\w]){name}\b", flag, message)
    place = _place_of(arguments)
    return message if place is None else with_place(message, place)


def _place_of(arguments: Sequence[str]) -> list[str] | None:
    """Return the arguments that name what is searched: the index or the retriever. None: the default folder."""
    index, retriever, state = (_value_of(name, arguments) for name in ("--index", "--retriever", "--state"))
    if index is not None:
        return ["--index", without_secrets(index)]
    if retriever is None:
        with contextlib.suppress(ShortlistError):  # a file that cannot be used is the error itself
            retriever = read().get("retriever")
    if retriever is None or retriever in RETRIEVERS:
        return None
    return ["--retriever", without_secrets(retriever), *([] if state is None else ["--state", state])]


def _value_of(option: str, arguments: Sequence[str]) -> str | None:
    """Return the value that the arguments give for an option, or None."""
    for argument, following in zip(arguments, [*arguments[1:], None], strict=False):
        name, equals, value = argument.partition("=")
        if name == option:
            return value if equals else following
    return None


def _of_file(field: str, arguments: Sequence[str]) -> bool:
    """Return whether the value of a setting comes from `shortlist.toml`."""
    flags = (FLAGS.get(field, ""), f"--no-{field}")
    if any(argument.partition("=")[0] in flags or f"{field}=" in argument for argument in arguments):
        return False
    with contextlib.suppress(ShortlistError):  # a file that cannot be used is the error itself
        return field in read()
    return False
