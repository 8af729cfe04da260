"""`shortlist queries`: `init`, and what hangs beside it."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from shortlist.cli.commands.convert import convert
from shortlist.cli.options import (
    DEFAULT_INDEX,
    BiEncoderOption,
    ChosenCrossEncoderOption,
    IndexOption,
    PoolOption,
    PrecisionOption,
    RerankOption,
    RetrieverOption,
    choose_knobs,
)
from shortlist.cli.render.ranking import source
from shortlist.cli.setups import base
from shortlist.errors import InvalidInput
from shortlist.evaluation.metrics.statistics import SEED
from shortlist.evaluation.query_sets.judging import Judgments, to_judge
from shortlist.evaluation.query_sets.propose import propose
from shortlist.registry import OpenIndex, Settings, open_index
from shortlist.search.pipeline import POOL_SIZE
from shortlist.types import Hit

SHOWN = 1_500
"""Characters of a passage on the screen."""
YES = frozenset({"", "y", "yes"})
NO = frozenset({"n", "no", "s"})
"""Answers to a proposed query; none of them is ever a query itself."""

app = typer.Typer(
    help="Make a query set, or write one in another form.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
)
app.command("convert")(convert)


class Quit(Exception):
    """The user had enough; everything is saved."""


@app.command("init")
def init(  # noqa: PLR0913 - one parameter an option
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="The query set, .jsonl or .csv.")],
    index: IndexOption = DEFAULT_INDEX,
    proposals: Annotated[int, typer.Option("--proposals", help="Queries to propose.")] = 20,
    top: Annotated[int, typer.Option("--top", help="Results of each stage to judge.")] = 5,
    seed: Annotated[int, typer.Option("--seed", help="Another one proposes other queries.")] = SEED,
    pool: PoolOption = None,
    retriever: RetrieverOption = "hybrid",
    rerank: RerankOption = None,
    bi_encoder: BiEncoderOption = None,
    cross_encoder: ChosenCrossEncoderOption = None,
    precision: PrecisionOption = "auto",
) -> None:
    """Make a query set in the terminal: take or type queries, say yes or no to what both stages found.

    Every judgment is saved at once; the same command goes on where you stopped.
    """
    if top < 1:
        raise InvalidInput(f"--top must be at least 1, not {top}")
    judgments = Judgments(out)
    knobs = choose_knobs(pool, rerank=rerank, cross_encoder=cross_encoder)
    used = base(index, knobs, Settings(retriever, bi_encoder, precision=precision)).used
    console = Console(highlight=False)
    with open_index(index, used) as opened:
        proposed = propose(opened.index.passages(), proposals, seed=seed)
        size = POOL_SIZE if knobs.pool == "auto" else knobs.pool  # judged are whole pools
        judge = Judge(console, opened, judgments, max(size, top), top, seed)
        console.print(f"{judgments.count} judgments so far; every answer is saved in {out}", markup=False)
        try:
            judge.all(proposed)
        except (Quit, typer.Abort):
            console.print()
    _end(console, judgments, index)


@dataclass(frozen=True, slots=True)
class Judge:
    """Asks for queries and judgments, and keeps them."""

    out: Console
    index: OpenIndex
    judgments: Judgments
    pool: int
    top: int
    seed: int

    def all(self, proposed: list[str]) -> None:
        """The query that was begun last, then the proposed ones, then the user's own until there are no more."""
        if self.judgments.last:
            self._query(self.judgments.last)
        left = [one for one in proposed if not (self.judgments.holds(one) or self.judgments.declined(one))]
        for number, query in enumerate(left, start=1):
            for own in self._proposed(f"query {number} of {len(left)}", query):
                self._query(own)
        while own := _query_or_letter("\na query of your own (Enter ends)"):
            if own.lower() not in YES | NO:
                self._query(own)

    def _proposed(self, what: str, query: str) -> Iterator[str]:
        """The queries to judge before the next proposal: the user's own ones, and this one if it is taken."""
        while True:
            self.out.print(f"\n[bold]{what}:[/bold]", end=" ")
            self.out.print(query, markup=False, style="bold", soft_wrap=True)
            answer = _query_or_letter("Enter or y takes it, n does not, q quits; or type a query of your own")
            if answer.lower() in NO:
                self.judgments.decline(query)
                return
            if answer.lower() in YES:
                yield query
                return
            yield answer

    def _query(self, query: str) -> None:
        """Asks about every result of both stages that was not asked about yet."""
        ranking = self.index.search(query, pool_size=self.pool, k=self.pool)
        hits = to_judge(ranking, self.top, self.seed)
        left = [hit for hit in hits if not self.judgments.asked(query, hit.passage.id)]
        if not hits:
            self.out.print("no passage matches; it can't be judged", style="yellow")
        for number, hit in enumerate(left, start=1):
            self._show(f"passage {number} of {len(left)} for", query, hit)
            relevant = _yes_or_no()
            if relevant is None:
                self.judgments.skip(query, hit.passage.id)
            else:
                self.judgments.judge(query, hit.passage.id, relevant)

    def _show(self, what: str, query: str, hit: Hit) -> None:
        text = hit.passage.text
        more = f" ... {len(text) - SHOWN} more characters" if len(text) > SHOWN else ""
        self.out.print(f"\n{what} {query!r}", style="dim", markup=False, soft_wrap=True)
        self.out.print(f"{hit.passage.title}  [{source(hit)}]".strip(), style="cyan", markup=False, soft_wrap=True)
        self.out.print(f"{text[:SHOWN]}{more}", markup=False)


def _yes_or_no() -> bool | None:
    """Whether it answers the query; None where the user skips it. Raises Quit."""
    while True:
        answer = _asked("does it answer the query? y, n, s skips, q quits").lower()
        if answer == "q":
            raise Quit
        if answer in {"y", "n", "s"}:
            return None if answer == "s" else answer == "y"


def _query_or_letter(question: str) -> str:
    """What was typed: a query, an answer among `YES` and `NO`, or nothing; another letter is asked about again.

    Raises Quit.
    """
    while True:
        answer = _asked(question)
        if answer.lower() == "q":
            raise Quit
        if answer.lower() in YES | NO or len(answer) > 1 or not answer.isascii():
            return answer


def _asked(question: str) -> str:
    return str(typer.prompt(question, default="", show_default=False)).strip()


def _end(out: Console, judgments: Judgments, index: Path) -> None:
    judged = [key for key, grades in judgments.qrels.items() if grades]
    said = (
        f"{judgments.count} judgments of {len(judged)} queries in {judgments.file}; {judgments.answered} have an answer"
    )
    out.print(said, markup=False, soft_wrap=True)
    if len(judged) < 2 or not judgments.answered:
        out.print("evaluate needs two judged queries and one answer at least: go on with the same command")
    else:
        given = shlex.join(["shortlist", "evaluate", str(judgments.file), "--index", str(index)])
        out.print(f"next: {given}", markup=False, soft_wrap=True)
