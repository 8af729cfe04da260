"""`shortlist why`."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from shortlist.cli.options import (
    DEFAULT_INDEX,
    BiEncoderOption,
    ChosenCrossEncoderOption,
    IndexOption,
    PrecisionOption,
    choose_knobs,
)
from shortlist.cli.render.evaluation import compact
from shortlist.registry import Settings, open_index
from shortlist.search.explain import Why

BAR = 10
NOTHING = 1e-9
"""An effect this small, or a margin, speaks for neither."""


def why(  # noqa: PLR0913 - one parameter an option
    query: Annotated[str, typer.Argument(help="The query.", show_default=False)],
    a: Annotated[str, typer.Argument(metavar="ID_A", help="A passage's id, as in search --json.", show_default=False)],
    b: Annotated[str, typer.Argument(metavar="ID_B", help="The passage to hold it against.", show_default=False)],
    index: IndexOption = DEFAULT_INDEX,
    bi_encoder: BiEncoderOption = None,
    cross_encoder: ChosenCrossEncoderOption = None,
    precision: PrecisionOption = "auto",
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """Which words of the query put passage A above passage B, in each stage: each word is left out once."""
    model = choose_knobs(cross_encoder=cross_encoder).cross_encoder
    with open_index(index, Settings("dense", bi_encoder, model, precision)) as opened:
        found = opened.why(query, a, b)
        cut = opened.cuts_query(query)
    if as_json:
        typer.echo(json.dumps({"a": a, "b": b, **asdict(found)}, ensure_ascii=False))
        return
    out = Console(highlight=False)
    _margins(out, found, a, b)
    _words(out, found)
    if cut:
        out.print("the query is longer than the bi-encoder's window: stage one read its start only", style="yellow")
    if found.truncated:
        out.print(f"{found.truncated} of the 2 passages cut to the reranker's window", style="yellow")


def _margins(out: Console, found: Why, a: str, b: str) -> None:
    out.print(f"A = {a}\nB = {b}", markup=False, soft_wrap=True)
    for stage, margin in (
        ("stage one, cosine alone", found.retrieval_margin),
        ("reranker alone", found.rerank_margin),
    ):
        out.print(f"{stage}: {_verdict(margin)}", soft_wrap=True)
    out.print()


def _verdict(margin: float) -> str:
    if abs(margin) <= NOTHING:
        return "A and B stand level"
    return f"A {'above' if margin > 0 else 'below'} B by {abs(margin):.4f}"


def _words(out: Console, found: Why) -> None:
    if not found.words:
        out.print("the query holds no words to leave out")
        return
    table = compact("what each word adds to A less B")
    table.add_column("word")
    for stage in ("stage one", "reranker"):
        table.add_column(stage, justify="right", no_wrap=True)
        table.add_column("", no_wrap=True)
    largest = [max(abs(one.retrieval) for one in found.words), max(abs(one.rerank) for one in found.words)]
    for one in found.words:
        table.add_row(
            escape(one.word),
            f"{one.retrieval:+.4f}",
            _bar(one.retrieval, largest[0]),
            f"{one.rerank:+.4f}",
            _bar(one.rerank, largest[1]),
        )
    out.print(table)
    out.print(
        "margin with the word less margin without it: + speaks for A, - for B; bars: share of the largest",
        style="dim",
        soft_wrap=True,
    )


def _bar(effect: float, largest: float) -> str:
    if abs(effect) <= NOTHING:
        return ""
    length = max(1, round(BAR * abs(effect) / largest))
    return f"{'A' if effect > 0 else 'B'} {'█' * length}"
