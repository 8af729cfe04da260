"""What every table has in common."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich import box
from rich.table import Table

if TYPE_CHECKING:
    from shortlist.evaluation.metrics.statistics import Estimate


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


def gain_of(estimate: Estimate) -> str:
    """Return a difference with its interval, to three places."""
    return f"{estimate.mean:+.3f} [{estimate.low:+.3f}, {estimate.high:+.3f}]"


def mean_of(estimate: Estimate) -> str:
    """Return a mean, and its interval on a line below."""
    return f"{estimate.mean:.4f}\n[{estimate.low:.3f}, {estimate.high:.3f}]"
