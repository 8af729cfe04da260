"""`shortlist remove`."""

from __future__ import annotations

from typing import Annotated

import typer

from shortlist.cli.console import remark
from shortlist.cli.options import DEFAULT_INDEX, IndexOption
from shortlist.wording.counting import counted


def remove(
    names: Annotated[
        list[str],
        typer.Argument(
            metavar="SOURCE_OR_DOCUMENT_ID",
            help="Names of sources as `list` shows them, or ids of documents (`document_id` in `search --json`).",
            show_default=False,
        ),
    ],
    index: IndexOption = DEFAULT_INDEX,
) -> None:
    """Remove sources or documents from an index.

    If a file still exists, the next `add` adds the whole file again: delete the file, or leave it out of `add`.
    ":memory:" removes all documents from Python. If one name is unknown, the command removes nothing. You may interrupt
    the command: run it again to continue.
    """
    from shortlist import collection, registry
    from shortlist.cli.render.progress import kept_on_failure
    from shortlist.config import read

    with (
        kept_on_failure("committed removals stay"),
        registry.INDEXES.open(index, options=read().get("index_options")) as opened,
    ):
        removed = collection.remove(names, opened)
        left = len(opened.index)
    remark(f"{counted(removed, 'document')} removed; {opened.name} holds {counted(left, 'passage')}")
