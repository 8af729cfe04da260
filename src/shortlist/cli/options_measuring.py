"""Options of `evaluate`, `tune`, `calibrate` and `queries`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from shortlist.cli.options import option

QueriesArgument = Annotated[
    Path, typer.Argument(help="A BEIR folder, a .csv or .jsonl file, or TREC topics with --qrels.", show_default=False)
]
QrelsOption = Annotated[Path | None, option("--qrels", "FILE", "TREC judgments for TREC topics.")]
SplitOption = Annotated[str, option("--split", "NAME", "The split of a BEIR folder's judgments.")]
IdenticalOption = Annotated[
    bool,
    typer.Option("--ignore-identical-ids", help="Leave out passages that have the id of the query, as for ArguAna."),
]
UnknownOption = Annotated[
    bool,
    typer.Option("--allow-unknown", help="If the corpus lacks a judged id or snippet, count it as not found."),
]
MeasuresOption = Annotated[
    list[str] | None, option("--measure", "NAME@K", "A measure; repeat the option for several. The first decides.")
]
SetUpOption = Annotated[
    list[str] | None,
    option(
        "--set-up",
        "NAME:KEY=VALUE,...",
        "A named list of settings to compare; repeat the option for several. The keys are those of "
        "shortlist.toml, and index. A .toml file has one table for each set-up.",
    ),
]
CutOption = Annotated[int, option("--cut", "K", "A query has no failure if an answer is among the first K.")]
FailuresOption = Annotated[int, option("--failures", "N", "Failed queries to list.")]
SaveOption = Annotated[Path | None, option("--save", "FILE", "Save the evaluation, to compare with later.")]
RunOption = Annotated[
    list[str] | None, option("--run", "NAME:FILE", "A TREC run of another system; repeat the option for several.")
]
WriteRunOption = Annotated[Path | None, option("--write-run", "FILE", "Write the whole rankings as TREC runs.")]
BaselineOption = Annotated[Path | None, option("--baseline", "FILE", "An evaluation from --save to compare with.")]
FailIfOption = Annotated[
    list[str] | None,
    option("--fail-if", "RULE", 'Exit with 1 if the rule is true, such as "nDCG@10 < -0.01": now minus baseline.'),
]
ReportOption = Annotated[Path | None, option("--report", "FILE", "Write an HTML report with figures.")]
MarkdownOption = Annotated[Path | None, option("--markdown", "FILE", "Write a short summary in Markdown.")]
SizesOption = Annotated[str | None, option("--sizes", "N,N,...", "Pool sizes. [default: 5,10,20,30,50,75,100]")]
BlendsOption = Annotated[
    str | None,
    option("--blends", "X,X,...", 'Blends to try; "," tries the current one alone. [default: 0,0.25,0.5,1,2,4]'),
]
FusionsOption = Annotated[
    str | None,
    option(
        "--fusions", "X,X,...", 'Fusion weights to try; "," tries the current one alone. [default: 0,0.25,0.5,0.75,1]'
    ),
]
BudgetOption = Annotated[
    float | None,
    option(
        "--budget-ms",
        "MS",
        "95 of 100 searches must take at most this time; the median if fewer than 20 searches are timed.",
    ),
]
TimedOption = Annotated[
    int | None,
    option(
        "--timed", "N", "Queries to time at each smaller pool. [default: up to 8 % of the pass, and 3 with a budget]"
    ),
]
CheckpointOption = Annotated[
    Path,
    option("--checkpoint", "FILE", "The file of partial results during the run. A hash of the run replaces the *."),
]
WriteOption = Annotated[
    bool, typer.Option("--write", help="Write the recommendation into shortlist.toml in this folder.")
]
