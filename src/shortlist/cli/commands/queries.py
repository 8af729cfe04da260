"""`shortlist queries`: `init` and `convert`."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from shortlist.cli.commands.convert import convert
from shortlist.cli.console import output, say
from shortlist.cli.options import STAGES, Given, SearchedIndexOption, StateOption, option, resolved, with_settings
from shortlist.errors import InvalidInput
from shortlist.wording.counting import counted

if TYPE_CHECKING:
    from rich.console import Console

    from shortlist.evaluation.query_sets.judging import Judgments
    from shortlist.search.search import Search
    from shortlist.types import Hit

SHOWN = 1_500
"""The number of characters of a passage that the screen shows."""
YES = frozenset({"", "y", "yes"})
NO = frozenset({"n", "no", "s"})
"""Answers to a proposed query. These texts never count as queries."""

app = typer.Typer(no_args_is_help=True, add_completion=False, rich_markup_mode=None)
app.command("convert")(convert)


@app.callback()
def queries() -> None:
    """Make a query set, or convert one."""


class Quit(Exception):
    """The user quits. Everything is saved."""


@app.command("init")
@with_settings("pool_size", "rerank", *STAGES)
def init(
    given: Given,
    out: Annotated[Path, option("--out", "FILE", "The query set, .jsonl or .csv.")],
    index: SearchedIndexOption = None,
    state: StateOption = None,
    proposals: Annotated[int, option("--proposals", "N", "Queries to propose.")] = 20,
    top: Annotated[int, option("--top", "N", "Results of each stage to judge.")] = 5,
    seed: Annotated[int | None, option("--seed", "N", "Another seed proposes other queries. [default: fixed]")] = None,
) -> None:
    """Make a query set in the terminal.

    Accept a proposed query, or type a query of your own. Then answer yes or no for the passages that both stages find.
    The command saves every judgment at once. Run it again to continue.
    """
    from shortlist.cli.setups import PlaceOptions, SetUp
    from shortlist.config import POOL_SIZE
    from shortlist.evaluation.metrics.statistics import SEED
    from shortlist.evaluation.query_sets.judging import Judgments
    from shortlist.evaluation.query_sets.propose import propose
    from shortlist.evaluation.subject import corpus_of
    from shortlist.evaluation.whole_pool import whole_pool_config

    if top < 1:
        raise InvalidInput(f"--top must be at least 1, not {top}")
    seed = SEED if seed is None else seed
    judgments = Judgments(out)
    config = resolved(given).config
    size = config.pool_size if isinstance(config.pool_size, int) else POOL_SIZE
    whole_pool = max(size, top)
    # The user judges both stages on the whole pool, so the search must score and return the whole pool.
    config = whole_pool_config(config, depth=whole_pool, pool_size=whole_pool).override({"tail": False})
    console = output()
    set_up = SetUp.at("init", config, PlaceOptions(index, state))
    with set_up.open() as opened:
        proposed = propose(corpus_of(opened) or (), proposals, seed=seed)
        judge = Judge(console, opened.searcher, judgments, top, seed)
        say(console, f"{counted(judgments.count, 'judgment')} so far; every answer is saved in {out}")
        try:
            judge.all(proposed)
        except (Quit, typer.Abort):
            console.print()
    _print_summary(console, judgments, set_up.arguments)


@dataclass(frozen=True, slots=True)
class Judge:
    """Asks for queries and judgments, and saves them."""

    out: Console
    search: Search
    judgments: Judgments
    top: int
    seed: int

    def all(self, proposed: list[str]) -> None:
        """Judge the last unfinished query, then the proposed queries, then the queries of the user."""
        if self.judgments.last:
            self._query(self.judgments.last)
        unseen = [query for query in proposed if not (self.judgments.started(query) or self.judgments.declined(query))]
        for number, proposal in enumerate(unseen, start=1):
            for query in self._queries_to_judge(f"query {number} of {len(unseen)}", proposal):
                self._query(query)
        while query := _query_or_letter("\na query of your own (Enter ends)"):
            if query.lower() not in YES | NO:
                self._query(query)

    def _queries_to_judge(self, heading: str, proposal: str) -> Iterator[str]:
        """Yield the queries to judge before the next proposal: the user's own, and the proposal if it is accepted."""
        while True:
            self.out.print(f"\n[bold]{heading}:[/bold]", end=" ")
            say(self.out, proposal, "bold")
            answer = _query_or_letter("Enter or y accepts, n declines, q quits; or type a query of your own")
            if answer.lower() in NO:
                self.judgments.decline(proposal)
                return
            if answer.lower() in YES:
                yield proposal
                return
            yield answer

    def _query(self, query: str) -> None:
        """Ask about every result of both stages that was not shown before."""
        from shortlist.evaluation.query_sets.judging import to_judge

        hits = to_judge(self.search.search(query), self.top, self.seed)
        unseen = [hit for hit in hits if not self.judgments.shown(query, hit.id)]
        if not hits:
            say(self.out, "no passage matches, so there is nothing to judge", "yellow")
        for number, hit in enumerate(unseen, start=1):
            self._show(f"passage {number} of {len(unseen)} for", query, hit)
            relevant = _yes_or_no()
            if relevant is None:
                self.judgments.skip(query, hit.id)
            else:
                self.judgments.judge(query, hit.id, relevant)

    def _show(self, heading: str, query: str, hit: Hit) -> None:
        from shortlist.cli.render.ranking import source

        more = f" ... {len(hit.text) - SHOWN} more characters" if len(hit.text) > SHOWN else ""
        say(self.out, f"\n{heading} {query!r}", "dim")
        say(self.out, f"{hit.title}  [{source(hit)}]".strip(), "cyan")
        self.out.print(f"{hit.text[:SHOWN]}{more}", markup=False)


def _yes_or_no() -> bool | None:
    """Return whether the passage answers the query, or None if the user skips it. Raise Quit if the user quits."""
    while True:
        answer = _prompt("does the passage answer the query? y, n, s skips, q quits").lower()
        if answer == "q":
            raise Quit
        if answer in {"y", "n", "s"}:
            return None if answer == "s" else answer == "y"


def _query_or_letter(question: str) -> str:
    """Return a query, or an answer in `YES` or `NO`. Ask again after any other single letter. Raise Quit for q."""
    while True:
        answer = _prompt(question)
        if answer.lower() == "q":
            raise Quit
        if answer.lower() in YES | NO or len(answer) > 1 or not answer.isascii():
            return answer


def _prompt(question: str) -> str:
    return str(typer.prompt(question, default="", show_default=False)).strip()


def _print_summary(out: Console, judgments: Judgments, place: Sequence[str]) -> None:
    judged = [key for key, grades in judgments.qrels.items() if grades]
    say(
        out,
        f"{counted(judgments.count, 'judgment')} of {counted(len(judged), 'query')} in {judgments.file}; "
        f"{judgments.answered} with an answer",
    )
    if len(judged) < 2 or not judgments.answered:
        say(out, "evaluate needs two judged queries and at least one answer: continue with the same command")
    else:
        command = shlex.join(["shortlist", "evaluate", str(judgments.file), *place])
        say(out, f"next: {command}")
