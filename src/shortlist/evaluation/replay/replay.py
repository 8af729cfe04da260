"""Searches written down, so that the pipeline can answer them again without a model.

Every number of a sweep is read by `Shortlist.search` itself, fed with recorded hits and scores: there is no second
piece of arithmetic that could drift from the one that answers searches.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from shortlist.search.pipeline import Shortlist
from shortlist.types import Hit, Passage, Ranking, Where


@dataclass(frozen=True, slots=True)
class Recorded:
    """One query's scoring pass.

    `found` maps the k that was asked of the retriever to its hits. `scores` and `truncated` go by passage id and cover
    every passage of every pool. `why_not` says why the reranker declined the query; `scores` is empty then. `seconds`
    is what retrieving and scoring the largest pool took.
    """

    query_id: str
    query: str
    found: Mapping[int, tuple[Hit, ...]]
    scores: Mapping[str, float]
    truncated: frozenset[str]
    why_not: str
    seconds: Mapping[str, float]

    def search(self, pool_size: int, depth: int, weights: Mapping[str, float], *, rerank: bool = True) -> Ranking:
        """What `Shortlist.search` answers with a pool of this size and the tail down to `depth`."""
        shortlist = Shortlist(_Hits(self), _Scores(self) if rerank else None, weights=weights)
        return shortlist.search(self.query, pool_size=pool_size, k=max(pool_size, depth), tail=True)


def answer(found: Mapping[int, Sequence[Hit]], k: int) -> list[Hit]:
    """The retriever's answer to `k`: its own, or the start of the next longer one where that stands for both."""
    return list(found[min(asked for asked in found if asked >= k)][:k])


class _Hits:
    """The recorded retriever."""

    def __init__(self, recorded: Recorded) -> None:
        self._found = recorded.found

    def retrieve(self, query: str, k: int, where: Where | None = None) -> list[Hit]:
        return answer(self._found, k)


class _Scores:
    """The recorded reranker; slim hits carry their id as their text."""

    name = "recorded"
    pointwise = True

    def __init__(self, recorded: Recorded) -> None:
        self._recorded = recorded

    def declines(self, query: str) -> str:
        return self._recorded.why_not

    def score(self, query: str, texts: Sequence[str]) -> list[float]:
        return [self._recorded.scores[key] for key in texts]

    def score_and_report(self, query: str, texts: Sequence[str]) -> tuple[list[float], list[bool]]:
        return self.score(query, texts), [key in self._recorded.truncated for key in texts]


def slim(hit: Hit) -> Hit:
    """The hit without its text: the passage's id stands in for it."""
    return replace(hit, passage=Passage(hit.passage.id, hit.passage.id, hit.passage.document_id))


def recorded_to_json(made: Recorded) -> dict[str, Any]:
    """As a JSON object; floats come back the same."""
    return {
        "query_id": made.query_id,
        "query": made.query,
        "found": {str(asked): [_hit_to_row(hit) for hit in hits] for asked, hits in made.found.items()},
        "scores": dict(made.scores),
        "truncated": sorted(made.truncated),
        "why_not": made.why_not,
        "seconds": dict(made.seconds),
    }


def recorded_from_json(held: Mapping[str, Any]) -> Recorded:
    """What `recorded_to_json` wrote."""
    found = {int(asked): tuple(_hit_from_row(row) for row in rows) for asked, rows in held["found"].items()}
    return Recorded(
        held["query_id"],
        held["query"],
        found,
        held["scores"],
        frozenset(held["truncated"]),
        held["why_not"],
        held["seconds"],
    )


def ranking_to_json(made: Ranking) -> dict[str, Any]:
    """As a JSON object without the texts of passages."""
    return {
        "query": made.query,
        "hits": [_hit_to_row(hit) for hit in made.hits],
        "pool_size": made.pool_size,
        "scored": made.scored,
        "truncated": made.truncated,
        "reranked": made.reranked,
        "seconds": dict(made.seconds),
        "dropped": made.dropped,
        "why_not": made.why_not,
    }


def ranking_from_json(held: Mapping[str, Any]) -> Ranking:
    """What `ranking_to_json` wrote; each passage's text is its id."""
    return Ranking(**{**held, "hits": tuple(_hit_from_row(row) for row in held["hits"])})


def _hit_to_row(hit: Hit) -> list[Any]:
    return [
        hit.passage.id,
        hit.passage.document_id,
        hit.score,
        hit.rank,
        hit.retrieval_score,
        hit.retrieval_rank,
        hit.rerank_score,
        hit.truncated,
        dict(hit.signals),
    ]


def _hit_from_row(row: Sequence[Any]) -> Hit:
    return Hit(Passage(row[0], row[0], row[1]), *row[2:])
