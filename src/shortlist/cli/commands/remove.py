"""`shortlist remove`."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console

from shortlist.cli.options import DEFAULT_INDEX, IndexOption
from shortlist.cli.render.progress import kept_on_failure
from shortlist.collection import contents
from shortlist.collection import remove as remove_names


def remove(
    names: Annotated[
        list[str],
        typer.Argument(
            metavar="SOURCE_OR_DOCUMENT_ID", help="As `shortlist list` and search show them.", show_default=False
        ),
    ],
    index: IndexOption = DEFAULT_INDEX,
) -> None:
    """Remove sources, or single documents by id, from an index.

    A file that still exists comes back, whole, when it is next added: delete it, or leave it out of `add`.
    ":memory:" is all that was added from Python. Where one name is unknown, nothing is removed. Safe to interrupt: run
    it again.
    """
    with kept_on_failure("what was committed stays"):
        removed = remove_names(names, index)
    left = contents(index).passages
    Console(stderr=True, highlight=False).print(
        f"{removed} {'document' if removed == 1 else 'documents'} removed; {index} holds {left} passages",
        markup=False,
        soft_wrap=True,
    )
