"""`shortlist search`."""

from __future__ import annotations

import time
from typing import Annotated

import typer
from rich.console import Console

from shortlist.cli.options import (
    DEFAULT_INDEX,
    BiEncoderOption,
    BlendOption,
    ChosenCrossEncoderOption,
    FusionOption,
    IndexOption,
    Knobs,
    PoolOption,
    PrecisionOption,
    RerankOption,
    RetrieverOption,
    ThresholdOption,
    choose_knobs,
    parse_where,
)
from shortlist.cli.render import ranking as show
from shortlist.config import FILE
from shortlist.errors import InvalidInput
from shortlist.registry import Settings, open_index


def search(  # noqa: PLR0913 - one parameter an option
    query: Annotated[str, typer.Argument(help="What to look for.", show_default=False)],
    index: IndexOption = DEFAULT_INDEX,
    pool: PoolOption = None,
    top: Annotated[
        int | None,
        typer.Option(
            "--top", help="Passages to show; at most the pool, unless --tail. [default: shortlist.toml, or 5]"
        ),
    ] = None,
    retriever: RetrieverOption = "hybrid",
    rerank: RerankOption = None,
    where: Annotated[
        list[str] | None,
        typer.Option(
            "--where",
            metavar="KEY=VALUE",
            help="Only passages whose metadata hold it. A key given again: either value; different keys: all of them.",
        ),
    ] = None,
    bi_encoder: BiEncoderOption = None,
    cross_encoder: ChosenCrossEncoderOption = None,
    precision: PrecisionOption = "auto",
    blend: BlendOption = None,
    fusion: FusionOption = None,
    threshold: ThresholdOption = None,
    progressive: Annotated[
        bool,
        typer.Option("--progressive", help="Drop the hopeless early, by both stages: faster; no gain with --blend 0."),
    ] = False,
    min_probability: Annotated[
        float | None,
        typer.Option(
            "--min-probability",
            metavar="P",
            help="Leave out what is less likely to be relevant, by the curve that calibrate stored; 0 leaves out "
            "nothing and needs no curve. [default: shortlist.toml, or none]",
        ),
    ] = None,
    tail: Annotated[bool, typer.Option("--tail", help="Let --top go past the pool, in stage-one order.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
    as_context: Annotated[bool, typer.Option("--context", help="Numbered passages, ready for a prompt.")] = False,
) -> None:
    """Search an index in two stages and show what both said."""
    if as_json and as_context:
        raise InvalidInput("--json and --context exclude each other: give one")
    knobs = choose_knobs(
        pool,
        blend,
        rerank,
        top=top,
        fusion=fusion,
        threshold=threshold,
        min_probability=min_probability,
        cross_encoder=cross_encoder,
        tail=tail,
        progressive=progressive,
    )
    _check_top(knobs, tail=tail)
    errors = Console(stderr=True, highlight=False)
    if knobs.not_used:
        errors.print(knobs.not_used, style="yellow", markup=False, soft_wrap=True)
    settings = knobs.over(Settings(retriever, bi_encoder, precision=precision, progressive=progressive))
    began = time.perf_counter()
    with open_index(index, settings) as opened:
        loaded = time.perf_counter() - began
        ranking = opened.search(
            query,
            pool_size=knobs.pool,
            k=knobs.top,
            where=parse_where(where or []),
            tail=tail,
            threshold=knobs.threshold,
            min_probability=knobs.min_probability,
        )
        weights = opened.shortlist.weights
    out = Console(highlight=False)
    if as_json:
        typer.echo(show.as_json(ranking, loaded, weights, knobs.followed))
    elif as_context:
        typer.echo(show.as_context(ranking))
        show.followed(errors, knobs.followed)
        show.notes(errors, ranking)
        if ranking.no_good_answer:
            errors.print(ranking.no_good_answer, style="yellow", markup=False, soft_wrap=True)
    else:
        unit = show.unit(knobs.cross_encoder)
        show.table(out, ranking, unit)
        show.footer(out, ranking, loaded, weights, unit)
        show.followed(out, knobs.followed)


def _check_top(knobs: Knobs, *, tail: bool) -> None:
    """Does nothing where the file's top fits the pool; one of the command line is checked by the search itself."""
    if "top" in knobs.followed and knobs.pool != "auto" and knobs.top > knobs.pool and not tail:
        raise InvalidInput(
            f"top is {knobs.top} in {FILE} but the pool (--pool) holds {knobs.pool}: only passages in the pool are "
            "reranked. Change either there, or give --top"
        )
