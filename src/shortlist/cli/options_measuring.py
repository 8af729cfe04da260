"""Options of `evaluate`, `tune`, `calibrate` and `queries`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from shortlist.evaluation.tuning.request import BLENDS, FUSIONS, SIZES

SIZES_TEXT = ",".join(map(str, SIZES))
BLENDS_TEXT = ",".join(f"{blend:g}" for blend in BLENDS)
FUSIONS_TEXT = ",".join(f"{fusion:g}" for fusion in FUSIONS)

QueriesArgument = Annotated[
    Path,
    typer.Argument(help="A BEIR folder, a .csv or .jsonl file, or TREC topics with --qrels.", show_default=False),
]
QrelsOption = Annotated[Path | None, typer.Option("--qrels", help="TREC judgments for TREC topics.", metavar="FILE")]
SplitOption = Annotated[str, typer.Option("--split", help="Which judgments of a BEIR folder.", metavar="NAME")]
ItselfOption = Annotated[
    bool,
    typer.Option("--ignore-identical-ids", help="Leave out what has the query's own id, as for ArguAna."),
]
UnknownOption = Annotated[
    bool, typer.Option("--allow-unknown", help="Count judged ids and snippets that the index lacks as never found.")
]
MeasureOption = Annotated[
    list[str] | None,
    typer.Option("--measure", metavar="NAME@K", help="May be given several times; the first one decides."),
]
SetUpOption = Annotated[
    list[str] | None,
    typer.Option("--set-up", metavar="NAME:KEY=VALUE,...", help="Compare set-ups; also a .toml file of tables."),
]
CutOption = Annotated[int, typer.Option("--cut", help="A query is fine when an answer is among the first ...")]
FailuresOption = Annotated[int, typer.Option("--failures", help="Failed queries to list.")]
SaveOption = Annotated[Path | None, typer.Option("--save", metavar="FILE", help="Keep the run, to compare with.")]
RunOption = Annotated[
    list[str] | None,
    typer.Option("--run", metavar="NAME:FILE", help="A TREC run from elsewhere, beside the set-ups; several times."),
]
WriteRunOption = Annotated[
    Path | None, typer.Option("--write-run", metavar="FILE", help="Write whole rankings as a TREC run a set-up.")
]
BaselineOption = Annotated[Path | None, typer.Option("--baseline", metavar="FILE", help="A run kept by --save.")]
FailIfOption = Annotated[
    list[str] | None,
    typer.Option("--fail-if", metavar="RULE", help='Exit with 1, as in "nDCG@10 < -0.01" against the baseline.'),
]
ReportOption = Annotated[
    Path | None, typer.Option("--report", metavar="FILE", help="Write it all as one HTML file, with figures.")
]
MarkdownOption = Annotated[Path | None, typer.Option("--markdown", metavar="FILE", help="Write a short summary.")]
SizesOption = Annotated[str, typer.Option("--sizes", metavar="N,N,...", help="Pool sizes.")]
BlendsOption = Annotated[
    str, typer.Option("--blends", metavar="X,X,...", help="Blends to try; only the one in use if empty.")
]
FusionsOption = Annotated[
    str, typer.Option("--fusions", metavar="X,X,...", help="Fusion weights to try; only the one in use if empty.")
]
BudgetOption = Annotated[
    float | None, typer.Option("--budget-ms", help="95 of 100 searches have to stay within this time.")
]
TimedOption = Annotated[
    int | None, typer.Option("--timed", help="Queries to time at each smaller pool. [default: up to 8 % of the pass]")
]
CheckpointOption = Annotated[
    Path,
    typer.Option(
        "--checkpoint",
        metavar="FILE",
        help="Where partial results are kept until it is done; * becomes a hash of what is run.",
    ),
]
WriteOption = Annotated[bool, typer.Option("--write", help="Put the recommendation in shortlist.toml here.")]
