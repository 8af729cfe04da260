"""What one query's ranking is worth: both stages, and the ceiling between them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from shortlist.evaluation.metrics.failures import Failure, classify, judged_ids
from shortlist.evaluation.metrics.measures import Grades, Measure
from shortlist.evaluation.query_sets.query_set import Judged, Level
from shortlist.types import Hit, Note, Ranking

STAGES = ("stage one", "reranked", "ceiling")

DOCUMENT_DEPTH = 100
"""Passages to rank if documents are judged: several passages may belong to one document."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """The measures of one query. Each mapping goes from a measure's name to its value.

    `ceiling` is the value of the best possible order of the same pool: no reranker can exceed it. `recall` is the
    recall of the pool. `reranked` equals `stage_one` if no reranker ran. `top` and `stage_one_top` hold the first ids,
    as many as the cutoff. `ranked` holds all ids in the final order: the pool, and the rest that the measures read.
    `skipped` is the reason for which the reranker skipped the query, or None. `seconds` maps "retrieve" and "rerank"
    to wall-clock time.
    """

    query_id: str
    query: str
    pool_size: int
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
    skipped: Note | None = None
    ranked: tuple[str, ...] = ()

    def of(self, stage: str) -> Mapping[str, float]:
        """Return the values of "stage one", "reranked" or "ceiling"."""
        return {"stage one": self.stage_one, "reranked": self.reranked, "ceiling": self.ceiling}[stage]


def depth_of(measures: Sequence[Measure], cutoff: int, level: Level) -> int:
    """Return how many passages of a ranking the measures and the failure split read, whatever the pool size."""
    deepest = max([cutoff, *(measure.cutoff or 0 for measure in measures)])
    return deepest if level == "passage" else max(deepest, DOCUMENT_DEPTH)


def measured(query_id: str, ranking: Ranking, judged: Judged, measures: Sequence[Measure], cutoff: int) -> Outcome:
    """Return the outcome of one query.

    `ranking` must hold the whole pool, and the hits below it down to the depth of the measures. Deeper hits are not
    read, so a larger pool scores higher only by a better order, not by a longer ranking.
    """
    grades, depth = judged.qrels[query_id], depth_of(measures, cutoff, judged.level)
    stage_one_hits = sorted(ranking.hits, key=lambda hit: hit.retrieval_rank)
    pool = [hit for hit in stage_one_hits if hit.retrieval_rank <= ranking.pool_size]
    below = stage_one_hits[len(pool) :]
    final, first = judged_ids(ranking.hits[:depth], judged), judged_ids(stage_one_hits[:depth], judged)
    best = judged_ids([*_best_order(pool, judged, grades), *below], judged)
    return Outcome(
        query_id=query_id,
        query=ranking.query,
        pool_size=ranking.pool_size,
        stage_one={str(measure): measure.of(first, grades) for measure in measures},
        reranked={str(measure): measure.of(final, grades) for measure in measures},
        ceiling={str(measure): measure.of(best, grades) for measure in measures},
        recall=Measure("R").of(judged_ids(pool, judged), grades),
        failure=classify(ranking, judged, grades, cutoff),
        top=tuple(final[:cutoff]),
        stage_one_top=tuple(first[:cutoff]),
        scored=ranking.scored,
        truncated=ranking.truncated,
        seconds=dict(ranking.seconds),
        skipped=ranking.note("rerank_skipped"),
        ranked=tuple(judged_ids(ranking.hits, judged)),
    )


def _best_order(pool: Sequence[Hit], judged: Judged, grades: Grades) -> list[Hit]:
    """The pool by grade, highest first, judged before unjudged."""
    return sorted(pool, key=lambda hit: -grades.get(judged.key(hit), -1_000_000))


def to_json(outcome: Outcome) -> dict[str, Any]:
    """Return the outcome as a JSON object. Floats come back unchanged."""
    skipped = outcome.skipped
    return {**asdict(replace(outcome, skipped=None)), "skipped": None if skipped is None else skipped.to_dict()}


def from_json(record: Mapping[str, Any]) -> Outcome:
    """Return the outcome that `to_json` wrote.

    Raises:
        TypeError, KeyError: The record is something else.
    """
    failure = {**record["failure"], "beaten_by": tuple(record["failure"]["beaten_by"])}
    tuples = {name: tuple(record.get(name, ())) for name in ("top", "stage_one_top", "ranked")}
    skipped = note_from_json(record.get("skipped"))
    return Outcome(**{**record, **tuples, "failure": Failure(**failure), "skipped": skipped})


def note_from_json(record: Mapping[str, Any] | None) -> Note | None:
    """Return the note that `Note.to_dict` wrote, or None for None."""
    return None if record is None else Note(**record)
