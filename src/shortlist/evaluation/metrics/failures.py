"""Which stage lost the answer of one query."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from shortlist.evaluation.metrics.measures import Grades
from shortlist.evaluation.query_sets.query_set import Judged
from shortlist.types import Hit, Ranking

Kind: TypeAlias = Literal["fine", "not retrieved", "truncated", "ranked out", "below the cut", "nothing relevant"]

KINDS: tuple[Kind, ...] = ("fine", "not retrieved", "truncated", "ranked out", "below the cut", "nothing relevant")
"""The outcomes of a query.

fine: a relevant id is among the first `cutoff` results.
not retrieved: the pool of stage one has no relevant id, so no reranker could help.
truncated: the best relevant id is too low, and the reranker read only the start of its text.
ranked out: a relevant id was in the pool and read whole, and the reranker put it below the cutoff.
below the cut: a relevant id was in the pool, no reranker scored it, and stage one put it below the cutoff.
nothing relevant: every judgment of the query is 0.
"""


@dataclass(frozen=True, slots=True)
class Failure:
    """What became of a query. Ranks are those of the best relevant id, from 1; None if the pool lacks one.

    `beaten_by` holds at most `cutoff` ids that rank above this id, if it is below the cutoff. `stage_one_had_it` is
    True if stage one alone has a relevant id above the cutoff: the reranker then made the query worse.
    """

    kind: Kind
    final_rank: int | None = None
    retrieval_rank: int | None = None
    beaten_by: tuple[str, ...] = ()
    stage_one_had_it: bool = False


def judged_ids(hits: Sequence[Hit], judged: Judged) -> list[str]:
    """Return the ids that judgments use for these hits, in order. A document counts at its best passage."""
    return list(dict.fromkeys(judged.key(hit) for hit in hits))


def classify(ranking: Ranking, judged: Judged, grades: Grades, cutoff: int) -> Failure:
    """Return what became of the query. `ranking` must hold the whole pool."""
    relevant = {key for key, grade in grades.items() if grade > 0}
    if not relevant:
        return Failure("nothing relevant")
    first = judged_ids(sorted(ranking.hits, key=lambda hit: hit.retrieval_rank), judged)
    final = judged_ids(ranking.hits, judged)
    stage_one_had_it = bool(relevant & set(first[:cutoff]))
    shown = next((key for key in final[:cutoff] if key in relevant), None)
    if shown is not None:
        return Failure("fine", final.index(shown) + 1, first.index(shown) + 1, (), stage_one_had_it)
    pool = [hit for hit in ranking.hits if hit.retrieval_rank <= ranking.pool_size]
    best = next((hit for hit in pool if judged.key(hit) in relevant), None)
    if best is None:
        return Failure("not retrieved", stage_one_had_it=stage_one_had_it)
    key = judged.key(best)
    rank = final.index(key) + 1
    scored = ranking.reranked and (best.rerank_score is not None or bool(ranking.dropped))
    kind: Kind = "truncated" if best.truncated else "ranked out" if scored else "below the cut"
    return Failure(kind, rank, first.index(key) + 1, tuple(final[: min(rank - 1, cutoff)]), stage_one_had_it)
