"""`shortlist queries convert`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from shortlist.cli import options_measuring as measuring
from shortlist.evaluation.query_sets import files as datasets
from shortlist.evaluation.query_sets.query_set import QuerySet, resolve
from shortlist.indexes.embedded import EmbeddedIndex


def convert(
    queries: measuring.QueriesArgument,
    out: Annotated[
        Path,
        typer.Argument(
            help="A .csv or .jsonl file, a BEIR folder, or TREC topics with --qrels-out.", show_default=False
        ),
    ],
    qrels: measuring.QrelsOption = None,
    split: measuring.SplitOption = "test",
    qrels_out: Annotated[
        Path | None, typer.Option("--qrels-out", metavar="FILE", help="Write TREC topics, and their judgments here.")
    ] = None,
    index: Annotated[
        Path | None,
        typer.Option("--index", metavar="DIR", help="Put the ids of what holds a snippet in place of snippets."),
    ] = None,
) -> None:
    """Write a query set in another form: BEIR folder, TREC topics and qrels, CSV or JSON lines.

    Queries without judgments are left out and counted. No file is replaced.
    """
    made = datasets.read(queries, qrels=qrels, split=split)
    if index is not None:
        made = _resolved(made, index)
    files = datasets.write(made, out, qrels=qrels_out, split=split)
    count = sum(map(len, made.qrels.values())) + sum(map(len, made.snippets.values()))
    left = f"; {made.unjudged} queries without judgments left out" if made.unjudged else ""
    said = f"{len(made.queries)} queries, {count} judgments written to {' and '.join(map(str, files))}{left}"
    Console(highlight=False).print(said, markup=False, soft_wrap=True)


def _resolved(made: QuerySet, folder: Path) -> QuerySet:
    """The query set judged by ids of this index alone."""
    with EmbeddedIndex.open(folder) as index:
        judged = resolve(made, index.passages())
    return QuerySet(made.name, judged.queries, judged.qrels, unjudged=made.unjudged)
