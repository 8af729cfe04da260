"""The worst queries, each with the first results of stage one and of the final order side by side."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from shortlist.evaluation.evaluate import Evaluation
from shortlist.evaluation.metrics.outcomes import Outcome
from shortlist.evaluation.query_sets.query_set import Judged, key_of
from shortlist.report.page import capital, paragraph, text
from shortlist.text import snippet
from shortlist.types import Passage, Qrels
from shortlist.wording import describe
from shortlist.wording.counting import counted

WORST = 10
SHOWN = 110
"""The number of characters of a passage that a report shows."""

FAILURES = {
    "fine": "an answer is among the first {cutoff}",
    "not retrieved": "not retrieved: no answer was in the pool, so no reranker could help",
    "truncated": "truncated: the reranker read only the start of the best answer",
    "ranked out": "ranked out: an answer was in the pool, and the reranker put it below the first {cutoff}",
    "below the cut": "below the cut: stage one put the best answer below the first {cutoff}, and no reranker scored it",
    "nothing relevant": "nothing is judged relevant",
}


@dataclass(frozen=True, slots=True)
class ReportSource:
    """The judgments, and a passage for each id that a report may show."""

    qrels: Qrels
    passages: Mapping[str, Passage]


def worst(evaluation: Evaluation) -> list[Outcome]:
    """Return at most 10 queries: the lowest final value of the first measure, then the largest loss to stage one.

    Queries that reach 1, or have nothing relevant, are left out.
    """
    measure = evaluation.measures[0]
    below_1 = [
        outcome
        for outcome in evaluation.outcomes
        if outcome.reranked[measure] < 1 and outcome.failure.kind != "nothing relevant"
    ]
    return sorted(
        below_1,
        key=lambda outcome: (outcome.reranked[measure], outcome.reranked[measure] - outcome.stage_one[measure]),
    )[:WORST]


def source_of(evaluation: Evaluation, judged: Judged, passages: Iterable[Passage]) -> ReportSource:
    """Return the judgments and the passages that `worst_queries` shows. A document is shown by its first passage."""
    shown = worst(evaluation)
    keys = {key for outcome in shown for key in (*outcome.top, *outcome.stage_one_top)}
    keys.update(key for outcome in shown for key, grade in judged.qrels[outcome.query_id].items() if grade > 0)
    first: dict[str, Passage] = {}
    for passage in passages:
        key = key_of(passage, judged.level)
        if key in keys and (key not in first or passage.start < first[key].start):
            first[key] = passage
    return ReportSource(judged.qrels, first)


def worst_queries(evaluation: Evaluation, source: ReportSource) -> str:
    """Return one block for each query, or a sentence if every query reaches 1."""
    shown = worst(evaluation)
    measure = evaluation.measures[0]
    if not shown:
        return paragraph(f"Every query reaches {measure} 1.")
    introduction = (
        f"The {len(shown)} of {counted(len(evaluation.outcomes), 'query')} with the lowest {measure} after reranking. "
        "A passage that is judged relevant is marked RELEVANT. The number in brackets is how many places the reranker "
        f'moved a passage up (+) or down (-). "From below" means that the passage was not among the first '
        f"{evaluation.cutoff} of stage one."
    )
    return "\n".join([paragraph(introduction, "quiet"), *(_query(outcome, evaluation, source) for outcome in shown)])


def _query(outcome: Outcome, evaluation: Evaluation, source: ReportSource) -> str:
    measure = evaluation.measures[0]
    values = (
        f"{measure}: stage one {outcome.stage_one[measure]:.3f}, reranked {outcome.reranked[measure]:.3f}, "
        f"ceiling {outcome.ceiling[measure]:.3f}"
    )
    failure = FAILURES[outcome.failure.kind].format(cutoff=evaluation.cutoff)
    skipped = f" {capital(describe(outcome.skipped))}." if outcome.skipped is not None else ""
    return (
        f'<article class="query"><h3>{text(outcome.query)}</h3>\n'
        f"{paragraph(f'{capital(failure)}. {values}.{skipped}', 'quiet')}\n"
        f'<div class="pair">{_ranking("Stage one", outcome.stage_one_top, outcome, source, {})}'
        f"{_ranking('Reranked', outcome.top, outcome, source, _moves(outcome))}</div>\n"
        f"{_missing(outcome, evaluation.cutoff, source)}</article>"
    )


def _moves(outcome: Outcome) -> dict[str, str]:
    """Id -> how far the reranker moved it, for ids of the final order."""
    before = {key: place for place, key in enumerate(outcome.stage_one_top)}
    return {
        key: (f"{before[key] - place:+d}" if before[key] != place else "=") if key in before else "from below"
        for place, key in enumerate(outcome.top)
    }


def _ranking(title: str, keys: Sequence[str], outcome: Outcome, source: ReportSource, moves: Mapping[str, str]) -> str:
    grades = source.qrels[outcome.query_id]
    rows = "".join(
        f"{_item(grades.get(key, 0))}{_passage(key, outcome, source, moves.get(key, ''))}</li>\n" for key in keys
    )
    body = f"<ol>\n{rows}</ol>" if keys else paragraph("no results")
    return f"<div><h4>{text(title)}</h4>{body}</div>"


def _item(grade: int) -> str:
    return '<li class="relevant">' if grade > 0 else "<li>"


def _passage(key: str, outcome: Outcome, source: ReportSource, move: str) -> str:
    grade = source.qrels[outcome.query_id].get(key, 0)
    mark = f'<span class="mark">RELEVANT{f" (grade {grade})" if grade > 1 else ""}</span> ' if grade > 0 else ""
    passage = source.passages.get(key)
    title = f"<cite>{text(passage.title)}</cite> " if passage is not None and passage.title else ""
    shown = snippet(passage.text, outcome.query, SHOWN) if passage is not None else ""
    places = f" ({move})" if move else ""
    return f'{mark}{title}{text(shown)} <span class="where">{text(key)}{text(places)}</span>'


def _missing(outcome: Outcome, cutoff: int, source: ReportSource) -> str:
    """Relevant passages that neither order shows."""
    shown = {*outcome.top, *outcome.stage_one_top}
    missing = [key for key, grade in source.qrels[outcome.query_id].items() if grade > 0 and key not in shown]
    if not missing:
        return ""
    rows = "".join(f"{_item(1)}{_passage(key, outcome, source, '')}</li>\n" for key in missing[:3])
    more = paragraph(f"and {len(missing) - 3} more", "quiet") if len(missing) > 3 else ""
    return f"<h4>Relevant, and not among the first {cutoff} of either order</h4><ul>\n{rows}</ul>{more}"
