"""What the tools for agents do, and what they answer."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from shortlist.errors import InvalidInput
from shortlist.protocols import Reranker
from shortlist.redaction import Names, public_name
from shortlist.registry import OpenIndex
from shortlist.search.pipeline import POOL_SIZE, K
from shortlist.search.rerank import doubt_of
from shortlist.search.rerank import rerank as rerank_candidates
from shortlist.types import Field, Hit, PoolSize, Ranking, Value, Where

MOST_CANDIDATES = 1000
MOST_POOL = 1000


@dataclass(frozen=True)
class FoundPassage:
    """One passage. `rerank_score` is the raw logit, None where it was not scored; `score` orders the answer."""

    rank: int
    id: str
    source: str
    title: str
    text: str
    start: int
    end: int
    score: float
    rerank_score: float | None
    retrieval_rank: int
    retrieval_score: float
    metadata: dict[str, Field] = field(default_factory=dict)


@dataclass(frozen=True)
class SearchAnswer:
    """The passages, best first, and what to know of them; `note` is "" when there is nothing to say."""

    query: str
    passages: list[FoundPassage]
    note: str
    pool_size: int
    scored: int
    truncated: int
    seconds: dict[str, float]


@dataclass(frozen=True)
class RankedCandidate:
    """One candidate: its place in the list that came in, from 0, and the raw logit."""

    rank: int
    index: int
    score: float
    text: str
    truncated: bool


@dataclass(frozen=True)
class RerankAnswer:
    """The candidates, best first, and what to know of them; `note` is "" when there is nothing to say."""

    query: str
    candidates: list[RankedCandidate]
    note: str


class Tools:
    """What the two tools do. One call at a time: `index` and `reranker` are never used by two threads at once.

    Passages with a logit below `least_logit` are left out of a search's answer, and so are those below `threshold` or
    `min_probability` (see `OpenIndex.search`); its note counts them. `names` keeps this host's folders out of ids,
    sources and notes; None shows them whole. `sizes` are the pool and k of a search that asks for none.
    """

    def __init__(
        self,
        index: OpenIndex,
        reranker: Reranker | None,
        *,
        least_logit: float | None = None,
        threshold: float | None = None,
        min_probability: float | None = None,
        names: Names | None = None,
        sizes: tuple[PoolSize, int] = (POOL_SIZE, K),
    ) -> None:
        self._index, self._reranker, self._least = index, reranker, least_logit
        self._pool_size, self._k = sizes
        self._threshold, self._probability = threshold, min_probability
        self._names = names
        self._turn = threading.Lock()

    def search(
        self,
        query: str,
        k: int | None = None,
        pool_size: int | None = None,
        where: dict[str, Value | list[Value]] | None = None,
    ) -> SearchAnswer:
        """At most `k` passages. An empty query or impossible sizes raise `InvalidInput`.

        A size that is not given is the one this was made with, made to fit the given one.
        """
        pool, most = self._sizes(k, pool_size)
        with self._turn:
            ranking = self._index.search(
                query,
                pool_size=pool,
                k=most,
                where=self._meant(where),
                threshold=self._threshold,
                min_probability=self._probability,
            )
        kept = [hit for hit in ranking.hits if not self._too_low(hit)]
        return SearchAnswer(
            query=query,
            passages=[self._shown(_passage(place, hit)) for place, hit in enumerate(kept, start=1)],
            note=self._note(ranking, len(ranking.hits) - len(kept)),
            pool_size=ranking.pool_size,
            scored=ranking.scored,
            truncated=ranking.truncated,
            seconds=dict(ranking.seconds),
        )

    def rerank(self, query: str, candidates: list[str], k: int | None = None) -> RerankAnswer:
        """The `k` best candidates, or all. An empty query or more than 1000 candidates raise `InvalidInput`."""
        if self._reranker is None:
            raise InvalidInput("this server was started without a reranker: start it without --no-rerank")
        if len(candidates) > MOST_CANDIDATES:
            raise InvalidInput(f"{len(candidates)} candidates, at most {MOST_CANDIDATES}: send fewer")
        with self._turn:
            ranked = rerank_candidates(query, candidates, self._reranker, k=k)
        cut = sum(one.truncated for one in ranked)
        notes = ["no candidates were given"] if not candidates else []
        notes += [self._said(doubt)] if (doubt := doubt_of(self._reranker, query)) else []
        notes += [f"{cut} of these did not fit the reranker's window; it read their start"] if cut else []
        rows = [RankedCandidate(one.rank, one.index, one.score, one.item, one.truncated) for one in ranked]
        return RerankAnswer(query, rows, _joined(notes))

    def _sizes(self, k: int | None, pool_size: int | None) -> tuple[PoolSize, int]:
        pool = self._pool_size if pool_size is None else pool_size
        for name, value in (("pool_size", pool_size), ("k", k)):
            if value is not None and not 1 <= value <= MOST_POOL:
                raise InvalidInput(f"{name} is {value}: ask for 1 to {MOST_POOL}")
        if k is None:
            return pool, self._k if pool == "auto" else min(self._k, pool)
        if pool_size is not None and k > pool_size:
            raise InvalidInput(f"k is {k} and pool_size {pool_size}: only what is in the pool can come back")
        return (max(pool, k) if pool != "auto" and pool_size is None else pool), k

    def _meant(self, where: dict[str, Value | list[Value]] | None) -> Where | None:
        return where if self._names is None else self._names.where(where)

    def _shown(self, passage: FoundPassage) -> FoundPassage:
        names = self._names
        if names is None:
            return passage
        return replace(
            passage,
            id=names.shown(passage.id),
            source=names.shown(passage.source),
            metadata=names.metadata(passage.metadata),
        )

    def _said(self, why: str) -> str:
        """The reason in words that name no folder of this host."""
        if self._names is None or self._reranker is None:
            return why
        return why.replace(self._reranker.name, public_name(self._reranker.name))

    def _too_low(self, hit: Hit) -> bool:
        return self._least is not None and hit.rerank_score is not None and hit.rerank_score < self._least

    def _note(self, ranking: Ranking, left_out: int) -> str:
        notes = []
        if ranking.left_out:
            notes.append(ranking.no_good_answer or f"{ranking.left_out} left out below {ranking.least}")
        elif not ranking.hits:
            notes.append(ranking.no_good_answer or "no passage matches: try other words, or a looser where")
        if ranking.doubt:
            notes.append(ranking.doubt)
        if ranking.why_not:
            notes.append(f"not reranked, in the retriever's order: {self._said(ranking.why_not)}")
        elif not ranking.reranked and ranking.hits:
            notes.append("not reranked: this is the retriever's order")
        if left_out and left_out == len(ranking.hits):
            notes.append(f"nothing good: the reranker scores every passage below {self._least:g}")
        elif left_out:
            notes.append(f"left out for a logit below {self._least:g}: {left_out} of {len(ranking.hits)} passages")
        if ranking.query_cut:
            notes.append("the query is longer than the retriever's window: only its start was read in stage one")
        if ranking.truncated:
            notes.append(f"{ranking.truncated} passages of the pool did not fit the reranker's window")
        return _joined(notes)


def _joined(notes: Sequence[str]) -> str:
    return ". ".join(note[:1].upper() + note[1:] for note in notes) + ("." if notes else "")


def _passage(place: int, hit: Hit) -> FoundPassage:
    passage = hit.passage
    return FoundPassage(
        rank=place,
        id=passage.id,
        source=str(passage.metadata.get("source", passage.document_id)),
        title=passage.title,
        text=passage.text,
        start=passage.start,
        end=passage.end,
        score=hit.score,
        rerank_score=hit.rerank_score,
        retrieval_rank=hit.retrieval_rank,
        retrieval_score=hit.retrieval_score,
        metadata=dict(passage.metadata),
    )
