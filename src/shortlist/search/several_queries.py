"""The pools of several queries as one pool, fused by reciprocal rank."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from shortlist.protocols import KeepsPrefix, Retriever
from shortlist.search.fusion import rrf
from shortlist.search.pool import Retrieved, distinct_notes, notes_of, retrieved
from shortlist.types import Hit, Where

DEPTH = 100
"""How many hits of each query are read, if the shorter answers of the retriever are the start of its longer ones."""


class SeveralQueries:
    """A retriever that searches for the query and for further queries, and fuses the answers by reciprocal rank.

    All queries weigh the same. Each signal of a hit is the highest one among the queries that found the hit. Up to
    `prefix_depth`, every answer reads the same number of hits of each query. A shorter answer is therefore the start of
    a longer one. If the inner retriever promises no such prefix, the answer to k reads k hits of each query.

    Source:
        The fusion: see `search.fusion.rrf`. The highest signal: CombMAX of Fox and Shaw, "Combination of Multiple
        Searches", TREC-2, 1994.
    """

    def __init__(self, retriever: Retriever, queries: Sequence[str]) -> None:
        self._retriever = retriever
        self._queries = tuple(queries)
        self._depth = min(DEPTH, retriever.prefix_depth) if isinstance(retriever, KeepsPrefix) else 0

    @property
    def index(self) -> object:
        """The index or the store that the inner retriever searches, or None."""
        return getattr(self._retriever, "index", None)

    @property
    def prefix_depth(self) -> int:
        """See `protocols.KeepsPrefix`; 0 if the inner retriever promises no prefix."""
        return self._depth

    def retrieve(self, query: str, k: int, where: Where | None = None) -> Retrieved:
        """Return at most `k` hits, best first. The score is the sum of 1 / (60 + rank) over the queries."""
        texts = dict.fromkeys([query, *self._queries])
        answers = [retrieved(self._retriever, text, max(k, self._depth), where) for text in texts]
        return fused(answers, k)


def fused(answers: Sequence[Sequence[Hit]], k: int) -> Retrieved:
    """Return the first `k` hits of several answers, fused by reciprocal rank, with the highest signals of each hit."""
    hits: dict[str, Hit] = {}
    for hit in (hit for answer in answers for hit in answer):
        known = hits.setdefault(hit.id, hit)
        higher = {name: max(value, known.signals.get(name, value)) for name, value in hit.signals.items()}
        hits[hit.id] = replace(known, signals={**known.signals, **higher})
    order = rrf([[hit.id for hit in answer] for answer in answers])[:k]
    return Retrieved(
        (
            replace(hits[key], rank=rank, score=score, retrieval_rank=rank, retrieval_score=score)
            for rank, (key, score) in enumerate(order, start=1)
        ),
        distinct_notes(note for answer in answers for note in notes_of(answer)),
    )
