"""`shortlist move`."""

from __future__ import annotations

from typing import Annotated

import typer

from shortlist.cli.console import remark, warn
from shortlist.cli.options import Given, resolved, with_settings
from shortlist.wording.counting import counted


@with_settings("index_options")
def move(
    source: Annotated[str, typer.Argument(metavar="FROM", help="An index.", show_default=False)],
    target: Annotated[str, typer.Argument(metavar="TO", help="Where the copy is made.", show_default=False)],
    given: Given,
) -> None:
    """Copy an index to a server, or back to a folder, without embedding again.

    FROM and TO are index folders, or indexes on a server such as qdrant:notes@http://127.0.0.1:6333. The command
    copies the documents, the vectors, the sources and the results of calibrate. FROM stays: delete it if you do not
    need it any more. You may interrupt the command: run it again to continue.
    """
    from shortlist.cli.render.progress import bar, kept_on_failure
    from shortlist.opening import copy_index
    from shortlist.redaction import without_secrets

    options = resolved(given).config.index_options
    name = without_secrets(target)
    with kept_on_failure("what was copied stays"), bar("documents") as progress:
        report = copy_index(source, target, options=options, progress=progress)
    remark(
        f"{counted(report.sources, 'source')}, {counted(report.documents, 'document')} and "
        f"{counted(report.passages, 'passage')} copied to {name}; {report.documents_unchanged} there already"
    )
    if report.roots_differ:
        warn(
            "names of sources are relative to the folder of the index folder, and to the current folder for an index "
            "on a server: these are two folders here. Run add where the names in `list` are those of the files"
        )
    if report.states_left:
        warn("precomputed states are not copied")
