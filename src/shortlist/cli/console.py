"""Where commands print: results on standard output, remarks on standard error."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console


def output() -> Console:
    """Return the console for results."""
    from rich.console import Console

    return Console(highlight=False)


def remarks() -> Console:
    """Return the console for progress, warnings and totals, which a pipe does not carry."""
    from rich.console import Console

    return Console(stderr=True, highlight=False)


def say(console: Console, text: str, style: str | None = None) -> None:
    """Print the text as it is, without markup. A long line is left to the terminal to wrap."""
    console.print(text, style=style, markup=False, soft_wrap=True)


def remark(text: str, style: str | None = None) -> None:
    """Print a line on standard error."""
    say(remarks(), text, style)


def warn(text: str) -> None:
    """Print a line on standard error, in yellow if it is a terminal."""
    remark(text, "yellow")


def with_index(text: str, index: Path | str) -> str:
    """Return the text with this index folder in the commands that the text proposes."""
    return with_place(text, ["--index", str(index)])


def with_place(text: str, arguments: Sequence[str]) -> str:
    """Return the text with these arguments in place of `--index DIR` in the commands that the text proposes."""
    return text.replace(" --index DIR", "".join(f" {shlex.quote(argument)}" for argument in arguments))
