"""Which stage lost the answer of one query."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from shortlist.evaluation.metrics import Grades
from shortlist.evaluation.query_set import Judged
from shortlist.types import Hit, Ranking

Kind: TypeAlias = Literal["fine", "not retrieved", "truncated", "ranked out", "below the cut", "nothing relevant"]

KINDS: tuple[Kind, ...] = ("fine", "not retrieved", "truncated", "ranked out", "below the cut", "nothing relevant")
"""fine: a relevant id is among the first k.
not retrieved: stage one did not bring one into the pool, so no reranker could help.
truncated: the best relevant one did not make it, and the reranker saw only its start.
ranked out: it was in the pool, read whole, and the reranker put it below k.
below the cut: the same where no reranker ran, so stage one alone put it there.
nothing relevant: every judgment of the query is 0.
"""


@dataclass(frozen=True, slots=True)
class Failure:
    """What became of a query. Ranks count from 1 and are those of the best-placed relevant id; None if not in the pool.

    `beaten_by` holds the ids above it, at most k, where it missed the first k. `stage_one_had_it` is True where
    stage one alone would have shown a relevant id among its first k: then the reranker did the harm.
    """

    kind: Kind
    final_rank: int | None = None
    retrieval_rank: int | None = None
    beaten_by: tuple[str, ...] = ()
    stage_one_had_it: bool = False


def keys_of(hits: Sequence[Hit], judged: Judged) -> list[str]:
    """The judged ids of hits, in order; a document that several passages belong to counts at its best place."""
    return list(dict.fromkeys(judged.key(hit) for hit in hits))


def split(ranking: Ranking, judged: Judged, grades: Grades, k: int) -> Failure:
    """What became of the query; `ranking` has to hold the whole pool."""
    relevant = {key for key, grade in grades.items() if grade > 0}
    if not relevant:
        return Failure("nothing relevant")
    first = keys_of(sorted(ranking.hits, key=lambda hit: hit.retrieval_rank), judged)[:k]
    in_stage_one = bool(relevant & set(first))
    final = keys_of(ranking.hits, judged)
    pool = [hit for hit in ranking.hits if hit.retrieval_rank <= ranking.pool_size]
    best = next((key for key in final if key in relevant), None)
    if best in final[:k]:
        return Failure("fine", final.index(best) + 1, _retrieval_rank(ranking, judged, best), (), in_stage_one)
    held = next((hit for hit in pool if judged.key(hit) in relevant), None)
    if held is None:
        return Failure("not retrieved", stage_one_had_it=in_stage_one)
    key = judged.key(held)
    rank = final.index(key) + 1
    kind: Kind = "truncated" if held.truncated else "ranked out" if ranking.reranked else "below the cut"
    return Failure(kind, rank, held.retrieval_rank, tuple(final[: min(rank - 1, k)]), in_stage_one)


def _retrieval_rank(ranking: Ranking, judged: Judged, key: str) -> int:
    return min(hit.retrieval_rank for hit in ranking.hits if judged.key(hit) == key)
