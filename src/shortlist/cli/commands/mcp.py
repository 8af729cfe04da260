"""`shortlist mcp`."""

from __future__ import annotations

from typing import Annotated

import typer

import shortlist
from shortlist.cli.options import ALL, DEFAULT_INDEX, Given, IndexOption, resolved, with_settings


@with_settings(*ALL)
def mcp(
    given: Given,
    index: IndexOption = DEFAULT_INDEX,
    full_paths: Annotated[
        bool, typer.Option("--full-paths", help="Show ids and sources with their folders on this machine.")
    ] = False,
) -> None:
    """Offer an index to agents as tools (MCP).

    The tools are `search` and `rerank`, over standard input and output. The search options set the defaults of the tool
    `search`.
    """
    from shortlist.mcp import Tools, make_server, require_sdk
    from shortlist.redaction import Names

    require_sdk()
    with shortlist.open(index, config=resolved(given).config) as opened:
        collection = opened.collection
        names = None if full_paths else Names.of(collection.ledger.known_sources(), str(collection.folder))
        make_server(Tools(opened, names=names), shortlist.__version__).run("stdio")
