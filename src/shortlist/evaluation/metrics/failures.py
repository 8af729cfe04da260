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
"""fine: a relevant id is among the first k.
not retrieved: stage one did not bring one into the pool, so no reranker could help.
truncated: the best relevant one did not make it, and the reranker saw only its start.
ranked out: it was in the pool, read whole, and the reranker put it below k.
below the cut: the same where no reranker scored it, so stage one alone put it there.
nothing relevant: every judgment of the query is 0.
"""


@dataclass(frozen=True, slots=True)
class Failure:
    """What became of a query. Ranks are of the best-placed relevant id, from 1; None where the pool lacks one.

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
    first = keys_of(sorted(ranking.hits, key=lambda hit: hit.retrieval_rank), judged)
    final = keys_of(ranking.hits, judged)
    in_stage_one = bool(relevant & set(first[:k]))
    shown = next((key for key in final[:k] if key in relevant), None)
    if shown is not None:
        return Failure("fine", final.index(shown) + 1, first.index(shown) + 1, (), in_stage_one)
    pool = [hit for hit in ranking.hits if hit.retrieval_rank <= ranking.pool_size]
    best = next((hit for hit in pool if judged.key(hit) in relevant), None)
    if best is None:
        return Failure("not retrieved", stage_one_had_it=in_stage_one)
    key = judged.key(best)
    rank = final.index(key) + 1
    scored = ranking.reranked and (best.rerank_score is not None or bool(ranking.dropped))
    kind: Kind = "truncated" if best.truncated else "ranked out" if scored else "below the cut"
    return Failure(kind, rank, first.index(key) + 1, tuple(final[: min(rank - 1, k)]), in_stage_one)
