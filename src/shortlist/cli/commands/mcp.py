"""`shortlist mcp`."""

from __future__ import annotations

from typing import Annotated

import typer

import shortlist
from shortlist.cli.options import ALL, Given, StateOption, resolved, with_settings
from shortlist.cli.options_collections import BoostOption, SearchedIndexesOption, boosts_of


@with_settings(*ALL)
def mcp(
    given: Given,
    index: SearchedIndexesOption = None,
    boost: BoostOption = None,
    state: StateOption = None,
    full_paths: Annotated[
        bool, typer.Option("--full-paths", help="Show ids and sources with their folders on this machine.")
    ] = False,
) -> None:
    """Offer an index or a store to agents as tools (MCP).

    The tools are `search`, `passage`, `explain`, `sources` and `rerank`, over standard input and output. The search
    options set the defaults of the tool `search`.
    """
    from shortlist.mcp import Tools, make_server, require_sdk
    from shortlist.opening import open_search

    require_sdk()
    with open_search(resolved(given).config, index, state, boosts=boosts_of(boost)) as opened:
        names = None if full_paths else opened.shown_names()
        make_server(Tools(opened, names=names), shortlist.__version__).run("stdio")
