"""Stage one over an index or a store: by vectors, by words, or by both."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from shortlist.config.search_config import FUSION as FUSION
from shortlist.errors import InvalidInput
from shortlist.protocols import Encoder, Fuses, ReportsCosines, ReportsExactness, Retriever, Searched, SearchesBoth
from shortlist.retrievers.feedback import METHOD, check_feedback, matching_with_feedback
from shortlist.search.fusion import SHARE_IN_TIES, rrf
from shortlist.search.pool import Retrieved, cosines_of, distinct_notes, notes_of
from shortlist.search.retriever import checked_query
from shortlist.types import Hit, Note, Passage, Where

LIST_DEPTH = 100

Vector: TypeAlias = NDArray[np.float32]
Scored: TypeAlias = Sequence[tuple[Passage, float]]


def ranked(
    scored: Scored, signals: Sequence[Mapping[str, float]], bi_encoder: str = "", notes: Sequence[Note] = ()
) -> Retrieved:
    """Return the passages as hits in the order given, with ranks from 1. `bi_encoder` gave the signal "dense"."""
    hits = (
        Hit(passage, score, rank, score, rank, signals=own_signals, bi_encoder=bi_encoder)
        for rank, ((passage, score), own_signals) in enumerate(zip(scored, signals, strict=True), start=1)
    )
    return Retrieved(hits, notes)


def gives_cosines(index: Searched) -> bool:
    """Return whether the vector scores are cosines. Other scores are no signal: fitted weights expect cosines."""
    return index.gives_cosines if isinstance(index, ReportsCosines) else True


class Dense:
    """Retrieval by the cosine between the bi-encoder's vectors. `signals` has "dense".

    A store whose vectors have other lengths than 1 may give inner products or distances: then `signals` is empty.
    """

    def __init__(self, index: Searched, encoder: Encoder) -> None:
        self.index, self._encoder = index, encoder

    @property
    def bi_encoder(self) -> str:
        """The name of the model whose cosine is the signal "dense"."""
        return self._encoder.name

    def retrieve(self, query: str, k: int, where: Where | None = None) -> Retrieved:
        """Return at most `k` hits, best first. The score is a cosine, -1 to 1."""
        vector = self._encoder.encode_queries([checked_query(query, k)])[0]
        nearest = self.index.nearest(vector, k, where)
        has_cosines = gives_cosines(self.index)
        signals = [{"dense": score} if has_cosines else {} for _, score in nearest]
        return ranked(nearest, signals, self._encoder.name, notes_of(nearest))


class Lexical:
    """Retrieval by BM25. `signals` has "bm25". `expand` is "rm3" if RM3 adds terms to the query, or None."""

    def __init__(self, index: Searched, expand: str | None = None) -> None:
        self.index, self.expand = index, expand

    def with_feedback(self) -> Lexical:
        """Return this retriever with RM3: see `retrievers.feedback`. Raises as `check_feedback` does."""
        check_feedback(self.index)
        return Lexical(self.index, METHOD)

    def retrieve(self, query: str, k: int, where: Where | None = None) -> Retrieved:
        """Return at most `k` hits that share a term with the query, best first. The score is BM25, above 0."""
        matching = by_words(self.index, checked_query(query, k), k, where, self.expand)
        return ranked(matching, [{"bm25": score} for _, score in matching], notes=notes_of(matching))


def by_words(index: Searched, query: str, k: int, where: Where | None, expand: str | None) -> Scored:
    """Return at most `k` passages by BM25, with the terms that RM3 adds if `expand` is "rm3"."""
    return index.matching(query, k, where) if expand is None else matching_with_feedback(index, query, k, where)


class Hybrid:
    """Retrieval by vectors and by BM25, fused by reciprocal rank.

    Equal fused scores are common: the first and second passage of one list are often the second and first of the other.
    Among them, the passage with the higher cosine plus 0.3 x "bm25_share" comes first, which is the ratio of both in
    the packaged default score. On 12 sources of training data, nDCG@10 is 0.002 higher than with the vectors' order.

    `signals` has "dense" for every hit if the index gives cosines, and "bm25" and "bm25_share" for a hit of the BM25
    list. "bm25_share" is the BM25 score divided by the query's highest: it can be compared between queries and does not
    depend on the pool.

    Args:
        index: The passages of an index or a store.
        encoder: The bi-encoder that the index was made with.
        depth: How many passages are read from each list, unless the pool is larger.
        fusion: The weight of the vectors, 0 to 1. At 0.5 both lists weigh the same. At 0 the vectors only fill the
            places that BM25 leaves empty.
        expand: "rm3" if RM3 adds terms to the query of BM25, or None. The added terms depend on the query alone, so
            every pool is still the start of a larger one.

    Raises:
        InvalidInput: `depth` is below 1, or `fusion` is outside 0 to 1.
    """

    def __init__(
        self,
        index: Searched,
        encoder: Encoder,
        *,
        depth: int = LIST_DEPTH,
        fusion: float = FUSION,
        expand: str | None = None,
    ) -> None:
        if depth < 1:
            raise InvalidInput(f"depth must be at least 1, not {depth}")
        self.index, self._encoder, self._depth = index, encoder, depth
        self.fusion = checked_fusion(fusion)
        self.expand = expand

    def with_feedback(self) -> Hybrid:
        """Return this retriever with RM3: see `retrievers.feedback`. Raises as `check_feedback` does."""
        check_feedback(self.index)
        return Hybrid(self.index, self._encoder, depth=self._depth, fusion=self.fusion, expand=METHOD)

    @property
    def bi_encoder(self) -> str:
        """The name of the model whose cosine is the signal "dense"."""
        return self._encoder.name

    @property
    def prefix_depth(self) -> int:
        """`depth`. A larger pool reads more of both lists, and a passage far down in a list can change the order.

        0 if the vectors are searched approximately.
        """
        exact = self.index.exact if isinstance(self.index, ReportsExactness) else True
        return self._depth if exact else 0

    def retrieve(self, query: str, k: int, where: Where | None = None) -> list[Hit]:
        """Return at most `k` hits, best first. The score is the fused one, at most 2/61."""
        return self.retrieve_at([self.fusion], query, k, where)[0]

    def retrieve_at(self, fusions: Sequence[float], query: str, k: int, where: Where | None = None) -> list[list[Hit]]:
        """Return the answer of `retrieve` under each of these weights. Both lists are read once."""
        query = checked_query(query, k)
        vector = self._encoder.encode_queries([query])[0]
        depth = max(k, self._depth)
        nearest, matching = self._read(vector, query, depth, where)
        return [self._fused(checked_fusion(fusion), vector, nearest, matching, k) for fusion in fusions]

    def _read(self, vector: Vector, query: str, depth: int, where: Where | None) -> tuple[Scored, Scored]:
        if self.expand is None and isinstance(self.index, SearchesBoth):
            return self.index.both(vector, query, depth, where)
        return self.index.nearest(vector, depth, where), by_words(self.index, query, depth, where, self.expand)

    def _fused(self, fusion: float, vector: Vector, nearest: Scored, matching: Scored, k: int) -> list[Hit]:
        passages = {passage.id: passage for passage, _ in [*nearest, *matching]}
        dense = {passage.id: score for passage, score in nearest}
        bm25 = {passage.id: score for passage, score in matching}
        highest = max(bm25.values(), default=1.0)
        lowest = min(dense.values(), default=0.0)
        dense |= {key: score for key, score in cosines_of(matching).items() if key not in dense}
        ties = {key: dense.get(key, lowest) + SHARE_IN_TIES * bm25.get(key, 0.0) / highest for key in passages}
        lists = [[passage.id for passage, _ in scored] for scored in (nearest, matching)]
        fused = rrf(lists, weights=[2 * fusion, 2 * (1 - fusion)], ties=ties)[:k]
        has_cosines = gives_cosines(self.index)
        missing = [key for key, _ in fused if key not in dense] if has_cosines else []
        dense |= dict(zip(missing, self.index.similarities(vector, missing), strict=True))
        signals = [
            ({"dense": dense[key]} if has_cosines else {})
            | ({"bm25": bm25[key], "bm25_share": bm25[key] / highest} if key in bm25 else {})
            for key, _ in fused
        ]
        notes = distinct_notes([*notes_of(nearest), *notes_of(matching)])
        return ranked([(passages[key], score) for key, score in fused], signals, self._encoder.name, notes)


def checked_fusion(fusion: float) -> float:
    """Return the weight of the vectors.

    Raises:
        InvalidInput: The weight is outside 0 to 1.
    """
    if not 0 <= fusion <= 1:
        raise InvalidInput(f"fusion must be from 0 (BM25 alone) to 1 (vectors alone), not {fusion}", field="fusion")
    return fusion


def named_with_fusion(name: str, retriever: Retriever) -> str:
    """Return the retriever's name, with its fusion weight if it is not the default: it changes stage one's order."""
    if not isinstance(retriever, Fuses) or retriever.fusion == FUSION:
        return name
    return f"{name} at fusion {retriever.fusion}"
