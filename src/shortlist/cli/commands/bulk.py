"""`shortlist bulk`: `rerank` and `embed`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from shortlist.cli.console import remark, warn
from shortlist.cli.options import Given, option, resolved, with_settings
from shortlist.cli.options_reading import EncodingOption
from shortlist.cli.options_workers import RayOption, WorkersOption
from shortlist.errors import InvalidInput
from shortlist.wording.counting import counted

if TYPE_CHECKING:
    from shortlist.bulk import BulkReport

SHOWN = 20
"""The number of failed rows that the output names without --verbose."""
ROWS_FAILED = 1
"""The exit code if some rows have no result."""

VerboseOption = Annotated[
    bool, typer.Option("--verbose", help=f"Name every row that failed, not only the first {SHOWN}.")
]

app = typer.Typer(no_args_is_help=True, add_completion=False, rich_markup_mode=None)


@app.callback()
def bulk() -> None:
    """Rerank a whole run, or turn a file of texts into vectors, in several processes or on a Ray cluster."""


@app.command("rerank")
@with_settings("reranker", "fields", "precision", "device", "threads")
def rerank(  # noqa: PLR0913 - one parameter per option
    run: Annotated[
        Path,
        typer.Argument(help="A TREC run, or a .parquet file with query_id, passage_id and score.", show_default=False),
    ],
    given: Given,
    corpus: Annotated[
        str,
        option("--corpus", "PLACE", "The passages: .jsonl, .csv, .parquet, a BEIR folder, an index, or a store."),
    ],
    queries: Annotated[
        Path, option("--queries", "FILE", "The queries: .jsonl, .csv, .parquet, a BEIR folder, or TREC topics.")
    ],
    out: Annotated[Path, option("--out", "FILE", "The reranked run: .parquet, or any other name for a TREC run.")],
    workers: WorkersOption = None,
    ray: RayOption = None,
    encoding: EncodingOption = "",
    verbose: VerboseOption = False,
) -> None:
    """Rerank a whole run of any retriever.

    You may stop the command at any moment: run it again to continue. The number of workers does not change the output.
    If some rows have no result, the exit code is 1.
    """
    from shortlist.bulk import rerank as run_rerank

    config = resolved(given).config
    if config.reranker is None:
        raise InvalidInput("reranker is empty: name one", field="reranker")
    report = _working(
        "reranking",
        lambda show: run_rerank(
            run, corpus, queries, out, config=config, workers=workers, ray=ray, encoding=encoding, progress=show
        ),
    )
    _finish(report, out, "pair", verbose)


@app.command("embed")
@with_settings("bi_encoder", "precision", "device", "threads")
def embed(  # noqa: PLR0913 - one parameter per option
    texts: Annotated[
        Path, typer.Argument(help="The texts: .jsonl, .csv, .parquet, or a BEIR folder.", show_default=False)
    ],
    given: Given,
    out: Annotated[Path, option("--out", "FILE", "The vectors: .parquet, or .npy with the ids in .ids.jsonl.")],
    as_queries: Annotated[
        bool, typer.Option("--as-queries", help="Encode the texts as queries. Otherwise they are passages.")
    ] = False,
    workers: WorkersOption = None,
    ray: RayOption = None,
    encoding: EncodingOption = "",
    verbose: VerboseOption = False,
) -> None:
    """Turn a file of texts into vectors.

    You may stop the command at any moment: run it again to continue. The number of workers does not change the output.
    If some rows have no result, the exit code is 1.
    """
    from shortlist.bulk import embed as run_embed

    config = resolved(given).config
    report = _working(
        "embedding",
        lambda show: run_embed(
            texts,
            out,
            as_queries=as_queries,
            config=config,
            workers=workers,
            ray=ray,
            encoding=encoding,
            progress=show,
        ),
    )
    _finish(report, out, "text", verbose)


def _working(what: str, run: Callable[[Callable[[int, int], None]], BulkReport]) -> BulkReport:
    from shortlist.cli.render.progress import bar, kept_on_failure

    with kept_on_failure("the finished rows are kept"), bar(what) as show:
        return run(show)


def _finish(report: BulkReport, out: Path, noun: str, verbose: bool) -> None:
    """Print what was done, and end with an error code if rows failed."""
    from shortlist.cli.render.evaluation import guessed_encodings

    guessed_encodings(report.guessed)
    resumed = f", {report.resumed} of them by an earlier run" if report.resumed else ""
    remark(f"{counted(report.rows, noun)} written to {out} in {report.seconds:.1f} s{resumed}")
    if report.cut:
        remark(f"{counted(report.cut, 'text')} cut to the window of the model")
    if report.skipped:
        remark(
            f"{counted(report.skipped, 'query')} longer than the queries that the reranker was trained on: "
            "a search would not rerank them"
        )
    if len(report.units) > 1:
        shares = "; ".join(f"{name}: {counted(count, 'unit')}" for name, count in sorted(report.units.items()))
        warn(f"workers with different runtimes, so that scores differ slightly between them ({shares})")
    if not report.failures:
        return
    shown = report.failures if verbose else report.failures[:SHOWN]
    warn(f"{counted(report.failed, noun)} failed:")
    for failure in shown:
        remark(f"  {failure}")
    if len(shown) < len(report.failures):
        remark(f"  and {len(report.failures) - len(shown)} more (--verbose names all)")
    if report.kept is not None:
        remark(f"run the same command again to try them again; the other results are kept in {report.kept}")
    raise typer.Exit(ROWS_FAILED)
