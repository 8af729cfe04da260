"""Stage one: a query to a ranked pool, by vectors, by words, or by both."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from shortlist.errors import InvalidInput
from shortlist.fusion import rrf
from shortlist.protocols import Encoder, Index
from shortlist.types import Hit, Passage, Where

LEAST_DEPTH = 100


def ranked(found: Sequence[tuple[Passage, float]], signals: Sequence[Mapping[str, float]]) -> list[Hit]:
    """Hits numbered from 1 in the order given."""
    return [
        Hit(passage, score, rank, score, rank, signals=said)
        for rank, ((passage, score), said) in enumerate(zip(found, signals, strict=True), start=1)
    ]


def checked(query: str, k: int) -> str:
    """The query, if it can be searched.

    Raises:
        InvalidInput: It is empty, or k is below 1.
    """
    if not query.strip():
        raise InvalidInput("the query is empty: give at least one word")
    if k < 1:
        raise InvalidInput(f"the pool size must be at least 1, not {k}")
    return query


class Dense:
    """By cosine between the bi-encoder's vectors. `signals` holds "dense"."""

    def __init__(self, index: Index, encoder: Encoder) -> None:
        self._index, self._encoder = index, encoder

    def retrieve(self, query: str, k: int, where: Where | None = None) -> list[Hit]:
        """At most `k` hits; the score is a cosine, -1 to 1."""
        vector = self._encoder.encode_queries([checked(query, k)])[0]
        found = self._index.nearest(vector, k, where)
        return ranked(found, [{"dense": score} for _, score in found])


class Lexical:
    """By BM25. `signals` holds "bm25"."""

    def __init__(self, index: Index) -> None:
        self._index = index

    def retrieve(self, query: str, k: int, where: Where | None = None) -> list[Hit]:
        """At most `k` hits that share a term with the query; the score is BM25's, above 0 and unbounded."""
        found = self._index.matching(checked(query, k), k, where)
        return ranked(found, [{"bm25": score} for _, score in found])


class Hybrid:
    """By both, fused by reciprocal rank. `signals` holds "dense" for every hit, and "bm25" where that leg found it.

    "bm25_share" is the BM25 score over the query's highest: it compares between queries, and does not depend on
    the pool. Each leg is read to `depth`, or to the pool size where that is larger.
    """

    def __init__(self, index: Index, encoder: Encoder, *, depth: int = LEAST_DEPTH) -> None:
        if depth < 1:
            raise InvalidInput(f"depth must be at least 1, not {depth}")
        self._index, self._encoder, self._depth = index, encoder, depth

    @property
    def prefix_depth(self) -> int:
        """`depth`: beyond it the legs are read deeper, and a passage far down one leg can change the fused order."""
        return self._depth

    def retrieve(self, query: str, k: int, where: Where | None = None) -> list[Hit]:
        """At most `k` hits; the score is the fused one, above 0 and at most 2/61."""
        vector = self._encoder.encode_queries([checked(query, k)])[0]
        depth = max(k, self._depth)
        dense = self._index.nearest(vector, depth, where)
        words = self._index.matching(query, depth, where)
        passages = {passage.id: passage for passage, _ in [*dense, *words]}
        by_vector = {passage.id: score for passage, score in dense}
        by_words = {passage.id: score for passage, score in words}
        fused = rrf([list(by_vector), list(by_words)])[:k]
        missing = [key for key, _ in fused if key not in by_vector]
        by_vector |= dict(zip(missing, self._index.similarities(vector, missing), strict=True))
        highest = max(by_words.values(), default=1.0)
        signals = [
            {"dense": by_vector[key]}
            | ({"bm25": by_words[key], "bm25_share": by_words[key] / highest} if key in by_words else {})
            for key, _ in fused
        ]
        return ranked([(passages[key], score) for key, score in fused], signals)
