"""Stage one: a query to a ranked pool, by vectors, by words, or by both."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from shortlist.errors import InvalidInput
from shortlist.protocols import Encoder, Fuses, Index, Retriever
from shortlist.search.fusion import rrf
from shortlist.text.validation import checked_text
from shortlist.types import Hit, Passage, Where

LEAST_DEPTH = 100
FUSION = 0.5

Vector: TypeAlias = NDArray[np.float32]
Leg: TypeAlias = Sequence[tuple[Passage, float]]


def ranked(found: Sequence[tuple[Passage, float]], signals: Sequence[Mapping[str, float]]) -> list[Hit]:
    """Hits numbered from 1 in the order given."""
    return [
        Hit(passage, score, rank, score, rank, signals=said)
        for rank, ((passage, score), said) in enumerate(zip(found, signals, strict=True), start=1)
    ]


def checked(query: str, k: int) -> str:
    """The query, if it can be searched, as `checked_text` gives it.

    Raises:
        InvalidInput: It is empty or no string, or k is below 1.
    """
    if k < 1:
        raise InvalidInput(f"the pool size must be at least 1, not {k}")
    return checked_text(query)


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
    the pool. Each leg is read to `depth`, or to the pool size where that is larger. `fusion` is the vectors' share in
    the fused order: at 0.5 both legs weigh the same, at 0 the vectors only fill up what BM25 leaves empty.
    """

    def __init__(self, index: Index, encoder: Encoder, *, depth: int = LEAST_DEPTH, fusion: float = FUSION) -> None:
        if depth < 1:
            raise InvalidInput(f"depth must be at least 1, not {depth}")
        self._index, self._encoder, self._depth = index, encoder, depth
        self.fusion = checked_fusion(fusion)

    @property
    def prefix_depth(self) -> int:
        """`depth`: beyond it the legs are read deeper, and a passage far down one leg can change the fused order."""
        return self._depth

    def retrieve(self, query: str, k: int, where: Where | None = None) -> list[Hit]:
        """At most `k` hits; the score is the fused one, at most 2/61."""
        return self.retrieve_at([self.fusion], query, k, where)[0]

    def retrieve_at(self, fusions: Sequence[float], query: str, k: int, where: Where | None = None) -> list[list[Hit]]:
        """What `retrieve` answers at each of these shares of the vectors; both legs are read once."""
        asked = checked(query, k)
        vector = self._encoder.encode_queries([asked])[0]
        depth = max(k, self._depth)
        dense = self._index.nearest(vector, depth, where)
        words = self._index.matching(asked, depth, where)
        return [self._fused(checked_fusion(one), vector, dense, words, k) for one in fusions]

    def _fused(self, share: float, vector: Vector, dense: Leg, words: Leg, k: int) -> list[Hit]:
        passages = {passage.id: passage for passage, _ in [*dense, *words]}
        by_vector = {passage.id: score for passage, score in dense}
        by_words = {passage.id: score for passage, score in words}
        fused = rrf([list(by_vector), list(by_words)], weights=[2 * share, 2 * (1 - share)])[:k]
        missing = [key for key, _ in fused if key not in by_vector]
        by_vector |= dict(zip(missing, self._index.similarities(vector, missing), strict=True))
        highest = max(by_words.values(), default=1.0)
        signals = [
            {"dense": by_vector[key]}
            | ({"bm25": by_words[key], "bm25_share": by_words[key] / highest} if key in by_words else {})
            for key, _ in fused
        ]
        return ranked([(passages[key], score) for key, score in fused], signals)


def checked_fusion(share: float) -> float:
    """The share of the vectors, if it is one.

    Raises:
        InvalidInput: It lies outside 0 to 1.
    """
    if not 0 <= share <= 1:
        raise InvalidInput(f"fusion must be from 0 (BM25 alone) to 1 (vectors alone), not {share}")
    return share


def named_with_fusion(name: str, retriever: Retriever) -> str:
    """The retriever's name, with its fusion weight where that is not the default: it changes stage one's order."""
    if not isinstance(retriever, Fuses) or retriever.fusion == FUSION:
        return name
    return f"{name} at fusion {retriever.fusion}"
