"""`shortlist search`."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Annotated, Any

import typer

from shortlist.cli.console import output, remarks
from shortlist.cli.options import (
    ALL,
    Given,
    JsonOption,
    StateOption,
    WhereOption,
    option,
    resolved,
    with_settings,
)
from shortlist.cli.options_collections import BoostOption, SearchedIndexesOption, boosts_of
from shortlist.types import Ranking, RerankerInfo

if TYPE_CHECKING:
    from shortlist.config import Resolved
    from shortlist.search.context import Context

NO_RERANKER = RerankerInfo("none")

ContextOption = Annotated[
    bool, typer.Option("--context", help="Print numbered passages for a prompt; with --json, add them as context.")
]
NeighboursOption = Annotated[
    int | None, option("--neighbours", "N", "Context: add the N passages before and after each hit, 0 to 20.")
]
SectionOption = Annotated[
    bool, typer.Option("--section", help="Context: add the passages around each hit with its heading path.")
]
BudgetOption = Annotated[
    int | None,
    option("--budget-tokens", "N", "Context: the most tokens, by the models' own tokenizers. [default: no limit]"),
]


@with_settings(*ALL)
def search(  # noqa: PLR0913 - one parameter per option
    query: Annotated[str, typer.Argument(help="What to search for.", show_default=False)],
    given: Given,
    index: SearchedIndexesOption = None,
    boost: BoostOption = None,
    state: StateOption = None,
    where: WhereOption = None,
    rerank_query: Annotated[
        str | None,
        option("--rerank-query", "TEXT", "The text that the reranker reads. Stage one still gets the query."),
    ] = None,
    also: Annotated[
        list[str] | None,
        option(
            "--also",
            "TEXT",
            "Another phrasing of the query. Stage one searches for each, and fuses the pools. Repeat the option for "
            "several.",
        ),
    ] = None,
    as_json: JsonOption = False,
    as_context: ContextOption = False,
    neighbours: NeighboursOption = None,
    section: SectionOption = False,
    budget_tokens: BudgetOption = None,
) -> None:
    """Search an index, a store, or several collections together, in two stages, and show the scores of both.

    For every score, higher is better. "was 7 (+6)" means that stage one ranked the passage at place 7, and that the
    reranker moved it up by 6 places.

    A context contains the hits as one text. Passages without a gap between them are one block. Documents are in the
    order of their best hits, and each block has its source and its heading path. --neighbours, --section and
    --budget-tokens also give a context.
    """
    from shortlist.cli.render import ranking as render
    from shortlist.cli.setups import PlaceOptions, SetUp
    from shortlist.search.context import ContextOptions, check_context, context_of
    from shortlist.search.filters import where_of
    from shortlist.search.query_texts import query_texts
    from shortlist.search.scores import info_of

    options = ContextOptions(neighbours or 0, section, budget_tokens)
    as_context = as_context or section or neighbours is not None or budget_tokens is not None
    texts = query_texts(query, also, rerank_query)
    settings = resolved(given)
    filters = where_of(where or None)
    began = time.perf_counter()
    set_up = SetUp.at("search", settings.config, PlaceOptions(index, state, boosts_of(boost)))
    with set_up.open() as opened:
        parts = opened.context_parts
        check_context(options, parts)
        searcher = opened.searcher
        loaded = time.perf_counter() - began
        ranking = searcher.run(texts, where=filters)
        context = context_of(ranking, options, parts) if as_context else None
    if as_json:
        typer.echo(json.dumps(_content(ranking, context, settings, loaded), ensure_ascii=False))
    elif context is not None:
        if context.blocks:
            typer.echo(context.text)
        render.notes(remarks(), ranking, set_up.arguments)
        render.context_notes(remarks(), context)
        render.from_file(remarks(), settings.from_file)
    else:
        info = NO_RERANKER if searcher.reranker is None else info_of(searcher.reranker)
        render.table(output(), ranking, info.unit)
        render.notes(output(), ranking, set_up.arguments)
        render.footer(output(), ranking, loaded, info)
        render.from_file(output(), settings.from_file)


def _content(ranking: Ranking, context: Context | None, settings: Resolved, loaded: float) -> dict[str, Any]:
    """Return the JSON object of a search."""
    content = ranking.to_dict()
    content["notes"] = [note.to_dict() for note in settings.notes] + content["notes"]
    content["seconds"] = {**content["seconds"], "load": loaded}
    content["from_file"] = dict(settings.from_file)
    return content if context is None else {**content, "context": context.to_dict()}
