"""`shortlist demo`."""

from __future__ import annotations

import json
import tempfile
import textwrap
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from shortlist.cli.console import output, remark, remarks, say
from shortlist.cli.options import JsonOption

if TYPE_CHECKING:
    from rich.console import Console

    from shortlist.demo import Demo
    from shortlist.types import Hit, Ranking

SHOWN = 5
INDENT = 3


def demo(as_json: JsonOption = False) -> None:
    """Watch both stages answer one query.

    The query contains "not", and the corpus is small. The demonstration takes a few seconds and downloads nothing.
    """
    if remarks().is_terminal:
        remark("loading models", "dim")
    from shortlist.demo import run

    with tempfile.TemporaryDirectory() as folder:
        shown = run(Path(folder) / "index")
    if as_json:
        typer.echo(json.dumps(shown.to_dict(), ensure_ascii=False, indent=2))
        return
    out = output()
    _print(out, _introduction(shown))
    _print_order(out, shown, f"1. Stage one alone: {shown.models[0]} and BM25, fused", shown.stage_one)
    _print(out, [_of_stage_one(shown), ""], INDENT)
    _print_order(out, shown, f"2. The reranker alone: {shown.models[1]} by its own score (--blend 0)", shown.reranker)
    _print(out, [_of_reranker(shown), ""], INDENT)
    _print_order(out, shown, "3. A search with the default settings", shown.final)
    _print(out, [*_of_final(shown), ""], INDENT)
    _print_pools(out, shown)
    _print(out, ["", "Next, with your own files: shortlist add FOLDER"])


def _print(out: Console, lines: Iterable[str], indent: int = 0) -> None:
    """Print the lines, wrapped at words to the width of the terminal."""
    margin = " " * indent
    for line in lines:
        say(out, textwrap.fill(line, out.width, initial_indent=margin, subsequent_indent=margin))


def _introduction(demo: Demo) -> list[str]:
    from shortlist.demo import QUERY

    return [
        f'Query: "{QUERY}"',
        f"{len(demo.stage_one)} notes on vector databases. * marks the {len(demo.answers)} that answer the query.",
        "",
    ]


def _print_order(out: Console, demo: Demo, heading: str, ranking: Ranking) -> None:
    """Print the first hits of an order. A line that is too long ends in an ellipsis."""
    out.print(heading, style="bold", markup=False)
    for hit in ranking[:SHOWN]:
        mark = "*" if demo.is_answer(hit) else " "
        line = f"   {hit.rank} {mark} {_scores(hit)}  {hit.title}: {hit.text}"
        out.print(line, markup=False, no_wrap=True, overflow="ellipsis")


def _scores(hit: Hit) -> str:
    if hit.rerank_score is None:
        return f"cosine {hit.signals['dense']:.3f}, BM25 {hit.signals.get('bm25', 0.0):5.2f}"
    from shortlist.cli.render.ranking import move

    final = "" if hit.score == hit.rerank_score else f"score {hit.score:+7.3f}, "
    return f"was {hit.retrieval_rank:>2} {f'({move(hit)})':<5} {final}logit {hit.rerank_score:+.3f}"


def _of_stage_one(demo: Demo) -> str:
    first = demo.stage_one[0]
    if demo.is_answer(first):
        return f"Stage one is right: {first.title} is first, and answers the query."
    return f'Stage one is wrong: "{first.title}" has the words of the query, but does not answer the query.'


def _of_reranker(demo: Demo) -> str:
    first = demo.reranker[0]
    *others, last = map(str, demo.places(demo.reranker))
    places = f"The answers are at places {', '.join(others)} and {last}."
    if demo.is_answer(first):
        return f"The reranker reads query and note together: {first.title} is first. {places}"
    return f'The reranker is wrong, too: "{first.title}" is first, and is not an answer. {places}'


def _of_final(demo: Demo) -> list[str]:
    from shortlist.cli.render.ranking import formula

    first = demo.final[0]
    lines = [f"The score is {formula(demo.final.weights)}."]
    if demo.is_answer(first):
        return [*lines, f"{first.title} is first, and answers the query."]
    if not demo.is_answer(demo.reranker[0]):
        return [*lines, f'"{first.title}" is first, and is not an answer.']
    return [
        *lines,
        f'Here the score of stage one outweighs the reranker: "{first.title}" is first, and is not an answer. On '
        "average over the test sets, this score orders better than the reranker alone. For a query like this, use "
        "--blend 0.",
    ]


def _print_pools(out: Console, demo: Demo) -> None:
    out.print("4. The pool size: a reranker can only reorder what stage one returned", style="bold", markup=False)
    for ranking in demo.pools:
        size = ranking.pool_size
        names = ", ".join(f"{hit.title}{'*' if demo.is_answer(hit) else ''}" for hit in ranking)
        _print(out, [f"pool {size}: recall ceiling R@{size} = {demo.ceiling(size):.2f}; reranked: {names}"], INDENT)
