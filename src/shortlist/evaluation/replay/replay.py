"""Recorded searches: `Search` answers them again without a model.

A recorded retriever and recorded scores stand in for the real ones. `Search.begin` and `Pending.finish` compute every
number of a sweep, so a sweep and a search cannot differ.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from shortlist.config import SearchConfig
from shortlist.evaluation.metrics.outcomes import note_from_json
from shortlist.evaluation.whole_pool import search_whole
from shortlist.search.pool import Retrieved
from shortlist.search.search import Search
from shortlist.types import Hit, Note, Passage, Ranking, RerankerInfo, Scores, Where


@dataclass(frozen=True, slots=True)
class Recorded:
    """One query's scoring pass.

    `answers` maps each k of the retriever to its hits. `scores` and `truncated` use passage ids as keys, and cover
    every passage of every pool. `skipped` is the reason why the reranker skipped the query, or None. A skipped query
    has no `scores`. `seconds` is the time to retrieve and to score the largest pool. `limited` is the note on a
    retriever with a limit of its own, or None. `repeated` counts the rows that are left out because an earlier row of
    the largest answer has the same id. `rerank_query` is the text that the reranker read in place of the query.
    """

    query_id: str
    query: str
    answers: Mapping[int, tuple[Hit, ...]]
    scores: Mapping[str, float]
    truncated: frozenset[str]
    skipped: Note | None
    seconds: Mapping[str, float]
    limited: Note | None = None
    repeated: int = 0
    rerank_query: str | None = None

    @property
    def scored_query(self) -> str:
        """The text that the reranker read."""
        return self.query if self.rerank_query is None else self.rerank_query

    def search(self, pool_size: int, depth: int, weights: Mapping[str, float], *, rerank: bool = True) -> Ranking:
        """Return the ranking of a search with a pool of this size, down to `depth` at least.

        `weights` are the weights of the final score. The pool of this size must have been recorded.
        """
        config = SearchConfig(pool_size=pool_size, top_k=depth, tail=True, rerank=rerank, weights=weights)
        retriever = RecordedRetriever(self.answers, self.limited)
        return search_whole(Search(retriever, RecordedReranker(self), config), self.query, config)


def answer_to(answers: Mapping[int, Sequence[Hit]], k: int) -> list[Hit]:
    """Return the retriever's answer to `k`: the recorded one, or the start of the next longer one."""
    return list(answers[min(size for size in answers if size >= k)][:k])


class RecordedRetriever:
    """Answers from recorded hits, with the note on the limit of their retriever. Satisfies `Retriever`."""

    def __init__(self, answers: Mapping[int, Sequence[Hit]], limited: Note | None = None) -> None:
        self._answers, self._limited = answers, limited

    def retrieve(self, query: str, k: int, where: Where | None = None) -> Retrieved:
        """Return the recorded answer to `k`. An answer of `k` hits is not limited."""
        hits = answer_to(self._answers, k)
        return Retrieved(hits, [self._limited] if self._limited is not None and len(hits) < k else [])


class RecordedReranker:
    """Answers with recorded scores. Slim hits have their id as their text, so a text is the key of its score."""

    info = RerankerInfo("recorded", pointwise=True)

    def __init__(self, recorded: Recorded) -> None:
        self._recorded = recorded

    def skip_reason(self, query: str) -> Note | None:
        """Return the recorded reason."""
        return self._recorded.skipped

    def score(self, query: str, texts: Sequence[str]) -> Scores:
        """Return the recorded scores, and which texts were cut."""
        scores, truncated = self._recorded.scores, self._recorded.truncated
        return Scores([scores[key] for key in texts], [key in truncated for key in texts])


def slim(hit: Hit) -> Hit:
    """Return the hit with the passage's id in place of its text."""
    return replace(hit, passage=Passage(hit.passage.id, hit.passage.id, hit.passage.document_id))


def recorded_to_json(recorded: Recorded) -> dict[str, Any]:
    """Return the pass as a JSON object. Floats come back unchanged."""
    return {
        **asdict(replace(recorded, answers={}, skipped=None, limited=None)),
        "answers": {str(k): [_hit_to_row(hit) for hit in hits] for k, hits in recorded.answers.items()},
        "truncated": sorted(recorded.truncated),
        "skipped": None if recorded.skipped is None else recorded.skipped.to_dict(),
        "limited": None if recorded.limited is None else recorded.limited.to_dict(),
    }


def recorded_from_json(record: Mapping[str, Any]) -> Recorded:
    """Return the pass that `recorded_to_json` wrote."""
    answers = {int(k): tuple(_hit_from_row(row) for row in rows) for k, rows in record["answers"].items()}
    notes = {name: note_from_json(record.get(name)) for name in ("skipped", "limited")}
    return Recorded(**{**record, **notes, "answers": answers, "truncated": frozenset(record["truncated"])})


def ranking_to_json(ranking: Ranking) -> dict[str, Any]:
    """Return the ranking as a JSON object without the texts of passages."""
    return {
        **asdict(replace(ranking, hits=(), notes=())),
        "hits": [_hit_to_row(hit) for hit in ranking.hits],
        "notes": [note.to_dict() for note in ranking.notes],
    }


def ranking_from_json(record: Mapping[str, Any]) -> Ranking:
    """Return the ranking that `ranking_to_json` wrote. Each passage's text is its id."""
    hits = tuple(_hit_from_row(row) for row in record["hits"])
    return Ranking(**{**record, "hits": hits, "notes": tuple(Note(**note) for note in record["notes"])})


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
