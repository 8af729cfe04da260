"""Pairs to scores for many requests at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from shortlist.errors import InvalidInput
from shortlist.inference.batches import Tokens
from shortlist.protocols import Reranker
from shortlist.search.pipeline import checked_scores, score_texts

THREADS = 40
"""How many requests an `InlineScorer` works on at a time."""


@dataclass(frozen=True, slots=True)
class Scored:
    """Raw scores in the order of the texts, which texts were cut, and tokens read in all.

    Scores are in the reranker's own unit, higher is better. `tokens` counts those of every pair, special tokens and the
    repeated query included; 0 when the reranker can't say. `lengths` holds them pair by pair where they are known one
    by one, else nothing.
    """

    scores: list[float]
    truncated: list[bool]
    tokens: int
    lengths: Sequence[int] = ()


class Scorer(Protocol):
    """The reranker as the routes see it. `name` is the model's id."""

    @property
    def name(self) -> str:
        """The model's id."""

    @property
    def reranker(self) -> Reranker:
        """What scores in the end, to be asked for its unit and whether it is pointwise; score through this object."""

    async def score(self, query: str, texts: Sequence[str], *, max_tokens: int | None = None) -> Scored:
        """One raw score a text; no texts give none. `max_tokens` caps each text. Never blocks the event loop.

        Raises:
            InvalidInput: An empty query, or a `max_tokens` that can't be kept.
            QueryTooLong: A query that leaves no room for a passage.
            QueueFull: Too much is waiting.
            BadScores: The reranker returned NaN, infinity or a wrong count.
        """


@runtime_checkable
class ReadsPairs(Protocol):
    """A reranker that tokenises and scores in two steps, as `CrossEncoder` does."""

    def pairs(
        self, query: str, texts: Sequence[str], *, max_tokens: int | None = None
    ) -> tuple[list[Tokens], list[bool]]:
        """The tokens of each pair and which texts were cut."""

    def score_pairs(self, pairs: Sequence[Tokens]) -> list[float]:
        """One raw score a pair, also of different queries."""


class InlineScorer:
    """Satisfies `Scorer`: each request runs by itself in a thread. The reranker must be safe to call from several.

    The threads are its own: `/why` holds one of the server's while it waits for a score. A caller that gives up gets
    away at once; its thread ends with the work it has.
    """

    def __init__(self, reranker: Reranker) -> None:
        self._reranker = reranker
        self._threads = ThreadPoolExecutor(THREADS, "shortlist-inline")

    @property
    def name(self) -> str:
        """The model's id."""
        return self._reranker.name

    @property
    def reranker(self) -> Reranker:
        """See `Scorer.reranker`."""
        return self._reranker

    async def score(self, query: str, texts: Sequence[str], *, max_tokens: int | None = None) -> Scored:
        """See `Scorer.score`."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, score_now, self._reranker, query, texts, max_tokens)


def score_now(reranker: Reranker, query: str, texts: Sequence[str], max_tokens: int | None = None) -> Scored:
    """As `Scorer.score`, at once and in this thread."""
    if not query.strip():
        raise InvalidInput("the query is empty: give at least one word")
    if isinstance(reranker, ReadsPairs):
        pairs, cut = reranker.pairs(query, texts, max_tokens=max_tokens)
        scores = checked_scores(reranker, reranker.score_pairs(pairs), texts)
        lengths = [len(pair.ids) for pair in pairs]
        return Scored(scores, cut, sum(lengths), lengths)
    check_cap(texts, max_tokens)
    scores, cut = score_texts(reranker, query, texts)
    return Scored(scores, cut, 0)


def check_cap(texts: Sequence[str], max_tokens: int | None) -> None:
    """For rerankers that can't cap passages: fine where a cap has nothing to cut.

    Raises:
        InvalidInput: A text may be longer than `max_tokens`. No tokenizer makes more tokens than a text has bytes.
    """
    if max_tokens is not None and any(len(text.encode("utf-8", "surrogatepass")) > max_tokens for text in texts):
        raise InvalidInput(f"this reranker can't cap passages at {max_tokens} tokens: leave the cap out")
