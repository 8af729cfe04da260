"""Stage one by words: BM25, with the terms of RM3 if the query is expanded."""

from __future__ import annotations

from collections.abc import Sequence

from shortlist.protocols import Searched
from shortlist.retrievers.feedback import METHOD, check_feedback, matching_with_feedback
from shortlist.retrievers.hits import Scored, hits_of
from shortlist.search.pool import Retrieved, notes_of
from shortlist.search.retriever import checked_query
from shortlist.types import BM25, Where

LIST_DEPTH = 100
"""The passages that are read from a list, unless more are needed."""


class Lexical:
    """Retrieval by BM25. `signals` has "bm25". `expand` is "rm3" if RM3 adds terms to the query, or None."""

    def __init__(self, index: Searched, expand: str | None = None) -> None:
        self.index, self.expand = index, expand

    def with_feedback(self) -> Lexical:
        """Return this retriever with RM3: see `retrievers.feedback`. Raises as `check_feedback` does."""
        check_feedback(self.index)
        return Lexical(self.index, METHOD)

    @property
    def score_name(self) -> str:
        """The name of the score."""
        return "BM25"

    def scores_of(self, query: str, ids: Sequence[str], k: int) -> list[float]:
        """Return the BM25 score of each of these passages, 0 if it shares no term with the query."""
        query, depth = checked_query(query, k), max(k, LIST_DEPTH)
        while True:  # no index scores single passages, so the list grows until it has them
            matching = by_words(self.index, query, depth, None, self.expand)
            scores = {passage.id: score for passage, score in matching}
            if len(matching) < depth or scores.keys() >= set(ids):
                return [scores.get(key, 0.0) for key in ids]
            depth *= 10

    def retrieve(self, query: str, k: int, where: Where | None = None) -> Retrieved:
        """Return at most `k` hits that share a term with the query, best first. The score is BM25, above 0."""
        matching = by_words(self.index, checked_query(query, k), k, where, self.expand)
        return hits_of(matching, [{BM25: score} for _, score in matching], notes=notes_of(matching))


def by_words(index: Searched, query: str, k: int, where: Where | None, expand: str | None) -> Scored:
    """Return at most `k` passages by BM25, with the terms that RM3 adds if `expand` is "rm3"."""
    return index.matching(query, k, where) if expand is None else matching_with_feedback(index, query, k, where)
