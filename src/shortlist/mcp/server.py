"""The tools over the Model Context Protocol (https://modelcontextprotocol.io)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from inspect import iscoroutinefunction
from typing import TYPE_CHECKING, Any, Literal, Protocol

from shortlist.config.search_config import PER_SEARCH
from shortlist.errors import MissingExtra, ShortlistError
from shortlist.search.query_texts import QueryTexts
from shortlist.types import Filter, Value

if TYPE_CHECKING:
    from mcp.server import MCPServer

Answer = dict[str, Any]


class Toolset(Protocol):
    """What the tools do. The methods may be coroutines; others run in a thread."""

    @property
    def search(
        self,
    ) -> Callable[[QueryTexts, Filter | None, dict[str, Any], list[str] | None], Answer | Awaitable[Answer]]:
        """From the texts of a search, a filter, settings and names of collections to an answer."""

    @property
    def rerank(self) -> Callable[[str, list[str], int | None], Answer | Awaitable[Answer]]:
        """From a query, documents and the number of results to an answer."""

    @property
    def passage(self) -> Callable[[str, int], Answer | Awaitable[Answer]]:
        """From the id of a passage, and the number of neighbours, to these passages."""

    @property
    def explain(self) -> Callable[[str, str, str | None], Answer | Awaitable[Answer]]:
        """From a query and the id of a passage, and maybe of another one, to its rank and the effect of each word."""

    @property
    def sources(self) -> Callable[[int, int, str | None], Answer | Awaitable[Answer]]:
        """From the length and the start of a page, and maybe a part of the names, to sources."""

    def message(self, error: ShortlistError) -> str:
        """Return the message of an error for the agent."""


INSTRUCTIONS = (
    "Searches a local collection of passages in two stages: a retriever collects a pool of passages, and a reranker "
    "orders it. Scores order the passages of one answer. They are no probabilities and do not compare between "
    "queries. Cite passages by their source."
)
SEARCH = (
    "Find the passages that answer a query, best first. Ask in full sentences: the reranker reads query and passage "
    "together. Read the messages of `notes` first: they report that nothing matched, that passages were left out, or "
    "that the answer was not reranked. Every option has a default. top_k: the number of passages to return. pool_size: "
    'the passages that the reranker reads, 1 to 1000, or "auto"; a larger pool finds more and takes longer. '
    "effort: a stored level in place of pool_size. where: a "
    'filter on metadata, as conditions such as ["year=2024", "status!=retired", "price<100", "date>=2024-01-31", '
    '"sku^=AB- (the text starts so)", "city~=bern (any case)"], or as an object: each field equals a value, or one of '
    'a list, or meets operators such as {"price": {"gte": 10, "lt": 100}}. min_score and min_probability: leave out '
    "weaker passages. tail: continue below the pool in the retriever's order. blend: scale what the retriever's scores "
    "add. progressive: faster; only the promising part of the pool is scored to the end. rerank: false keeps the "
    "retriever's order. duplicates: true returns passages with the same text as hits of their own; by default, a hit "
    "lists their ids. per_document: the most hits of one document. mmr: varied hits, 1 (relevance alone) to 0. "
    "queries: other phrasings, whose pools join that of the query. rerank_query: the text that the reranker reads in "
    'place of the query. expand: "rm3" adds words of the first hits to the keyword search. gate: skip the reranker if '
    "the retriever is sure. collections: the names of the collections to search, if there are several; `collection` of "
    "a hit has its name."
)
PASSAGE = (
    "Read a passage again by the `id` of a hit, with the passages before and after it in the same document, in their "
    "order there. neighbours: their number on each side, 0 to 20."
)
EXPLAIN = (
    "Explain why a passage ranks where it does for a query. The answer has its rank and its scores in both stages, and "
    "for each word of the query the change of the score difference to another passage: positive favours the passage, "
    "negative the other. Use it if an expected passage is missing or low, to find the words to change. id: the `id` of "
    "a hit. other: the passage to compare with; by default the hit above it, or the second for the best hit."
)
SOURCES = (
    'List the sources of the index (files, or ":memory:" for documents without a file), sorted by name, with their '
    "numbers of documents and passages. limit: 1 to 1000 sources. offset: where to start; the answer has "
    "`next_offset`, null after the last page. contains: only sources with this text in their name, in any case. To "
    "search one source, use the filter `source` of the tool search."
)
RERANK = (
    "Order documents, from any source, by how well each answers the query, best first. Each result has the document's "
    "place in the given list, from 0, and its raw score; higher is better."
)


def require_sdk() -> None:
    """Check that the official SDK is installed.

    Raises:
        MissingExtra: The SDK is missing or older than version 2.
    """
    try:
        from mcp.server import MCPServer  # noqa: F401
    except ImportError as error:
        raise MissingExtra("shortlist mcp", "mcp") from error


def make_server(tools: Toolset, version: str) -> MCPServer:
    """Return a server with the five tools, for standard input and output or for HTTP.

    The errors of shortlist become errors of the tool, which the model can read.

    Raises:
        MissingExtra: The SDK is not installed.
    """
    require_sdk()
    from mcp.server import MCPServer

    from shortlist.mcp.checked import checked_tool

    async def rerank(query: str, documents: list[str], top_k: int | None = None) -> dict[str, Any]:
        return await _answered(tools, tools.rerank, query, documents, top_k)

    async def passage(id: str, neighbours: int = 1) -> dict[str, Any]:
        return await _answered(tools, tools.passage, id, neighbours)

    async def explain(query: str, id: str, other: str | None = None) -> dict[str, Any]:
        return await _answered(tools, tools.explain, query, id, other)

    async def sources(limit: int = 100, offset: int = 0, contains: str | None = None) -> dict[str, Any]:
        return await _answered(tools, tools.sources, limit, offset, contains)

    offered = [
        checked_tool(_search(tools), "Search the index", SEARCH),
        checked_tool(passage, "Read around a passage", PASSAGE),
        checked_tool(explain, "Explain a rank", EXPLAIN),
        checked_tool(sources, "List the sources", SOURCES),
        checked_tool(rerank, "Rerank documents", RERANK),
    ]
    return MCPServer("shortlist", instructions=INSTRUCTIONS, version=version, log_level="WARNING", tools=offered)


def _search(tools: Toolset) -> Callable[..., Awaitable[Answer]]:
    """Return the function of the tool `search`: its parameters are those of the tool."""

    async def search(  # noqa: PLR0913 - one parameter a setting
        query: str,
        top_k: int | None = None,
        pool_size: int | Literal["auto"] | None = None,
        effort: Literal["low", "mid", "high"] | None = None,
        where: dict[str, Value | list[Value] | dict[str, Value | list[Value]]] | str | list[str] | None = None,
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
        expand: Literal["rm3", "none"] | None = None,
        queries: list[str] | None = None,
        rerank_query: str | None = None,
        collections: list[str] | None = None,
    ) -> dict[str, Any]:
        arguments = locals()
        options = {name: arguments[name] for name in PER_SEARCH}
        texts = QueryTexts(query, tuple(queries or ()), rerank_query)
        return await _answered(tools, tools.search, texts, where, options, collections)

    return search


async def _answered(tools: Toolset, call: Callable[..., Any], *arguments: object) -> Answer:
    from anyio.to_thread import run_sync
    from mcp.server.mcpserver.exceptions import ToolError

    try:
        answer: Answer = await call(*arguments) if iscoroutinefunction(call) else await run_sync(call, *arguments)
    except ShortlistError as error:
        raise ToolError(tools.message(error)) from error
    return answer
