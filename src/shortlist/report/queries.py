"""The worst queries, each with what stage one and the final order put first, side by side."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from shortlist.evaluation.evaluate import Evaluation
from shortlist.evaluation.metrics.outcomes import Outcome
from shortlist.evaluation.query_sets.query_set import Judged
from shortlist.report.page import capital, paragraph, text
from shortlist.text import snippet
from shortlist.types import Passage, Qrels

WORST = 10
SHOWN = 110
"""Characters of a passage."""

SAID = {
    "fine": "an answer is among the first {k}",
    "not retrieved": "not retrieved: no answer was in the pool, so no reranker could help",
    "truncated": "truncated: the reranker saw only the start of the best answer",
    "ranked out": "ranked out: an answer was in the pool and the reranker put it below the first {k}",
    "below the cut": "below the cut: stage one put the best answer below the first {k}, and nothing reranked it",
    "nothing relevant": "nothing is judged relevant",
}


@dataclass(frozen=True, slots=True)
class Source:
    """What the worst queries are shown with: the judgments, and one passage for each id that may be shown."""

    qrels: Qrels
    passages: Mapping[str, Passage]


def worst(found: Evaluation) -> list[Outcome]:
    """At most 10 queries that lost most: lowest final value of the first measure, then the largest loss to stage one.

    Queries that reach 1, or have nothing relevant, are left out.
    """
    measure = found.measures[0]
    lost = [one for one in found.outcomes if one.reranked[measure] < 1 and one.failure.kind != "nothing relevant"]
    return sorted(lost, key=lambda one: (one.reranked[measure], one.reranked[measure] - one.stage_one[measure]))[:WORST]


def source_of(found: Evaluation, judged: Judged, passages: Iterable[Passage]) -> Source:
    """The judgments and the passages that `worst_queries` shows; a document is shown by its first passage."""
    shown = worst(found)
    wanted = {key for one in shown for key in (*one.top, *one.stage_one_top)}
    wanted.update(key for one in shown for key, grade in judged.qrels[one.query_id].items() if grade > 0)
    held: dict[str, Passage] = {}
    for passage in passages:
        key = passage.id if judged.level == "passage" else passage.document_id or passage.id
        if key in wanted and (key not in held or passage.start < held[key].start):
            held[key] = passage
    return Source(judged.qrels, held)


def worst_queries(found: Evaluation, source: Source) -> str:
    """One block a query; a sentence where no query lost anything."""
    shown = worst(found)
    measure = found.measures[0]
    if not shown:
        return paragraph(f"Every query reaches {measure} 1.")
    said = (
        f"The {len(shown)} of {len(found.outcomes)} queries with the lowest {measure} after reranking. A passage "
        "judged relevant is marked RELEVANT; in brackets the places that the reranker moved a passage up (+) or down."
    )
    return "\n".join([paragraph(said, "quiet"), *(_query(one, found, source) for one in shown)])


def _query(one: Outcome, found: Evaluation, source: Source) -> str:
    measure = found.measures[0]
    values = (
        f"{measure}: stage one {one.stage_one[measure]:.3f}, reranked {one.reranked[measure]:.3f}, "
        f"ceiling {one.ceiling[measure]:.3f}"
    )
    verdict = SAID[one.failure.kind].format(k=found.k)
    declined = f" Not reranked: {one.why_not}." if one.why_not else ""
    return (
        f'<article class="query"><h3>{text(one.query)}</h3>\n'
        f"{paragraph(f'{capital(verdict)}. {values}.{declined}', 'quiet')}\n"
        f'<div class="pair">{_ranking("Stage one", one.stage_one_top, one, source, {})}'
        f"{_ranking('Reranked', one.top, one, source, _moves(one))}</div>\n{_missing(one, found.k, source)}</article>"
    )


def _moves(one: Outcome) -> dict[str, str]:
    """Id -> how far the reranker moved it, for ids of the final order."""
    before = {key: place for place, key in enumerate(one.stage_one_top)}
    return {
        key: (f"{before[key] - place:+d}" if before[key] != place else "=") if key in before else "from below"
        for place, key in enumerate(one.top)
    }


def _ranking(title: str, keys: Sequence[str], one: Outcome, source: Source, moves: Mapping[str, str]) -> str:
    grades = source.qrels[one.query_id]
    rows = "".join(
        f"{_item(grades.get(key, 0))}{_passage(key, one, source, moves.get(key, ''))}</li>\n" for key in keys
    )
    body = f"<ol>\n{rows}</ol>" if keys else paragraph("nothing found")
    return f"<div><h4>{text(title)}</h4>{body}</div>"


def _item(grade: int) -> str:
    return '<li class="relevant">' if grade > 0 else "<li>"


def _passage(key: str, one: Outcome, source: Source, move: str) -> str:
    grade = source.qrels[one.query_id].get(key, 0)
    mark = f'<span class="mark">RELEVANT{f" (grade {grade})" if grade > 1 else ""}</span> ' if grade > 0 else ""
    passage = source.passages.get(key)
    title = f"<cite>{text(passage.title)}</cite> " if passage is not None and passage.title else ""
    shown = snippet(passage.text, one.query, SHOWN) if passage is not None else ""
    moved = f" ({move})" if move else ""
    return f'{mark}{title}{text(shown)} <span class="where">{text(key)}{text(moved)}</span>'


def _missing(one: Outcome, k: int, source: Source) -> str:
    """Relevant passages that neither order shows."""
    shown = {*one.top, *one.stage_one_top}
    lost = [key for key, grade in source.qrels[one.query_id].items() if grade > 0 and key not in shown]
    if not lost:
        return ""
    rows = "".join(f"{_item(1)}{_passage(key, one, source, '')}</li>\n" for key in lost[:3])
    more = paragraph(f"and {len(lost) - 3} more", "quiet") if len(lost) > 3 else ""
    return f"<h4>Relevant, and among the first {k} of neither</h4><ul>\n{rows}</ul>{more}"
