"""`shortlist demo`."""

from __future__ import annotations

import tempfile
from pathlib import Path

from rich.console import Console

from shortlist.cli.render.ranking import formula
from shortlist.demo import QUERY, Demo, run
from shortlist.types import Hit

SHOWN = 5


def demo() -> None:
    """Watch both stages answer one query that says "not", over a small corpus; about two seconds, no download."""
    out = Console(highlight=False)
    with tempfile.TemporaryDirectory() as folder:
        made = run(Path(folder) / "index")
    out.print(f'[bold]Query:[/bold] "{QUERY}"')
    out.print(f"{made.notes} notes on vector databases; {len(made.relevant)} of them answer it (marked *).\n")
    _stage_one(out, made)
    _stage_two(out, made)
    _pools(out, made)


def _mark(made: Demo, hit: Hit) -> str:
    return "*" if hit.passage.id in made.relevant else " "


def _stage_one(out: Console, made: Demo) -> None:
    out.print(f"[bold]1. Stage one alone[/bold] ({made.bi_encoder}, cosine)")
    for hit in made.stage_one.hits[:SHOWN]:
        out.print(f"   {hit.rank} {_mark(made, hit)} {hit.score:.3f}  {hit.passage.title}: {hit.passage.text[:84]}...")
    first = made.stage_one.hits[0]
    if first.passage.id in made.relevant:
        out.print(f"   No trap here: the bi-encoder puts {first.passage.title} first, which answers the query.\n")
    else:
        out.print(f"   The trap: {first.passage.title} shares the query's words and is what it rules out.\n")


def _stage_two(out: Console, made: Demo) -> None:
    ranking = made.reranked
    out.print(f"[bold]2. The pool of {ranking.scored} reranked[/bold] ({made.cross_encoder}, by its own logit)")
    for hit in ranking.hits[:SHOWN]:
        moved = hit.retrieval_rank - hit.rank
        out.print(
            f"   {hit.rank} {_mark(made, hit)} was {hit.retrieval_rank:>2} ({moved:+d})  logit {hit.score:+.3f}  "
            f"{hit.passage.title}",
        )
    first = ranking.hits[0]
    if first.passage.id in made.relevant:
        out.print(f"   {first.passage.title} answers the query and now stands first.")
    else:
        out.print(f"   The second look did not climb out: {first.passage.title} stands first and is not an answer.")
    _blend(out, made)


def _blend(out: Console, made: Demo) -> None:
    if not made.weights:
        out.print()
        return
    first = made.first_by_default()
    kind = "an answer" if first.passage.id in made.relevant else "no answer: here stage one's say does harm"
    out.print(
        f"   search's default score is {formula(made.weights)}, which is better on average. By it, "
        f"{first.passage.title} would be first, {kind}. --blend 0 ranks as above.\n",
        soft_wrap=True,
    )


def _pools(out: Console, made: Demo) -> None:
    out.print("[bold]3. The pool-size knob[/bold]: a reranker can only reorder what stage one found")
    for ranking in made.pools:
        size = ranking.pool_size
        names = ", ".join(f"{hit.passage.title}{_mark(made, hit).strip()}" for hit in ranking.hits)
        out.print(f"   pool {size}: recall ceiling R@{size} = {made.ceiling(size):.2f}; after reranking: {names}")
