"""The measures of one query: both stages, the ceiling, and the stage that lost the answer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal, TypeAlias

from shortlist.evaluation.metrics.measures import Grades, Measure
from shortlist.evaluation.query_sets.query_set import Judged, Level
from shortlist.reprs import short_repr
from shortlist.types import Hit, Note, Ranking

Kind: TypeAlias = Literal["fine", "not retrieved", "truncated", "ranked out", "below the cut", "nothing relevant"]

KINDS: tuple[Kind, ...] = ("fine", "not retrieved", "truncated", "ranked out", "below the cut", "nothing relevant")
"""The outcomes of a query.

fine: a relevant id is among the first `cutoff` results. not retrieved: the pool of stage one has no relevant id, so no
reranker could help. truncated: the best relevant id is too low, and the reranker read only the start of its text.
ranked out: a relevant id was in the pool and not truncated, and the reranker put it below the cutoff. below the cut: a
relevant id was in the pool, no reranker scored it, and stage one put it below the cutoff. nothing relevant: every
judgment of the query is 0.
"""
STAGES = ("stage one", "reranked", "ceiling")

DOCUMENT_DEPTH = 100
"""Passages to rank if documents are judged: several passages may belong to one document."""


@dataclass(frozen=True, slots=True)
class Failure:
    """The outcome of a query, with the ranks of its best relevant id, from 1. None: the pool has no relevant id.

    `beaten_by` holds at most `cutoff` ids that rank above the best relevant id, if that id is below the cutoff.
    `stage_one_had_it` is True if stage one alone has a relevant id above the cutoff. If the final ranking does not, the
    reranker made the query worse.
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
    """Return the outcome of the query. `ranking` must hold the whole pool."""
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


@dataclass(frozen=True, slots=True)
class Outcome:
    """The measures of one query. Each mapping goes from a measure's name to its value.

    `ceiling` is the value of the best possible order of the same pool: no reranker can exceed it. `recall` is the
    recall of the pool. `reranked` equals `stage_one` if no reranker ran. `top` and `stage_one_top` hold the first
    `cutoff` ids. `ranked` holds all ids in the final order: the pool, and the ids below the pool that the measures
    read. `skipped` is the reason why the reranker skipped the query, or None. `limited` is the note on a retriever with
    a limit of its own that is smaller than the pool, or None. `repeated` counts the rows of the retriever that are left
    out because an earlier row has the same id. `seconds` maps "retrieve" and "rerank" to wall-clock
    time.
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
    limited: Note | None = None
    repeated: int = 0

    def __repr__(self) -> str:
        failure = self.failure
        ranks = {"retrieval_rank": failure.retrieval_rank, "final_rank": failure.final_rank}
        return short_repr(self, self.query_id, {"kind": failure.kind, **ranks, "recall": self.recall})

    def of(self, stage: str) -> Mapping[str, float]:
        """Return the values of "stage one", "reranked" or "ceiling"."""
        return {"stage one": self.stage_one, "reranked": self.reranked, "ceiling": self.ceiling}[stage]


def depth_of(measures: Sequence[Measure], cutoff: int, level: Level) -> int:
    """Return how many passages of a ranking the measures and the failure split read, for any pool size."""
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
        limited=ranking.note("retriever_limited"),
        repeated=repeated_in(ranking.notes),
    )


def nothing_retrieved(outcomes: Sequence[Outcome], pool_size: int) -> list[Note]:
    """Return a note if queries have relevant ids, and no pool contains any: the ids may belong to another index."""
    queries = sum(outcome.failure.kind != "nothing relevant" for outcome in outcomes)
    if not queries or any(outcome.recall for outcome in outcomes):
        return []
    example = next((key for outcome in outcomes for key in outcome.ranked), None)
    return [Note("nothing_retrieved", queries=queries, pool=pool_size, example=example)]


def repeated_in(notes: Iterable[Note]) -> int:
    """Return how many rows of a retriever one query left out because an earlier row has the same id."""
    counts = (note.values["count"] for note in notes if note.code == "repeated_rows")
    return sum(count for count in counts if isinstance(count, int))


def retriever_notes(limits: Iterable[Note | None], repeats: Iterable[int]) -> list[Note]:
    """Return a note if the retriever has a limit of its own, and one if rows were left out, because they repeat ids.

    `limits` has the note on the limit for each query, or None: no setting can enlarge the pool beyond the limit.
    `repeats` has the number of rows that were left out for each query.
    """
    some = [count for count in repeats if count]
    own = [note for note in limits if note is not None][:1]
    return [*own, Note("repeated_in_queries", count=sum(some), queries=len(some))] if some else own


def _best_order(pool: Sequence[Hit], judged: Judged, grades: Grades) -> list[Hit]:
    """The pool by grade, highest first, judged before unjudged."""
    return sorted(pool, key=lambda hit: -grades.get(judged.key(hit), -1_000_000))


def to_json(outcome: Outcome) -> dict[str, Any]:
    """Return the outcome as a JSON object. Floats come back unchanged."""
    notes = {"skipped": outcome.skipped, "limited": outcome.limited}
    stored = {name: None if note is None else note.to_dict() for name, note in notes.items()}
    return {**asdict(replace(outcome, skipped=None, limited=None)), **stored}


def from_json(record: Mapping[str, Any]) -> Outcome:
    """Return the outcome that `to_json` wrote.

    Raises:
        TypeError, KeyError: The record is not an outcome.
    """
    failure = {**record["failure"], "beaten_by": tuple(record["failure"]["beaten_by"])}
    tuples = {name: tuple(record.get(name, ())) for name in ("top", "stage_one_top", "ranked")}
    notes = {name: note_from_json(record.get(name)) for name in ("skipped", "limited")}
    return Outcome(**{**record, **tuples, **notes, "failure": Failure(**failure)})


def note_from_json(record: Mapping[str, Any] | None) -> Note | None:
    """Return the note that `Note.to_dict` wrote, or None for None."""
    return None if record is None else Note(**record)
