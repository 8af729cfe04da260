"""`shortlist mcp`."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console

from shortlist import __version__
from shortlist.cli.options import (
    DEFAULT_INDEX,
    BiEncoderOption,
    BlendOption,
    ChosenCrossEncoderOption,
    FusionOption,
    IndexOption,
    PrecisionOption,
    RerankOption,
    RetrieverOption,
    ThresholdOption,
    choose_knobs,
)
from shortlist.mcp import Tools, make_server, require_sdk
from shortlist.redaction import Names
from shortlist.registry import Settings, open_index


def mcp(  # noqa: PLR0913 - one parameter an option
    index: IndexOption = DEFAULT_INDEX,
    retriever: RetrieverOption = "hybrid",
    rerank: RerankOption = None,
    bi_encoder: BiEncoderOption = None,
    cross_encoder: ChosenCrossEncoderOption = None,
    precision: PrecisionOption = "auto",
    blend: BlendOption = None,
    fusion: FusionOption = None,
    threshold: ThresholdOption = None,
    least_logit: Annotated[
        float | None,
        typer.Option("--least-logit", help="Leave passages with a lower logit out of answers. [default: none]"),
    ] = None,
    full_paths: Annotated[
        bool, typer.Option("--full-paths", help="Show ids and sources with their folders on this machine.")
    ] = False,
) -> None:
    """Offer the index to agents as the tools `search` and `rerank`, over standard input and output (MCP)."""
    require_sdk()
    knobs = choose_knobs(blend=blend, rerank=rerank, fusion=fusion, threshold=threshold, cross_encoder=cross_encoder)
    if knobs.not_used:
        Console(stderr=True, highlight=False).print(knobs.not_used, style="yellow", markup=False, soft_wrap=True)
    with open_index(index, knobs.over(Settings(retriever, bi_encoder, precision=precision))) as opened:
        tools = Tools(
            opened,
            opened.shortlist.reranker,
            least_logit=least_logit,
            threshold=knobs.threshold,
            min_probability=knobs.min_probability,
            sizes=(knobs.pool, knobs.top),
            names=None if full_paths else Names.of(opened.index.ledger.known_sources()),
        )
        make_server(tools, __version__).run("stdio")
