"""The common layout of all tables."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich import box
from rich.console import Console
from rich.table import Table

from shortlist.cli.console import say

if TYPE_CHECKING:
    from shortlist.evaluation.metrics.statistics import Estimate

WIDEST = 10_000
"""The largest width of a table in a pipe or a file, in characters."""


def compact(title: str, *, words: Sequence[str] = (), numbers: Sequence[str] = ()) -> Table:
    """Return an empty table without a frame, whose rows fit 80 columns. `title` is Rich markup.

    The columns of words come first. The columns of numbers are aligned to the right, and their cells do not wrap.
    """
    table = Table(
        title=title,
        title_justify="left",
        box=box.SIMPLE_HEAD,
        show_edge=False,
        pad_edge=False,
        collapse_padding=True,
    )
    for name in words:
        table.add_column(name)
    for name in numbers:
        table.add_column(name, justify="right", no_wrap=True)
    return table


def show(out: Console, table: Table) -> None:
    """Print the table. A pipe or a file gets complete cells: lines may have any length, and do not end with spaces."""
    if out.is_terminal:
        out.print(table)
        return
    text = io.StringIO()
    wide = Console(file=text, width=WIDEST, highlight=False)
    if table.title is not None:
        wide.print(table.title)
    table.title = None
    wide.print(table)
    for line in text.getvalue().splitlines():
        say(out, line.rstrip())


def gain_of(estimate: Estimate) -> str:
    """Return a difference with its interval, with three decimal places."""
    return f"{estimate.mean:+.3f} [{estimate.low:+.3f}, {estimate.high:+.3f}]"


def mean_of(estimate: Estimate) -> str:
    """Return a mean, and its interval on a line below."""
    return f"{estimate.mean:.4f}\n[{estimate.low:.3f}, {estimate.high:.3f}]"
