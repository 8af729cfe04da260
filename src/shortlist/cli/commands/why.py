"""`shortlist why`."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from shortlist.cli.console import output, say
from shortlist.cli.options import (
    MODELS,
    Given,
    JsonOption,
    SearchedIndexOption,
    StateOption,
    resolved,
    with_settings,
)

if TYPE_CHECKING:
    from rich.console import Console

    from shortlist.search.explain import Explanation

BAR = 10
LEVEL = 1e-9
"""A smaller margin favours neither passage."""
SMALLEST = 5e-5
"""A smaller effect is shown as 0, and has no bar."""


@with_settings("retriever", "fields", "words", "language", *MODELS, "fusion")
def why(
    query: Annotated[str, typer.Argument(help="The query.", show_default=False)],
    a: Annotated[str, typer.Argument(metavar="ID_A", help="A passage's id, as in search --json.", show_default=False)],
    b: Annotated[str, typer.Argument(metavar="ID_B", help="The passage to compare with.", show_default=False)],
    given: Given,
    index: SearchedIndexOption = None,
    state: StateOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show which words of a query put one passage above another.

    The command leaves out each word of the query once, in both stages. The effect of a word is the change of the score
    difference between the two passages.
    """
    from shortlist.opening import open_search
    from shortlist.wording import describe

    config = resolved({**given, "rerank": True}).config
    with open_search(config, index, state) as opened:
        explanation = opened.explain(query, a, b)
        notes = opened.explain_notes(query)
    if as_json:
        typer.echo(json.dumps({"a": a, "b": b, **asdict(explanation)}, ensure_ascii=False))
        return
    out = output()
    _print_margins(out, explanation, a, b)
    _print_words(out, explanation)
    for note in notes:
        say(out, describe(note), "yellow")
    if explanation.truncated:
        say(out, f"{explanation.truncated} of the 2 passages cut to the reranker's window", "yellow")


def _print_margins(out: Console, explanation: Explanation, a: str, b: str) -> None:
    say(out, f"A = {a}\nB = {b}")
    for stage, margin in (
        (f"stage one, {explanation.retrieval_score} alone", explanation.retrieval_margin),
        ("reranker alone", explanation.rerank_margin),
    ):
        say(out, f"{stage}: {_order_in_words(margin)}")
    out.print()


def _order_in_words(margin: float) -> str:
    if abs(margin) <= LEVEL:
        return "A and B have the same score"
    return f"A {'above' if margin > 0 else 'below'} B by {abs(margin):.4f}"


def _print_words(out: Console, explanation: Explanation) -> None:
    from rich.markup import escape

    from shortlist.cli.render.tables import compact, show

    words = explanation.words
    if not words:
        say(out, "the query has no words to leave out")
        return
    table = compact("what each word adds to A minus B")
    table.add_column("word")
    for stage in ("stage one", "reranker"):
        table.add_column(stage, justify="right", no_wrap=True)
        table.add_column("", no_wrap=True)
    largest = [max(abs(word.retrieval) for word in words), max(abs(word.rerank) for word in words)]
    for word in words:
        table.add_row(
            escape(word.word),
            f"{word.retrieval:+.4f}",
            _bar(word.retrieval, largest[0]),
            f"{word.rerank:+.4f}",
            _bar(word.rerank, largest[1]),
        )
    show(out, table)
    say(
        out,
        "difference with the word minus difference without it: + favours A, - favours B; bars: share of the largest",
        "dim",
    )


def _bar(effect: float, largest: float) -> str:
    if abs(effect) < SMALLEST:
        return ""
    length = max(1, round(BAR * abs(effect) / largest))
    return f"{'A' if effect > 0 else 'B'} {'█' * length}"
