"""The models behind the queues of the server, and two passages compared through them: for `/why` and `explain`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

import numpy as np
from anyio import CapacityLimiter, from_thread
from anyio.to_thread import run_sync
from numpy.typing import NDArray

from shortlist.protocols import Encoder
from shortlist.search.explain import Explanation, StageOne, explain, order_score
from shortlist.search.pool import known_pool_size, retrieved
from shortlist.search.scores import info_of, skip_note
from shortlist.server.batching.embedder import Embedder, EmbedRequest
from shortlist.server.batching.scorer import Scorer
from shortlist.server.components import Components
from shortlist.server.problems import Kind, Problem
from shortlist.server.searching import searcher_of
from shortlist.types import Note, Passage, RerankerInfo, Scores

T = TypeVar("T")

DEPTH = 100
"""The least number of hits in which a passage is looked for by its id, without an index."""


class ThroughScorer:
    """A reranker for a worker thread: every call goes through the server's scorer and its queue.

    A cancelled request makes no more calls.
    """

    def __init__(self, scorer: Scorer) -> None:
        self._scorer = scorer

    @property
    def info(self) -> RerankerInfo:
        """See `Reranker.info`."""
        return info_of(self._scorer.reranker)

    def skip_reason(self, query: str) -> Note | None:
        """See `SkipsQueries.skip_reason`."""
        return skip_note(self._scorer.reranker, query)

    def score(self, query: str, texts: Sequence[str]) -> Scores:
        """See `Reranker.score`. Raises what the scorer raises."""
        from_thread.check_cancelled()
        scored = from_thread.run(self._scorer.score, query, texts)
        return Scores(scored.scores, scored.truncated)


class ThroughEmbedder:
    """An encoder for a worker thread: every text goes through the server's embedding queue by itself.

    A text beyond the bi-encoder's window is cut, as in a search. A cancelled request makes no more calls.
    """

    def __init__(self, embedder: Embedder, encoder: Encoder) -> None:
        self._embedder, self.name, self.dimension = embedder, encoder.name, encoder.dimension

    def encode_queries(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """See `Encoder.encode_queries`. Raises what the queue raises."""
        return self._encode(texts, query=True)

    def encode_passages(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """See `Encoder.encode_passages`. Raises what the queue raises."""
        return self._encode(texts, query=False)

    def _encode(self, texts: Sequence[str], *, query: bool) -> NDArray[np.float32]:
        return np.concatenate([self._vectors(text, query) for text in texts])

    def _vectors(self, text: str, query: bool) -> NDArray[np.float32]:
        from_thread.check_cancelled()
        request = EmbedRequest([text], "query" if query else "text", query=query, truncate=True)
        return from_thread.run(self._embedder.embed, request).vectors


async def compared_passages(components: Components, query: str, a: Passage, b: Passage) -> Explanation:
    """As `compared`, with the score by which stage one orders these passages, if the retriever tells it."""
    stage_one = None
    if components.search is not None:
        searcher = searcher_of(components)
        stage_one = order_score(searcher.retriever_at(), [a.id, b.id], known_pool_size(searcher.config))
    if stage_one is None:
        return await compared(components, query, a.content, b.content)
    _, scorer = both_models(components)
    in_turn = StageOne(stage_one.name, _one_at_a_time(stage_one))
    return await in_own_thread(explain, query, a.content, b.content, in_turn, ThroughScorer(scorer))


def _one_at_a_time(stage_one: StageOne) -> Callable[[Sequence[str]], Mapping[str, float]]:
    """Return the margins of one query after the other. A cancelled request searches no more."""

    def margins(queries: Sequence[str]) -> dict[str, float]:
        differences: dict[str, float] = {}
        for query in queries:
            from_thread.check_cancelled()
            differences |= stage_one.margins([query])
        return differences

    return margins


async def compared(components: Components, query: str, a: str, b: str) -> Explanation:
    """Return which words of the query put text `a` above text `b`. Every text goes through the queues of the server.

    Raises:
        Problem: The server has no bi-encoder or no reranker.
        InvalidInput, BadScores, QueueFull: As `explain` and the queues.
    """
    encoder, scorer = both_models(components)
    queued = encoder if components.embedder is None else ThroughEmbedder(components.embedder, encoder)
    return await in_own_thread(explain, query, a, b, queued, ThroughScorer(scorer))


async def in_own_thread(function: Callable[..., T], *arguments: object) -> T:
    """Return the result of the function, which runs in a thread of its own.

    The thread waits for the queues most of the time, so it must not count among the threads of other requests.
    """
    return await run_sync(function, *arguments, limiter=CapacityLimiter(1))


def both_models(components: Components) -> tuple[Encoder, Scorer]:
    """Return the bi-encoder and the scorer.

    Raises:
        Problem: The server lacks one of them.
    """
    if components.encoder is None or components.scorer is None:
        raise Problem(
            Kind.UNAVAILABLE,
            "the comparison needs a bi-encoder and a reranker, and this server lacks one of them",
        )
    return components.encoder, components.scorer


def passages_of(components: Components, query: str, shown: Sequence[str]) -> list[Passage]:
    """Return the passages with these ids of `/search`.

    Without an index, the passages are found among the hits of the query.
    """
    if components.index is not None:
        index, names = components.index, components.names
        readable = list(filter(components.sees, shown))
        passages = {key: matches[0] for key in readable if (matches := index.get(names.originals(key)))}
    elif components.search is not None:
        size, _ = components.search.config.sizes
        depth = max(DEPTH, size) if isinstance(size, int) else DEPTH
        hits = retrieved(searcher_of(components).retriever, query, depth)
        passages = {components.names.shown(hit.id): hit.passage for hit in reversed(hits)}
    else:
        raise Problem(Kind.NOT_FOUND, f"this server has no index to find {shown[0]!r} in: give text_a and text_b")
    missing = [key for key in shown if key not in passages]
    if missing:
        place = "the index has" if components.index is not None else "the hits of this query have"
        several = components.collections is not None and components.collections.several
        form = "with several collections, an id is COLLECTION:ID, and " if several else ""
        raise Problem(Kind.NOT_FOUND, f"{place} no passage {missing[0]!r}: {form}a hit of /search has its id")
    return [passages[key] for key in shown]
