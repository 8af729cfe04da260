"""Measures of a ranking against judgments, under the names that ir_measures gives them and with its numbers.

A ranking is a list of ids, best first. A judged query that was never answered counts 0 in every measure: leaving it
out would reward a system that stays silent where it is weak.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from shortlist.errors import InvalidInput
from shortlist.types import Qrels, Run

Grades: TypeAlias = Mapping[str, int]
"""id -> grade of one query; above 0 is relevant, 0 and below is judged and not relevant."""

_NAME = re.compile(r"(nDCG|RR|R|Success|AP|Judged)(?:@([1-9]\d*))?")
_ALSO = {"MRR": "RR", "MAP": "AP", "RECALL": "R", "HIT": "Success", "HITRATE": "Success"}
"""Other names of measures -> ours."""
_NEEDS_CUTOFF = frozenset({"R", "Success"})


@dataclass(frozen=True, slots=True)
class Measure:
    """One measure, such as nDCG@10; `cutoff` None reads the whole ranking."""

    name: str
    cutoff: int | None = None

    def __str__(self) -> str:
        return self.name if self.cutoff is None else f"{self.name}@{self.cutoff}"

    def of(self, ranked: Sequence[str], grades: Grades) -> float:
        """The value of one query's ranking, 0 to 1; an empty ranking, or no relevant id, gives 0.

        Raises:
            InvalidInput: An id stands twice in the ranking.
        """
        if len(set(ranked)) != len(ranked):
            twice = next(key for place, key in enumerate(ranked) if key in ranked[:place])
            raise InvalidInput(f"{twice!r} stands twice in one ranking: every id may count once")
        if self.name == "nDCG":
            return _ndcg(ranked, grades, self.cutoff)
        return _FORMULAS[self.name](ranked[: self.cutoff], grades)


def parse(text: str) -> Measure:
    """The measure that `text` names: nDCG, RR, R, Success, AP or Judged, with or without a cutoff.

    Raises:
        InvalidInput: An unknown name, or R or Success without a cutoff.
    """
    found = _NAME.fullmatch(text.strip())
    if (other := text.strip().partition("@"))[0].upper() in _ALSO:
        known = _ALSO[other[0].upper()]
        raise InvalidInput(
            f"measure {text!r} is called {known} here, as in ir_measures: write {known}@{other[2] or 10}"
        )
    if found is None or (found[2] is None and found[1] in _NEEDS_CUTOFF):
        raise InvalidInput(
            f"measure {text!r} is unknown: write nDCG@10, RR@10, R@50, Success@5, AP, AP@10 or Judged@10 "
            "(any cutoff from 1)"
        )
    return Measure(found[1], int(found[2]) if found[2] else None)


def parse_cut(text: str) -> Measure:
    """As `parse`, for rankings of pools: those are as deep as the pool, so that only a cutoff makes two comparable.

    Raises:
        InvalidInput: An unknown name, or no cutoff.
    """
    found = parse(text)
    if found.cutoff is None:
        raise InvalidInput(
            f"{found} reads the whole ranking, and a larger pool makes a longer one: give a cutoff, such as {found}@100"
        )
    return found


def ordered(scores: Mapping[str, float]) -> list[str]:
    """The ids of one query's run in trec_eval's order: by score as a 32-bit float, ties by id, last id first.

    Scores that differ only beyond float32 are ties there, which is why runs are best written from ranks.
    """
    return sorted(scores, key=lambda key: (np.float32(scores[key]), key), reverse=True)


def is_itself(passage_id: str, document_id: str, own: Set[str]) -> bool:
    """The identical-id rule: whether the passage, or the document that it is of, has one of the query's `own` ids.

    In ArguAna-like sets the query is one of the texts, and that text is no answer to it.
    """
    return passage_id in own or document_id in own


def without(ranked: Sequence[str], query_id: str) -> list[str]:
    """The ranking without the id that equals the query's own; see `is_itself`."""
    return [key for key in ranked if not is_itself(key, key, {query_id})]


def per_query(
    measures: Sequence[Measure],
    qrels: Qrels,
    rankings: Mapping[str, Sequence[str]],
    *,
    ignore_identical_ids: bool = False,
) -> dict[str, dict[str, float]]:
    """Measure's name -> query id -> value, for every judged query; one without a ranking gets 0.

    Queries that are ranked and not judged are passed over. No judged queries give empty inner mappings.

    Raises:
        InvalidInput: An id stands twice in a ranking.
    """
    found: dict[str, dict[str, float]] = {str(measure): {} for measure in measures}
    for query_id, grades in qrels.items():
        ranked = rankings.get(query_id, ())
        if ignore_identical_ids:
            ranked = without(ranked, query_id)
        for measure in measures:
            found[str(measure)][query_id] = measure.of(ranked, grades)
    return found


def measure_run(
    measures: Sequence[Measure], qrels: Qrels, run: Run, *, ignore_identical_ids: bool = False
) -> dict[str, float]:
    """Measure's name -> mean over every judged query, of a run with scores in trec_eval's order.

    Raises:
        InvalidInput: No query is judged.
    """
    if not qrels:
        raise InvalidInput("no query is judged: there is nothing to measure against")
    rankings = {query_id: ordered(scores) for query_id, scores in run.items() if query_id in qrels}
    found = per_query(measures, qrels, rankings, ignore_identical_ids=ignore_identical_ids)
    return {name: sum(values.values()) / len(values) for name, values in found.items()}


def _relevant(grades: Grades) -> int:
    return sum(grade > 0 for grade in grades.values())


def _gain(grades: Sequence[int]) -> float:
    return sum(grade / math.log2(rank + 1) for rank, grade in enumerate(grades, start=1) if grade > 0)


def _ndcg(ranked: Sequence[str], grades: Grades, cutoff: int | None) -> float:
    """Gain of the ranking over the best possible gain; the grade is the gain, as in trec_eval.

    Source:
        Järvelin and Kekäläinen, "Cumulated gain-based evaluation of IR techniques", ACM TOIS 20(4), 2002.
    """
    best = _gain(sorted(grades.values(), reverse=True)[:cutoff])
    return _gain([grades.get(key, 0) for key in ranked[:cutoff]]) / best if best else 0.0


def _reciprocal_rank(ranked: Sequence[str], grades: Grades) -> float:
    return next((1.0 / rank for rank, key in enumerate(ranked, start=1) if grades.get(key, 0) > 0), 0.0)


def _recall(ranked: Sequence[str], grades: Grades) -> float:
    relevant = _relevant(grades)
    return sum(grades.get(key, 0) > 0 for key in ranked) / relevant if relevant else 0.0


def _success(ranked: Sequence[str], grades: Grades) -> float:
    return float(any(grades.get(key, 0) > 0 for key in ranked))


def _average_precision(ranked: Sequence[str], grades: Grades) -> float:
    met, total = 0, 0.0
    for rank, key in enumerate(ranked, start=1):
        if grades.get(key, 0) > 0:
            met += 1
            total += met / rank
    relevant = _relevant(grades)
    return total / relevant if relevant else 0.0


def _judged(ranked: Sequence[str], grades: Grades) -> float:
    return sum(key in grades for key in ranked) / len(ranked) if ranked else 0.0


_FORMULAS: Mapping[str, Callable[[Sequence[str], Grades], float]] = {
    "RR": _reciprocal_rank,
    "R": _recall,
    "Success": _success,
    "AP": _average_precision,
    "Judged": _judged,
}
