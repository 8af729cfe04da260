"""`Searches`: the methods `search` and `context` of a `Search` and of an open index."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from shortlist.search.context import Context, ContextOptions, ContextParts, context_of
from shortlist.search.query_texts import query_texts
from shortlist.types import Filter, Hit, PoolSize, Ranking

if TYPE_CHECKING:
    from shortlist.search.search import Search


class Searches:
    """An object with the methods `search` and `context`: a `Search` or an open index."""

    __slots__ = ()

    @property
    def searcher(self) -> Search:
        """The `Search` that answers."""
        raise NotImplementedError

    @property
    def context_parts(self) -> ContextParts:
        """What reads the passages around hits, and counts tokens."""
        raise NotImplementedError

    def context(
        self,
        hits: Ranking | Sequence[Hit],
        *,
        neighbours: int = 0,
        section: bool = False,
        budget_tokens: int | None = None,
    ) -> Context:
        """Return the hits, and the passages around them, as one text for a prompt. See `search.context.context_of`.

        Args:
            hits: A ranking of this search, or some of its hits. No hits give an empty context.
            neighbours: The passages before and after each hit, on each side, 0 to 20.
            section: The passages around each hit with the same heading path: its whole section.
            budget_tokens: The most tokens of the text. None: no limit.

        Raises:
            InvalidInput: A value that cannot be used, both `neighbours` and `section`, or a budget too small for a
                word; passages around hits are wanted, and the retriever does not know them.
        """
        return context_of(hits, ContextOptions(neighbours, section, budget_tokens), self.context_parts)

    def search(  # noqa: PLR0913 - one parameter a setting
        self,
        query: str,
        *,
        top_k: int | None = None,
        pool_size: PoolSize | None = None,
        effort: str | None = None,
        where: Filter | None = None,
        min_score: float | None = None,
        min_probability: float | None = None,
        rerank: bool | None = None,
        blend: float | None = None,
        progressive: bool | None = None,
        tail: bool | None = None,
        duplicates: bool | None = None,
        per_document: int | None = None,
        mmr: float | None = None,
        gate: bool | None = None,
        expand: str | None = None,
        queries: Sequence[str] | None = None,
        rerank_query: str | None = None,
    ) -> Ranking:
        """Return the `top_k` best passages of the pool. See `SearchConfig` for each argument; None takes its value.

        `where` is a filter on metadata: a mapping such as {"year": 2024, "price": {"lt": 100}}, see `types.Where`, or
        texts such as "price<100", see `search.filters.where_of`.

        `rerank_query` is the text that the reranker reads in place of the query. Stage one still gets the query, and
        the signals and weights of the final score are those of the query. `queries` are further phrasings: stage one
        searches for each of them, and fuses all pools by reciprocal rank. Each signal of a hit is then the highest one.

        Raises:
            InvalidInput: An empty query, or settings that cannot be used, or that contradict each other.
            RetrieverFailed: A retriever of your own raised an error, or returned rows that cannot be used.
            NotFitted: A stored rule or curve is needed, and it is missing or was fitted for something else.
            BadScores: The reranker returned a wrong count, NaN, infinity, or something that is not a number.
        """
        given = {
            "top_k": top_k,
            "pool_size": pool_size,
            "effort": effort,
            "min_score": min_score,
            "min_probability": min_probability,
            "rerank": rerank,
            "blend": blend,
            "progressive": progressive,
            "tail": tail,
            "duplicates": duplicates,
            "per_document": per_document,
            "mmr": mmr,
            "gate": gate,
            "expand": expand,
        }
        searcher, texts = self.searcher, query_texts(query, queries, rerank_query)
        return searcher.run(texts, where=where, config=searcher.configured(given))
