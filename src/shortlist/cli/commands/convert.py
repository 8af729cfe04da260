"""`shortlist queries convert`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from shortlist.cli.console import output, say
from shortlist.cli.options import option
from shortlist.cli.options_measuring import QrelsOption, QueriesArgument, SplitOption
from shortlist.cli.options_reading import EncodingOption
from shortlist.wording.counting import counted

if TYPE_CHECKING:
    from shortlist.evaluation.query_sets.query_set import QuerySet


def convert(
    queries: QueriesArgument,
    out: Annotated[
        Path,
        typer.Argument(
            help="A .csv or .jsonl file, a BEIR folder, or TREC topics with --qrels-out.", show_default=False
        ),
    ],
    qrels: QrelsOption = None,
    split: SplitOption = "test",
    encoding: EncodingOption = "",
    qrels_out: Annotated[
        Path | None, option("--qrels-out", "FILE", "Write TREC topics, and put the judgments into this file.")
    ] = None,
    index: Annotated[
        Path | None,
        option("--index", "DIR", "Replace each snippet by the ids of the passages that contain the snippet."),
    ] = None,
) -> None:
    """Write a query set in another format.

    The formats are BEIR folders, TREC topics and qrels, CSV and JSON lines. The command leaves out queries without
    judgments, and counts them. It never replaces an existing file.
    """
    from shortlist.cli.render.evaluation import guessed_encodings
    from shortlist.evaluation.query_sets import files

    query_set = files.read(queries, qrels=qrels, split=split, encoding=encoding)
    guessed_encodings(query_set.guessed)
    if index is not None:
        query_set = _resolved(query_set, index)
    written = files.write(query_set, out, qrels=qrels_out, split=split)
    count = sum(map(len, query_set.qrels.values())) + sum(map(len, query_set.snippets.values()))
    unjudged = counted(query_set.unjudged, "query")
    left_out = f"; {unjudged} without judgments left out" if query_set.unjudged else ""
    say(
        output(),
        f"{counted(len(query_set.queries), 'query')}, {counted(count, 'judgment')} written to "
        f"{' and '.join(map(str, written))}{left_out}",
    )


def _resolved(query_set: QuerySet, folder: Path) -> QuerySet:
    """Return the query set with ids of this index in place of snippets."""
    from shortlist.cli.setups import Judging, SetUp, judged_in
    from shortlist.config import SearchConfig
    from shortlist.evaluation.query_sets.query_set import QuerySet

    set_up = SetUp("convert", folder, SearchConfig())
    judged, _ = judged_in(set_up, Judging(query_set, allow_unknown=False, ignore_identical_ids=False))
    return QuerySet(
        query_set.name,
        judged.queries,
        judged.qrels,
        unjudged=query_set.unjudged,
        rerank_queries=judged.rerank_queries,
    )
