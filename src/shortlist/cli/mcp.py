"""`shortlist mcp`."""

from __future__ import annotations

from typing import Annotated

import typer

from shortlist import __version__
from shortlist.catalog import Settings, open_index
from shortlist.cli.options import (
    DEFAULT_INDEX,
    BiEncoderOption,
    BlendOption,
    CrossEncoderOption,
    IndexOption,
    PrecisionOption,
    RerankOption,
    RetrieverOption,
    choose_knobs,
)
from shortlist.mcp import Tools, make_server, require_sdk
from shortlist.models.packaged import CROSS_ENCODER


def mcp(  # noqa: PLR0913 - one parameter an option
    index: IndexOption = DEFAULT_INDEX,
    retriever: RetrieverOption = "hybrid",
    rerank: RerankOption = None,
    bi_encoder: BiEncoderOption = None,
    cross_encoder: CrossEncoderOption = CROSS_ENCODER,
    precision: PrecisionOption = "auto",
    blend: BlendOption = None,
    least_logit: Annotated[
        float | None,
        typer.Option("--least-logit", help="Leave passages with a lower logit out of answers. [default: none]"),
    ] = None,
) -> None:
    """Offer the index to agents as the tools `search` and `rerank`, over standard input and output (MCP)."""
    require_sdk()
    knobs = choose_knobs(blend=blend, rerank=rerank)
    model = cross_encoder if knobs.rerank else None
    settings = Settings(retriever, bi_encoder, model, precision, knobs.blend, weights=knobs.weights)
    with open_index(index, settings) as opened:
        tools = Tools(opened, opened.shortlist.reranker, least_logit=least_logit)
        make_server(tools, __version__).run("stdio")
