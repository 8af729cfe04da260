"""Lists of what a command did not read."""

from __future__ import annotations

from collections.abc import Sequence

from shortlist.cli.console import remark
from shortlist.types import Note
from shortlist.wording.counting import counted

SHOWN = 20
"""The number of lines that the output has without --verbose."""
MORE = " (--verbose names all)"


def print_list(lines: Sequence[str], shown: int | None, more: str = MORE) -> None:
    """Print the first `shown` lines, or all if it is None, and the number of the others."""
    names = lines[:shown]
    for line in names:
        remark(f"  {line}")
    if len(lines) > len(names):
        remark(f"  and {len(lines) - len(names)} more{more}")


def print_left_out(notes: Sequence[Note], shown: int | None = SHOWN, more: str = "") -> None:
    """Print the number of rows that were left out, and the reason for each of them. Rows of one reason follow another.

    `shown` and `more` are those of `print_list`.
    """
    from shortlist.collection.refused import row_count
    from shortlist.wording import describe

    if notes:
        remark(f"{counted(sum(map(row_count, notes)), 'row')} left out:")
        codes = list(dict.fromkeys(note.code for note in notes))
        print_list([describe(note) for code in codes for note in notes if note.code == code], shown, more)
