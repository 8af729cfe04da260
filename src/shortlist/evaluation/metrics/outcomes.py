"""What one query's ranking is worth: both stages, and the ceiling between them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from shortlist.evaluation.metrics.failures import Failure, keys_of, split
from shortlist.evaluation.metrics.measures import Grades, Measure
from shortlist.evaluation.query_sets.query_set import Judged, Level
from shortlist.types import Hit, Ranking

STAGES = ("stage one", "reranked", "ceiling")


@dataclass(frozen=True, slots=True)
class Outcome:
    """One query measured. Each mapping goes from a measure's name to its value.

    `ceiling` is what the best possible order of the same pool would score: no reranker can pass it. `recall` is R@pool
    of the pool. `reranked` equals `stage_one` where no reranker ran. `top` and `stage_one_top` hold the first k ids.
    `ranked` holds all of them in the final order: the pool, and what the measures read below it.
    `seconds` maps "retrieve" and "rerank" to wall-clock time.
    """

    query_id: str
    query: str
    stage_one: Mapping[str, float]
    reranked: Mapping[str, float]
    ceiling: Mapping[str, float]
    recall: float
    failure: Failure
    top: tuple[str, ...]
    stage_one_top: tuple[str, ...]
    scored: int
    truncated: int
    seconds: Mapping[str, float] = field(default_factory=dict)
    why_not: str = ""
    ranked: tuple[str, ...] = ()

    def of(self, stage: str) -> Mapping[str, float]:
        """The values of "stage one", "reranked" or "ceiling"."""
        return {"stage one": self.stage_one, "reranked": self.reranked, "ceiling": self.ceiling}[stage]


DOCUMENT_DEPTH = 100
"""Passages to rank where documents are judged: several of them may belong to one document."""


def depth_of(measures: Sequence[Measure], k: int, level: Level) -> int:
    """How many passages deep measures read a ranking, whatever its pool, and the failure split at k at least."""
    deepest = max([k, *(measure.cutoff or 0 for measure in measures)])
    return deepest if level == "passage" else max(deepest, DOCUMENT_DEPTH)


def measured(query_id: str, ranking: Ranking, judged: Judged, measures: Sequence[Measure], k: int) -> Outcome:
    """One query's outcome; `ranking` has to hold the whole pool and, below it, the tail to the measures' depth.

    What stands deeper is not read: a larger pool has to earn its score by a better order, not by a longer ranking.
    """
    grades, depth = judged.qrels[query_id], depth_of(measures, k, judged.level)
    stage_one_hits = sorted(ranking.hits, key=lambda hit: hit.retrieval_rank)
    pool = [hit for hit in stage_one_hits if hit.retrieval_rank <= ranking.pool_size]
    below = stage_one_hits[len(pool) :]
    final, first = keys_of(ranking.hits[:depth], judged), keys_of(stage_one_hits[:depth], judged)
    best = keys_of([*_ideal(pool, judged, grades), *below], judged)
    return Outcome(
        query_id=query_id,
        query=ranking.query,
        stage_one={str(one): one.of(first, grades) for one in measures},
        reranked={str(one): one.of(final, grades) for one in measures},
        ceiling={str(one): one.of(best, grades) for one in measures},
        recall=Measure("R").of(keys_of(pool, judged), grades),
        failure=split(ranking, judged, grades, k),
        top=tuple(final[:k]),
        stage_one_top=tuple(first[:k]),
        scored=ranking.scored,
        truncated=ranking.truncated,
        seconds=dict(ranking.seconds),
        why_not=ranking.why_not,
        ranked=tuple(keys_of(ranking.hits, judged)),
    )


def _ideal(pool: Sequence[Hit], judged: Judged, grades: Grades) -> list[Hit]:
    """The pool by grade, highest first, judged before unjudged."""
    return sorted(pool, key=lambda hit: -grades.get(judged.key(hit), -1_000_000))


def to_json(made: Outcome) -> dict[str, Any]:
    """As a JSON object; floats come back the same."""
    return asdict(made)


def from_json(held: Mapping[str, Any]) -> Outcome:
    """What `to_json` wrote.

    Raises:
        TypeError, KeyError: It is something else.
    """
    failure = {**held["failure"], "beaten_by": tuple(held["failure"]["beaten_by"])}
    tops = {name: tuple(held.get(name, ())) for name in ("top", "stage_one_top", "ranked")}
    return Outcome(**{**held, **tops, "failure": Failure(**failure)})
