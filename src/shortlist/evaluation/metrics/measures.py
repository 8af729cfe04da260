"""Retrieval measures, with the names and the numbers of ir_measures.

A ranking is a list of ids, best first. A judged query without a ranking counts as 0 in every measure. Without this
rule, a system that gives no answer to hard queries would get higher values.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from shortlist.config.limits import LARGEST
from shortlist.errors import InvalidInput
from shortlist.types import Qrels, Run

Grades: TypeAlias = Mapping[str, int]
"""id -> grade of one query. A grade above 0 is relevant; 0 and below is judged and not relevant."""

_NAME = re.compile(r"(nDCG|RR|R|Success|AP|Judged)(?:@([1-9]\d*))?")
_OTHER_NAMES = {"MRR": "RR", "MAP": "AP", "RECALL": "R", "HIT": "Success", "HITRATE": "Success"}
"""Common names of measures -> the names of ir_measures."""
_NEEDS_CUTOFF = frozenset({"R", "Success"})


@dataclass(frozen=True, slots=True)
class Measure:
    """One measure, such as nDCG@10. A `cutoff` of None reads the whole ranking."""

    name: str
    cutoff: int | None = None

    def __str__(self) -> str:
        return self.name if self.cutoff is None else f"{self.name}@{self.cutoff}"

    def of(self, ranking: Sequence[str], grades: Grades) -> float:
        """Return the value of one query's ranking, 0 to 1. An empty ranking, or no relevant id, gives 0.

        Raises:
            InvalidInput: An id occurs twice in the ranking.
        """
        if len(set(ranking)) != len(ranking):
            repeated = next(key for place, key in enumerate(ranking) if key in ranking[:place])
            raise InvalidInput(f"{repeated!r} occurs twice in one ranking: each id may occur once")
        if self.name == "nDCG":
            return _ndcg(ranking, grades, self.cutoff)
        return _FORMULAS[self.name](ranking[: self.cutoff], grades)


def parse(text: str) -> Measure:
    """Return the measure that `text` names: nDCG, RR, R, Success, AP or Judged, with or without a cutoff.

    Raises:
        InvalidInput: An unknown name, R or Success without a cutoff, or too large a cutoff.
    """
    name, _, cutoff = text.strip().partition("@")
    if name.upper() in _OTHER_NAMES:
        known = _OTHER_NAMES[name.upper()]
        raise InvalidInput(
            f"measure {text!r} is called {known} here, as in ir_measures: write {known}@{cutoff or 10}",
            field="measures",
        )
    match = _NAME.fullmatch(text.strip())
    if match is None or (match[2] is None and match[1] in _NEEDS_CUTOFF):
        raise InvalidInput(
            f"measure {text!r} is unknown: write nDCG@10, RR@10, R@50, Success@5, AP, AP@10 or Judged@10 "
            "(any cutoff from 1)",
            field="measures",
        )
    if match[2] and (len(match[2]) > len(str(LARGEST)) or int(match[2]) > LARGEST):
        raise InvalidInput(f"measure {text!r:.80}: use a cutoff of at most {LARGEST:,}", field="measures")
    return Measure(match[1], int(match[2]) if match[2] else None)


def parse_with_cutoff(text: str) -> Measure:
    """Return the measure that `text` names, if it has a cutoff.

    Rankings of a larger pool are longer. A cutoff makes the values of two pools comparable.

    Raises:
        InvalidInput: An unknown name, or no cutoff.
    """
    measure = parse(text)
    if measure.cutoff is None:
        raise InvalidInput(
            f"{measure} reads the whole ranking, and a larger pool makes a longer one: give a cutoff, such as "
            f"{measure}@100",
            field="measures",
        )
    return measure


def ordered(scores: Mapping[str, float]) -> list[str]:
    """Return the ids of one query's run in trec_eval's order: by score as a 32-bit float, ties by id, last id first.

    Two scores that are equal as 32-bit floats are a tie. Scores that are written from ranks have no ties.
    """
    return sorted(scores, key=lambda key: (np.float32(scores[key]), key), reverse=True)


def has_own_id(passage_id: str, document_id: str, own_ids: Set[str]) -> bool:
    """Return whether a passage, or its document, has one of the query's own ids (the identical-id rule).

    In sets such as ArguAna, each query is a text of the corpus, and this text does not answer the query.
    """
    return passage_id in own_ids or document_id in own_ids


def per_query(
    measures: Sequence[Measure],
    qrels: Qrels,
    rankings: Mapping[str, Sequence[str]],
    *,
    ignore_identical_ids: bool = False,
) -> dict[str, dict[str, float]]:
    """Return name of the measure -> query id -> value for every judged query. A query without a ranking gets 0.

    Rankings of other queries are ignored. No judged queries give empty inner mappings.

    Raises:
        InvalidInput: An id occurs twice in a ranking.
    """
    values: dict[str, dict[str, float]] = {str(measure): {} for measure in measures}
    for query_id, grades in qrels.items():
        ranking = rankings.get(query_id, ())
        if ignore_identical_ids:
            ranking = [key for key in ranking if key != query_id]
        for measure in measures:
            values[str(measure)][query_id] = measure.of(ranking, grades)
    return values


def measure_run(
    measures: Sequence[Measure], qrels: Qrels, run: Run, *, ignore_identical_ids: bool = False
) -> dict[str, float]:
    """Return name of the measure -> mean over all judged queries. The run is in trec_eval's order.

    Raises:
        InvalidInput: No query is judged.
    """
    if not qrels:
        raise InvalidInput("no query is judged, so nothing can be measured")
    rankings = {query_id: ordered(scores) for query_id, scores in run.items() if query_id in qrels}
    by_measure = per_query(measures, qrels, rankings, ignore_identical_ids=ignore_identical_ids)
    return {name: sum(values.values()) / len(values) for name, values in by_measure.items()}


def _relevant(grades: Grades) -> int:
    return sum(grade > 0 for grade in grades.values())


def _gain(grades: Sequence[int]) -> float:
    return sum(grade / math.log2(rank + 1) for rank, grade in enumerate(grades, start=1) if grade > 0)


def _ndcg(ranking: Sequence[str], grades: Grades, cutoff: int | None) -> float:
    """Gain of the ranking over the best possible gain. The grade is the gain, as in trec_eval.

    Source:
        Järvelin and Kekäläinen, "Cumulated gain-based evaluation of IR techniques", ACM TOIS 20(4), 2002.
    """
    best = _gain(sorted(grades.values(), reverse=True)[:cutoff])
    return _gain([grades.get(key, 0) for key in ranking[:cutoff]]) / best if best else 0.0


def _reciprocal_rank(ranking: Sequence[str], grades: Grades) -> float:
    return next((1.0 / rank for rank, key in enumerate(ranking, start=1) if grades.get(key, 0) > 0), 0.0)


def _recall(ranking: Sequence[str], grades: Grades) -> float:
    relevant = _relevant(grades)
    return sum(grades.get(key, 0) > 0 for key in ranking) / relevant if relevant else 0.0


def _success(ranking: Sequence[str], grades: Grades) -> float:
    return float(any(grades.get(key, 0) > 0 for key in ranking))


def _average_precision(ranking: Sequence[str], grades: Grades) -> float:
    relevant_so_far, total = 0, 0.0
    for rank, key in enumerate(ranking, start=1):
        if grades.get(key, 0) > 0:
            relevant_so_far += 1
            total += relevant_so_far / rank
    relevant = _relevant(grades)
    return total / relevant if relevant else 0.0


def _judged(ranking: Sequence[str], grades: Grades) -> float:
    return sum(key in grades for key in ranking) / len(ranking) if ranking else 0.0


_FORMULAS: Mapping[str, Callable[[Sequence[str], Grades], float]] = {
    "RR": _reciprocal_rank,
    "R": _recall,
    "Success": _success,
    "AP": _average_precision,
    "Judged": _judged,
}
