"""Programs as users write them. `make check` reads this file with `mypy --strict`: every line must have a fitting type.

No test runs it. It has the calls of the documentation that a type checker rejected once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import shortlist as sl


def by_words(query: str, k: int) -> list[tuple[str, str, float]]:
    """Return rows of id, text and score."""
    return [("tax", "Income tax is due in April.", 1.0)][:k]


async def by_words_later(query: str, k: int) -> list[dict[str, object]]:
    """Return rows as mappings, from an async client."""
    rows: list[dict[str, object]] = [{"id": "tax", "text": "Income tax is due in April."}]
    return rows[:k]


class ByLength:
    """A reranker of one's own has one method."""

    def score(self, query: str, texts: Sequence[str]) -> list[float]:
        """Return the lengths of the texts."""
        return [float(len(text)) for text in texts]


class ByModel:
    """A reranker over a model that returns an array, which tells that its scores do not depend on the pool."""

    info = sl.RerankerInfo("by-model", pointwise=True)

    def score(self, query: str, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return an array of scores."""
        return np.ones(len(texts), np.float32)


def searches(vector_store: object) -> list[sl.Search]:
    """Return searches over each kind of retriever, with each kind of reranker."""
    reranker, encoder = sl.load_reranker(), sl.load_encoder()
    return [
        sl.Search(by_words),
        sl.Search(by_words, reranker),
        sl.Search(by_words_later, ByLength()),
        sl.Search(vector_store, ByModel()),
        sl.Search(sl.EncodedPool(by_words, encoder), reranker, sl.SearchConfig(pool_size=20)),
        sl.Search(sl.from_function(by_words, lower_is_better=True), reranker, weights={"distance": 1.0}),
    ]


def filtered(search: sl.Search, tags: list[str], years: tuple[int, ...], limits: dict[str, float]) -> list[sl.Ranking]:
    """Return answers with every form of filter."""
    return [
        search.search("tax", where={"tags": tags, "year": years, "lang": {"de", "en"}}),
        search.search("tax", where={"price": limits, "lang": {"nin": tags}}),
        search.search("tax", where=["price<100", "date>=2024-01-01"]),
        search.search("tax", where="price<100"),
    ]


def reranked(documents: list[dict[str, str]]) -> list[sl.Ranked]:
    """Return documents in the order of several rerankers."""
    best = sl.rerank("tax", documents, top_k=1, reranker=ByLength(), pool_encoder="all-MiniLM-L6-v2")
    return [*best, *sl.load_reranker().rank("tax", documents, top_k=1)]


def opened(rows: list[dict[str, str]]) -> list[str]:
    """Return the texts of hits, from each kind of place."""
    with sl.open(Path("my-index"), create=True, reranker=ByLength()) as index:
        index.add(rows)
        ranking = index.search("tax", top_k=3, pool_size="auto")
        context = index.context(ranking[:2], neighbours=1, budget_tokens=100)
    with sl.open(["my-index", "faq"], boosts={"faq": 0.5}, reranker=ByModel()) as both:
        more = both.within(["faq"]).search("tax")
    return [context.text, *(hit.text for hit in (*ranking, *more))]


async def many(search: sl.Search, queries: list[str]) -> list[sl.Ranking]:
    """Return the answers to several queries, each in a thread."""
    return await asyncio.gather(*(asyncio.to_thread(search.search, query, top_k=3) for query in queries))
