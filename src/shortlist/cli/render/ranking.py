"""Rankings as a table, as JSON, and as context for a prompt."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.markup import escape

from shortlist import config as settings
from shortlist.rerankers.vendors import is_hosted
from shortlist.text import snippet
from shortlist.types import Hit, Ranking

SNIPPET = 220
DRAWN = ("html", "docx")
"""Formats whose documents' text is not the file's, character by character."""


def source(hit: Hit) -> str:
    """Where the passage stands: the file, as the index names it, and the place in it.

    The place is a page, the row or line of a record without an id, the id of one that has it, or the characters of a
    text file. Where text was drawn from a file (HTML, Word), it is the characters of that text.
    """
    passage = hit.passage
    metadata = passage.metadata
    name = str(metadata.get("source", passage.document_id))
    if passage.document_id.startswith(f"{name}#"):
        return f"{name} {passage.document_id[len(name) + 1 :].replace('=', ' ', 1)}"
    if passage.document_id != name:
        return f"{name} id {passage.document_id}"
    before = metadata.get("text_start", 0)
    before = before if isinstance(before, int) else 0
    characters = f"chars {passage.start + before}-{passage.end + before}"
    return f"{name} {'text ' if metadata.get('format') in DRAWN else ''}{characters}"


def move(hit: Hit) -> str:
    """How far the reranker moved the hit: "+3" is three places up."""
    moved = hit.retrieval_rank - hit.rank
    return f"{moved:+d}" if moved else "="


def stage_one(hit: Hit) -> str:
    """The stage-one score and its parts; a score that is its only part is shown once."""
    parts = ", ".join(f"{name} {value:.3f}" for name, value in hit.signals.items())
    if [*hit.signals.values()] == [hit.retrieval_score]:
        return parts
    return f"{hit.retrieval_score:.4f} ({parts})" if parts else f"{hit.retrieval_score:.4f}"


def unit(cross_encoder: str) -> str:
    """What the cross-encoder's numbers are: logits, or whatever score a hosted one returns."""
    return "score" if is_hosted(cross_encoder) else "logit"


def table(out: Console, ranking: Ranking, unit: str = "logit") -> None:
    """Prints each hit: final rank and score, stage-one rank and the move, both stages' scores, source, id, snippet."""
    if not ranking.hits:
        out.print(ranking.no_good_answer or "no passage matches", markup=False, soft_wrap=True)
    for place, hit in enumerate(ranking.hits, start=1):
        scored = f"  {unit} {hit.rerank_score:+.3f}" if hit.rerank_score is not None else "  not reranked"
        final = f"  score {hit.score:+.3f}" if hit.rerank_score not in (None, hit.score) else ""
        cut = "  (cut to the window)" if hit.truncated else ""
        chance = f"  p {hit.probability:.3f}" if hit.probability is not None else ""
        moved = f" ({move(hit)})" if hit.rerank_score is not None else ""
        out.print(
            f"[bold]{place:>3}[/bold]{final}  was {hit.retrieval_rank}{moved}  stage one {escape(stage_one(hit))}"
            f"{scored if ranking.reranked else ''}{chance}{cut}",
            soft_wrap=True,
        )
        title = f"{hit.passage.title}  " if hit.passage.title else ""
        out.print(f"     {title}[{source(hit)}]  id {hit.passage.id}", style="cyan", markup=False, soft_wrap=True)
        out.print(f"     {snippet(hit.passage.text, ranking.query, SNIPPET)}", markup=False, soft_wrap=True)


def formula(weights: Mapping[str, float], unit: str = "logit", hits: Sequence[Hit] = ()) -> str:
    """The final score in words: the cross-encoder's, and what stage one adds to it.

    With `hits`, only signals that some hit has: what a retriever does not tell can't count.
    """
    known = {name for hit in hits for name in hit.signals} if hits else set(weights)
    return unit + "".join(f" + {weight:g} x {name}" for name, weight in weights.items() if name in known)


def footer(out: Console, ranking: Ranking, loaded: float, weights: Mapping[str, float], unit: str = "logit") -> None:
    """Prints what it cost: seconds a stage, passages scored and cut."""
    seconds = ranking.seconds
    line = f"retrieve {seconds['retrieve'] * 1000:.0f} ms"
    if ranking.reranked:
        cut = f"{ranking.truncated} cut" if unit == "logit" else "cuts to its window not told"
        line += (
            f", rerank {seconds['rerank'] * 1000:.0f} ms; {ranking.scored} passages scored, {cut}; "
            f"final score = {formula(weights, unit, ranking.hits)}"
        )
    if ranking.dropped:
        line += f"; {ranking.dropped} dropped on the way"
    notes(out, ranking)
    out.print(f"{line}; models and index loaded in {loaded:.2f} s", style="dim", soft_wrap=True)


def notes(out: Console, ranking: Ranking) -> None:
    """Prints what there is to know of how the hits were found.

    Why an adaptive pool stopped, whether to doubt probabilities, how many passages were left out, why nothing was
    reranked, and whether stage one read the whole query.
    """
    said = [f"pool: {ranking.why_stopped}"] if ranking.why_stopped else []
    said += [ranking.doubt] if ranking.doubt else []
    if below := ranking.least:
        nothing = f"nothing left out below {below}: the query was not reranked"
        said.append(f"{ranking.left_out} left out below {below}" if ranking.reranked else nothing)
    said += [f"not reranked: {ranking.why_not}"] if ranking.why_not else []
    said += ["the query is longer than the bi-encoder's window: stage one read its start only"] * ranking.query_cut
    for one in said:
        out.print(one, style="yellow", markup=False, soft_wrap=True)


def followed(out: Console, values: Mapping[str, settings.Value]) -> None:
    """Prints what the search took from `shortlist.toml`; nothing where it took nothing."""
    if values:
        said = ", ".join(settings.lines({key: value}).splitlines()[-1] for key, value in values.items())
        out.print(f"from {settings.FILE} in this folder: {said}", style="dim", markup=False, soft_wrap=True)


def as_json(
    ranking: Ranking, loaded: float, weights: Mapping[str, float], from_file: Mapping[str, settings.Value] | None = None
) -> str:
    """The ranking as one JSON object, with what was taken from `shortlist.toml`."""
    return json.dumps(
        {
            "query": ranking.query,
            "pool_size": ranking.pool_size,
            "scored": ranking.scored,
            "truncated": ranking.truncated,
            "reranked": ranking.reranked,
            "query_cut": ranking.query_cut,
            "dropped": ranking.dropped,
            "why_not": ranking.why_not,
            "why_stopped": ranking.why_stopped,
            "threshold": ranking.threshold,
            "min_probability": ranking.min_probability,
            "left_out": ranking.left_out,
            "no_good_answer": ranking.no_good_answer,
            "doubt": ranking.doubt,
            "weights": dict(weights),
            settings.FILE: dict(from_file or {}),
            "seconds": {**ranking.seconds, "load": loaded},
            "hits": [_hit(place, hit) for place, hit in enumerate(ranking.hits, start=1)],
        },
        ensure_ascii=False,
    )


def _hit(place: int, hit: Hit) -> dict[str, Any]:
    passage = hit.passage
    return {
        "rank": place,
        "id": passage.id,
        "document_id": passage.document_id,
        "score": hit.score,
        "rerank_score": hit.rerank_score,
        "retrieval_rank": hit.retrieval_rank,
        "retrieval_score": hit.retrieval_score,
        "signals": dict(hit.signals),
        "probability": hit.probability,
        "truncated": hit.truncated,
        "title": passage.title,
        "text": passage.text,
        "start": passage.start,
        "end": passage.end,
        "metadata": dict(passage.metadata),
    }


def as_context(ranking: Ranking) -> str:
    """Numbered passages with their sources, to put in a prompt."""
    blocks = []
    for number, hit in enumerate(ranking.hits, start=1):
        title = f"{hit.passage.title}\n" if hit.passage.title else ""
        blocks.append(f"[{number}] {source(hit)}\n{title}{hit.passage.text}")
    return "\n\n".join(blocks)
