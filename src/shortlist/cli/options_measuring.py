"""Options of `evaluate`, `tune`, `calibrate` and `queries`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

QueriesArgument = Annotated[
    Path,
    typer.Argument(help="A BEIR folder, a .csv or .jsonl file, or TREC topics with --qrels.", show_default=False),
]
QrelsOption = Annotated[Path | None, typer.Option("--qrels", help="TREC judgments for TREC topics.", metavar="FILE")]
SplitOption = Annotated[str, typer.Option("--split", help="Which judgments of a BEIR folder.", metavar="NAME")]
IdenticalOption = Annotated[
    bool,
    typer.Option("--ignore-identical-ids", help="Leave out the passage with the query's own id, as for ArguAna."),
]
UnknownOption = Annotated[
    bool,
    typer.Option("--allow-unknown", help="Count judged ids and snippets that the index does not have as not found."),
]
MeasuresOption = Annotated[
    list[str] | None,
    typer.Option("--measure", metavar="NAME@K", help="A measure; repeat it for several. The first one decides."),
]
SetUpOption = Annotated[
    list[str] | None,
    typer.Option(
        "--set-up",
        metavar="NAME:KEY=VALUE,...",
        help="A set-up to compare; repeat it for several. The keys are those of shortlist.toml, and index. A .toml "
        "file has one table a set-up.",
    ),
]
CutOption = Annotated[
    int, typer.Option("--cut", metavar="K", help="A query has no failure if an answer is among the first K.")
]
FailuresOption = Annotated[int, typer.Option("--failures", metavar="N", help="Failed queries to list.")]
SaveOption = Annotated[
    Path | None, typer.Option("--save", metavar="FILE", help="Save the evaluation, to compare with later.")
]
RunOption = Annotated[
    list[str] | None,
    typer.Option("--run", metavar="NAME:FILE", help="A TREC run of another system to compare; repeat it for several."),
]
WriteRunOption = Annotated[
    Path | None, typer.Option("--write-run", metavar="FILE", help="Write the whole rankings as TREC runs.")
]
BaselineOption = Annotated[
    Path | None, typer.Option("--baseline", metavar="FILE", help="An evaluation from --save to compare with.")
]
FailIfOption = Annotated[
    list[str] | None,
    typer.Option(
        "--fail-if", metavar="RULE", help='Exit with 1 if the rule is true, such as "nDCG@10 < -0.01": now - baseline.'
    ),
]
ReportOption = Annotated[
    Path | None, typer.Option("--report", metavar="FILE", help="Write an HTML report with figures.")
]
MarkdownOption = Annotated[
    Path | None, typer.Option("--markdown", metavar="FILE", help="Write a short summary in Markdown.")
]
SizesOption = Annotated[
    str | None, typer.Option("--sizes", metavar="N,N,...", help="Pool sizes. [default: 5,10,20,30,50,75,100]")
]
BlendsOption = Annotated[
    str | None,
    typer.Option(
        "--blends",
        metavar="X,X,...",
        help='Blends to try; "," keeps the present one. [default: 0,0.25,0.5,1,2,4]',
    ),
]
FusionsOption = Annotated[
    str | None,
    typer.Option(
        "--fusions",
        metavar="X,X,...",
        help='Fusion weights to try; "," keeps the present one. [default: 0,0.25,0.5,0.75,1]',
    ),
]
BudgetOption = Annotated[
    float | None, typer.Option("--budget-ms", metavar="MS", help="95 of 100 searches must take at most this time.")
]
TimedOption = Annotated[
    int | None,
    typer.Option("--timed", metavar="N", help="Queries to time at each smaller pool. [default: up to 8 % of the pass]"),
]
CheckpointOption = Annotated[
    Path,
    typer.Option(
        "--checkpoint",
        metavar="FILE",
        help="Where partial results are kept until the end. A hash of the run replaces the *.",
    ),
]
WriteOption = Annotated[
    bool, typer.Option("--write", help="Write the recommendation into shortlist.toml in this folder.")
]
