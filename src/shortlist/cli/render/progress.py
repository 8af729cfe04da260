"""A bar with the time left, on standard error."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from shortlist.errors import ModelError

INTERRUPTED = 130
"""What typer exits with after Ctrl-C in commands that say nothing of it."""


@contextmanager
def bar(console: Console, what: str) -> Iterator[Callable[[int, int], None]]:
    """A function to be told how much of how much is done; the bar goes away at the end, and is not drawn in a file."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as shown:
        task = shown.add_task(what, total=None)
        yield lambda done, total: shown.update(task, completed=done, total=total)


@contextmanager
def kept_on_failure(kept: str) -> Iterator[None]:
    """Says what is `kept` when Ctrl-C or a model's failure cuts a run short, and that the same command goes on.

    Raises:
        typer.Exit: It was Ctrl-C; the code is 130.
    """
    out = Console(stderr=True, highlight=False)
    try:
        yield
    except KeyboardInterrupt as error:
        out.print(f"interrupted; {kept}, and the same command goes on from there", markup=False, soft_wrap=True)
        raise typer.Exit(INTERRUPTED) from error
    except ModelError:
        out.print(f"{kept}, and the same command goes on from there", markup=False, soft_wrap=True)
        raise
