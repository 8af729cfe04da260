"""What every table has in common."""

from __future__ import annotations

from rich import box
from rich.table import Table


def compact(title: str) -> Table:
    """Return an empty table without a frame, whose rows fit 80 columns. `title` is Rich markup."""
    return Table(
        title=title,
        title_justify="left",
        box=box.SIMPLE_HEAD,
        show_edge=False,
        pad_edge=False,
        collapse_padding=True,
    )
