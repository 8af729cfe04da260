"""`shortlist search`."""

from __future__ import annotations

import json
import time
from typing import Annotated

import typer

from shortlist.cli.console import output, remarks
from shortlist.cli.options import (
    ALL,
    Given,
    JsonOption,
    SearchedIndexOption,
    StateOption,
    WhereOption,
    resolved,
    with_settings,
)
from shortlist.errors import InvalidInput
from shortlist.types import RerankerInfo

NO_RERANKER = RerankerInfo("none")


@with_settings(*ALL)
def search(
    query: Annotated[str, typer.Argument(help="What to search for.", show_default=False)],
    given: Given,
    index: SearchedIndexOption = None,
    state: StateOption = None,
    where: WhereOption = None,
    as_json: JsonOption = False,
    as_context: Annotated[bool, typer.Option("--context", help="Print numbered passages for a prompt.")] = False,
) -> None:
    """Search an index or a store in two stages, and show the scores of both.

    For every score, higher is better. "was 7 (+6)" means that stage one ranked the passage at place 7, and that the
    reranker moved it up by 6 places.
    """
    from shortlist.cli.render import ranking as render
    from shortlist.cli.setups import Place, SetUp
    from shortlist.search.filters import where_of
    from shortlist.search.scores import info_of
    from shortlist.text.validation import checked_text

    if as_json and as_context:
        raise InvalidInput("--json and --context cannot be used together: give one of the two")
    query = checked_text(query)
    settings = resolved(given)
    filters = where_of(where or None)
    began = time.perf_counter()
    set_up = SetUp.at("search", settings.config, Place(index, state))
    with set_up.open() as opened:
        searcher = opened.searcher
        loaded = time.perf_counter() - began
        ranking = searcher.search(query, where=filters)
    if as_json:
        content = ranking.to_dict()
        content["notes"] = [note.to_dict() for note in settings.notes] + content["notes"]
        content["seconds"] = {**content["seconds"], "load": loaded}
        content["from_file"] = dict(settings.from_file)
        typer.echo(json.dumps(content, ensure_ascii=False))
    elif as_context:
        if ranking.hits:
            typer.echo(render.as_context(ranking))
        render.notes(remarks(), ranking, set_up.arguments)
        render.from_file(remarks(), settings.from_file)
    else:
        info = NO_RERANKER if searcher.reranker is None else info_of(searcher.reranker)
        render.table(output(), ranking, info.unit)
        render.notes(output(), ranking, set_up.arguments)
        render.footer(output(), ranking, loaded, info)
        render.from_file(output(), settings.from_file)
