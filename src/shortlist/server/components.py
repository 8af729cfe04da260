"""The parts of a server, and the function that gives a route the parts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, cast

from fastapi import Request

from shortlist.collection import IndexedSource
from shortlist.protocols import Encoder
from shortlist.redaction import Names
from shortlist.search.context import ContextParts
from shortlist.search.search import Search
from shortlist.server.access import Collections
from shortlist.server.batching.embedder import Embedder
from shortlist.server.batching.progressive import ProgressiveQueue
from shortlist.server.batching.scorer import Scorer
from shortlist.server.middleware.observer import Observer
from shortlist.server.middleware.tracing import RerankSpans
from shortlist.server.options import RequestLimits
from shortlist.types import Passage


class FindsPassages(Protocol):
    """An index, or several, of which passages are read by id."""

    def get(self, ids: Sequence[str]) -> list[Passage]:
        """Return the passages with these ids, in the order given, without the unknown ones."""

    def __len__(self) -> int:
        """The number of passages."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Components:
    """The parts of a server. If a part is None, its routes answer with 503.

    Args:
        scorer: Scores the texts of rerank requests and of searches.
        search: Retrieves and ranks the pools of searches. It has the same reranker as `scorer`.
        encoder: Makes embeddings.
        embedder: The queue in front of `encoder`. None: a thread embeds each request separately.
        progressive: The queue of progressive searches. None: a thread runs each search separately.
        collections: The names of what is searched. None: there is no search, or it has no name.
        index: Finds the passages of `/why` by id. None: they are found among the hits of the query.
        context_parts: What makes the context of a search. None: the parts of `search`.
        sources: Lists the sources of the index. None: there is no index.
        retriever: The name of a retriever without an index, for the page; without its place, which may be a folder.
        passages: The number of passages of a search without `index`, if it is known.
        retrieve_seconds: The limit of the time of stage one. None: no limit.
        effort_under_load: The effort level of searches under load; None: load changes nothing.
        load: Returns the passages that wait for a score, and the measured passages a second, 0 if unknown.
        limits: The limits of one request.
        labels: The text of a judged query -> passage id -> grade.
        names: The names of sources that answers show.
        observer: Receives the numbers of searches.
        spans: Makes a span for each rerank.
        alive: Returns whether the threads that run the models are alive.
        close: Finishes the accepted requests, and ends the threads.
    """

    scorer: Scorer | None = None
    search: Search | None = None
    encoder: Encoder | None = None
    embedder: Embedder | None = None
    progressive: ProgressiveQueue | None = None
    collections: Collections | None = None
    index: FindsPassages | None = None
    context_parts: ContextParts | None = None
    sources: Callable[[], Sequence[IndexedSource]] | None = None
    retriever: str | None = None
    passages: int | None = None
    retrieve_seconds: float | None = None
    effort_under_load: str | None = None
    load: Callable[[], tuple[int, float]] | None = None
    limits: RequestLimits = field(default_factory=RequestLimits)
    labels: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    names: Names = field(default_factory=Names)
    observer: Observer = field(default_factory=Observer)
    spans: RerankSpans = field(default_factory=RerankSpans)
    alive: Callable[[], bool] = lambda: True
    close: Callable[[], None] = lambda: None

    def sees(self, passage_id: str) -> bool:
        """Return whether the key of the current request may read this passage. See `Collections.sees`."""
        return self.collections is None or self.collections.sees(passage_id)


def components_of(request: Request) -> Components:
    """Return the parts of the server that received the request."""
    return cast("Components", request.app.state.components)
