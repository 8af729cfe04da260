"""A ranking as lines for a terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from shortlist.cli.console import say, with_place
from shortlist.config.file import FILE, lines
from shortlist.text import is_markdown, snippet
from shortlist.text import marked as pieces_of
from shortlist.types import Hit, Ranking, RerankerInfo
from shortlist.wording import describe
from shortlist.wording.counting import counted
from shortlist.wording.places import source_and_place

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

    from shortlist.search.context import Context

SNIPPET = 220
SHOWN_IDS = 5


def source(hit: Hit) -> str:
    """Return where the passage is: the file, as the index names it, and the place in the file."""
    return source_and_place(hit.passage)


def move(hit: Hit) -> str:
    """Return how far the reranker moved the hit: "+3" is three places up, "=" is no move."""
    places = hit.retrieval_rank - hit.rank
    return f"{places:+d}" if places else "="


def stage_one(hit: Hit) -> str:
    """Return the stage-one score and its signals. If the score equals the only signal, the number is shown once."""
    parts = ", ".join(f"{name} {value:.3f}" for name, value in hit.signals.items())
    if list(hit.signals.values()) == [hit.retrieval_score]:
        return parts
    return f"{hit.retrieval_score:.4f} ({parts})" if parts else f"{hit.retrieval_score:.4f}"


def marked(hit_text: str, query: str, markdown: bool = False) -> Text:
    """Return the snippet of a text that fits the query, with the query's words in bold."""
    from rich.text import Text

    shown = snippet(hit_text, query, SNIPPET, markdown=markdown)
    return Text.assemble(
        *((piece, "bold" if is_query_word else "") for piece, is_query_word in pieces_of(shown, query))
    )


def table(out: Console, ranking: Ranking, unit: str = "logit") -> None:
    """Print each hit: final rank and score, stage one's rank and the move, the scores of both stages, source, snippet.

    An answer without hits prints nothing.
    """
    for place, hit in enumerate(ranking, start=1):
        line = f"{place:>3}"
        if hit.rerank_score not in (None, hit.score):
            line += f"  score {hit.score:+.3f}"
        line += f"  was {hit.retrieval_rank}"
        if hit.rerank_score is not None:
            line += f" ({move(hit)})"
        line += f"  stage one {stage_one(hit)}"
        if hit.rerank_score is not None:
            line += f"  {unit} {hit.rerank_score:+.3f}"
        elif ranking.reranked:
            line += "  not reranked"
        if hit.probability is not None:
            line += f"  probability {hit.probability:.3f}"
        say(out, line + ("  (cut to the window)" if hit.truncated else ""))
        title = f"{hit.title}  " if hit.title else ""
        say(out, f"     {title}[{source(hit)}]  id {hit.id}", "cyan")
        if hit.duplicates:
            say(out, f"     {duplicates(hit)}", "dim")
        text = marked(hit.text, ranking.query, markdown=is_markdown(hit.metadata))
        text.pad_left(5)
        out.print(text, soft_wrap=True)


def duplicates(hit: Hit) -> str:
    """Return the ids of the passages that are folded into the hit, the first ones of many."""
    ids = hit.duplicates
    more = f" and {len(ids) - SHOWN_IDS} more" if len(ids) > SHOWN_IDS else ""
    return f"+ {counted(len(ids), 'passage')} with this text: {', '.join(ids[:SHOWN_IDS])}{more}"


def formula(weights: Mapping[str, float], unit: str = "logit", hits: Sequence[Hit] = ()) -> str:
    """Return the final score in words: the reranker's score, and what stage one adds to it.

    If `hits` are given, signals that no hit has are left out, because they add nothing.
    """
    known = {name for hit in hits for name in hit.signals} if hits else set(weights)
    return unit + "".join(f" + {weight:g} x {name}" for name, weight in weights.items() if name in known)


def footer(out: Console, ranking: Ranking, loaded: float, info: RerankerInfo) -> None:
    """Print the times and counts of the search. If there are hits, also print the formula of the final score."""
    seconds = ranking.seconds
    line = f"retrieve {seconds['retrieve'] * 1000:.0f} ms"
    if ranking.reranked:
        cut = f"{ranking.truncated} cut" if info.reports_cuts else "number of cut passages unknown"
        line += f", rerank {seconds['rerank'] * 1000:.0f} ms; {counted(ranking.scored, 'passage')} scored, {cut}"
        if ranking.hits:
            line += f"; final score = {formula(ranking.weights, info.unit, ranking.hits)}"
    if ranking.effort is not None and ranking.reranked:
        line += f"; effort {ranking.effort}: pool of {ranking.pool_size}"
    if ranking.rerank_query is not None:
        line += f"; the reranker read {ranking.rerank_query!r}"
    if ranking.queries:
        line += f"; pool fused with {', '.join(map(repr, ranking.queries))}"
    if ranking.dropped:
        line += f"; {ranking.dropped} dropped at early exits"
    say(out, f"{line}; loaded in {loaded:.2f} s", "dim")


def notes(out: Console, ranking: Ranking, place: Sequence[str]) -> None:
    """Print the notes of the answer as sentences. A "left_out" note with a count of 0 is not printed.

    `place` are the arguments that name what was searched, for the commands that a note proposes.
    """
    for note in ranking.notes:
        if note.code == "left_out" and not note.values["count"]:
            continue
        say(out, with_place(describe(note), place), "yellow")


def from_file(out: Console, values: Mapping[str, Any]) -> None:
    """Print the settings that the search took from `shortlist.toml`. No settings: print nothing."""
    if values:
        shown = [lines({key: value}).splitlines()[-1] for key, value in values.items()]
        say(out, f"from {FILE} in this folder: {', '.join(shown)}", "dim")


def context_notes(out: Console, context: Context) -> None:
    """Print what a context left out, and its tokens. An empty context prints nothing."""
    for note in context.notes:
        say(out, describe(note), "yellow")
    if context.blocks and context.tokens is not None:
        most = "" if context.budget_tokens is None else f" of at most {context.budget_tokens}"
        say(out, f"context: {counted(len(context), 'block')}, {context.tokens} tokens{most}", "dim")
