"""The tools for agents over HTTP (MCP, streamable HTTP), in the process of the server.

The tools use the queues of the server, so that many agents share the models, and no agent holds the index. The answer
to a request is one JSON object. There are no sessions, so any of several servers behind a proxy can answer.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import version
from typing import Any

import anyio
from anyio.to_thread import run_sync
from fastapi import FastAPI

from shortlist.errors import InvalidInput, ShortlistError
from shortlist.mcp import (
    MAX_POOL,
    NO_SOURCES,
    check_documents,
    check_page,
    explained,
    given_options,
    listed,
    make_server,
    pair_of,
    passages_found,
    pool_config,
    reranked,
)
from shortlist.search.explain import check_words
from shortlist.search.filters import where_of
from shortlist.search.neighbours import with_neighbours
from shortlist.search.query_texts import QueryTexts
from shortlist.search.ranked import Ranked
from shortlist.server.components import Components
from shortlist.server.explaining import both_models, compared_passages
from shortlist.server.problems import Problem, problem_of
from shortlist.server.reranking import RerankRequest, rerank, scorer_of
from shortlist.server.searching import SearchCall, checked_texts_of, configured, search, searcher_of
from shortlist.types import Filter, Passage
from shortlist.wording import worded

PATH = "/mcp"


class ServedTools:
    """The tools over the parts of a server. See `shortlist.mcp.Tools` for the arguments and the answers."""

    def __init__(self, components: Components) -> None:
        self._components = components
        self._listing = anyio.Lock()  # one thread at a time may read the ledger

    async def search(
        self,
        query: str | QueryTexts,
        where: Filter | None,
        options: dict[str, Any],
        collections: list[str] | None = None,
    ) -> dict[str, Any]:
        """Return `Ranking.to_dict` with worded notes.

        Raises:
            InvalidInput: An empty or too long query, settings that cannot be used, or no index.
            NotFitted, StoreError, RetrieverFailed: As `Search.begin`.
        """
        components, names = self._components, self._components.names
        with _worded_problems():
            searcher = searcher_of(components, collections)
            texts = checked_texts_of(components, query)
            config = configured(components, given_options(options))
            fixed = options.get("pool_size") is not None
            call = SearchCall(texts, config, names.where(where_of(where)), fixed_pool=fixed)
            ranking, _ = await search(components, searcher, call)
        return worded(names.ranking(ranking))

    async def rerank(self, query: str, documents: list[str], top_k: int | None) -> dict[str, Any]:
        """Return the `top_k` best documents, or all, each with its place in `documents`.

        Raises:
            InvalidInput: An empty query, no documents or too many, or no reranker.
            ModelError, QueueFull: As `Scorer.score`.
        """
        check_documents(documents, top_k)
        components = self._components
        with _worded_problems():
            scorer = scorer_of(components)
            result = await rerank(components, RerankRequest(query, documents, top_n=top_k, raw=True))
        rows = zip(result.places, result.scores, result.cut, strict=True)
        results = [
            Ranked(place, score, documents[place], rank, cut, score)
            for rank, (place, score, cut) in enumerate(rows, start=1)
        ]
        return reranked(query, results, scorer.reranker, components.names)

    async def passage(self, id: str, neighbours: int) -> dict[str, Any]:
        """Return the passage with this id, and its neighbours in the document.

        Raises:
            InvalidInput: There is no such passage, `neighbours` is out of range, or the server has no index.
        """
        index, names = self._components.index, self._components.names
        if index is None:
            raise InvalidInput("this server cannot find passages by id: start it with --index DIR")

        if not self._components.sees(id):
            return passages_found(with_neighbours(lambda ids: [], id, neighbours))

        def read() -> list[Passage]:
            key = next((passage.id for passage in index.get(names.originals(id))), id)
            return with_neighbours(index.get, key, neighbours)

        return passages_found(list(map(names.passage, await run_sync(read))))

    async def explain(self, query: str, id: str, other: str | None) -> dict[str, Any]:
        """Return the rank of a passage in the pool, and the words that put it below or above another passage.

        Raises:
            InvalidInput: As `Tools.explain`, or the server has no index or lacks a model.
            ModelError, QueueFull: As `Scorer.score`.
        """
        components, names = self._components, self._components.names
        with _worded_problems():
            searcher = searcher_of(components)
            texts = checked_texts_of(components, query)
            check_words(query)
            both_models(components)
            config = pool_config(searcher, min(MAX_POOL, components.limits.max_documents))
            ranking, _ = await search(components, searcher, SearchCall(texts, config, fixed_pool=True))
            pair = await run_sync(pair_of, ranking, self._stored, names, id, other)
            explanation = await compared_passages(components, query, pair.passage, pair.other)
        return explained(pair, explanation, names)

    def _stored(self, ids: Sequence[str]) -> Mapping[str, Passage]:
        index = self._components.index
        readable = list(filter(self._components.sees, ids))
        return {} if index is None else {passage.id: passage for passage in index.get(readable)}

    async def sources(self, limit: int, offset: int, contains: str | None) -> dict[str, Any]:
        """Return a page of the sources of the index.

        Raises:
            InvalidInput: See `check_page`; or the server has no index.
        """
        check_page(limit, offset)
        components = self._components
        if components.sources is None:
            raise InvalidInput(NO_SOURCES.format(name=components.retriever or "this server"))
        async with self._listing:
            sources = await run_sync(components.sources)
        readable = [source for source in sources if components.sees(source.name)]
        return listed(readable, components.names, limit, offset, contains)

    def message(self, error: ShortlistError) -> str:
        """Return the message of an error for the agent."""
        return self._components.names.message(problem_of(error).message)


@contextlib.contextmanager
def _worded_problems() -> Iterator[None]:
    """Raise a problem of a request as InvalidInput, whose message the agent reads."""
    try:
        yield
    except Problem as problem:
        raise InvalidInput(problem.message, field=problem.field or None) from problem


def add_agents(app: FastAPI, components: Components) -> None:
    """Add the route `/mcp` to the application. `app.state.agents` becomes the context in which the route works.

    Raises:
        MissingExtra: The SDK is not installed.
    """
    server = make_server(ServedTools(components), version("shortlist"))
    from mcp.server.transport_security import TransportSecuritySettings

    served = server.streamable_http_app(
        streamable_http_path=PATH,
        json_response=True,
        stateless_http=True,
        max_request_body_size=components.limits.max_body,
        transport_security=TransportSecuritySettings(enable_dns_rebinding_protection=False),  # see `hosts`
    )
    app.router.routes += served.routes
    app.state.routes += served.routes
    app.state.agents = server.session_manager.run


def agents_of(app: FastAPI) -> contextlib.AbstractAsyncContextManager[None]:
    """Return the context in which `/mcp` works; without this route, a context that does nothing."""
    run: Any = getattr(app.state, "agents", None)
    return contextlib.nullcontext() if run is None else run()
