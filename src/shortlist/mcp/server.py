"""The tools over the Model Context Protocol (https://modelcontextprotocol.io)."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from shortlist.errors import MissingExtra, ShortlistError
from shortlist.mcp.tools import RerankAnswer, SearchAnswer, Tools
from shortlist.types import Value

if TYPE_CHECKING:
    from mcp.server import MCPServer
    from mcp.server.mcpserver.tools.base import Tool

Answer = TypeVar("Answer")

INSTRUCTIONS = (
    "Searches a local collection of passages in two stages: a retriever fills a pool, and a cross-encoder orders it. "
    "Scores order the passages of one answer; they are no probabilities and do not compare between queries. "
    "Cite passages by their source."
)
SEARCH = (
    "Find the passages that answer a query, best first. Ask in full sentences: the reranker reads query and passage "
    "together. A larger pool_size (at most 1000) finds more and takes longer; k is how many passages come back, at "
    "most pool_size. where keeps passages whose metadata fields equal a value, or one of a list of values. Read note "
    "first: it says when nothing matched, when passages were left out, or when the answer was not reranked."
)
RERANK = (
    "Order candidate texts, from any source, by how well each answers the query. Gives each candidate's place in the "
    "list that came in and its raw score (a logit, higher is better), best first."
)


def require_sdk() -> None:
    """Checks that the official SDK is there.

    Raises:
        MissingExtra: It is not, or is older than version 2.
    """
    try:
        from mcp.server import MCPServer  # noqa: F401
    except ImportError as error:
        raise MissingExtra("shortlist mcp", "mcp") from error


def make_server(tools: Tools, version: str) -> MCPServer:
    """A server with the tools `search` and `rerank`; `run()` on it speaks over standard input and output.

    Errors that shortlist raises on purpose come back as the tool's error, for the model to read.

    Raises:
        MissingExtra: The SDK is not installed.
    """
    require_sdk()
    from mcp.server import MCPServer

    def search(
        query: str,
        k: int | None = None,
        pool_size: int | None = None,
        where: dict[str, Value | list[Value]] | None = None,
    ) -> SearchAnswer:
        return _told(lambda: tools.search(query, k, pool_size, where))

    def rerank(query: str, candidates: list[str], k: int | None = None) -> RerankAnswer:
        return _told(lambda: tools.rerank(query, candidates, k))

    offered = [_strict(search, "Search the index", SEARCH), _strict(rerank, "Rerank candidates", RERANK)]
    return MCPServer("shortlist", instructions=INSTRUCTIONS, version=version, log_level="WARNING", tools=offered)


def _strict(tool: Callable[..., object], title: str, description: str) -> Tool:
    """The tool with an error for arguments that it does not have; the SDK passes them over."""
    from mcp.server.mcpserver.tools.base import Tool
    from mcp.types import ToolAnnotations

    reads = ToolAnnotations(read_only_hint=True, idempotent_hint=True, open_world_hint=False)
    made = Tool.from_function(tool, title=title, description=description, annotations=reads)
    arguments = made.fn_metadata.arg_model
    arguments.model_config["extra"] = "forbid"
    arguments.model_rebuild(force=True)
    return made.model_copy(update={"parameters": arguments.model_json_schema(by_alias=True)})


def _told(ask: Callable[[], Answer]) -> Answer:
    from mcp.server.mcpserver.exceptions import ToolError

    try:
        return ask()
    except ShortlistError as error:
        raise ToolError(str(error)) from error
