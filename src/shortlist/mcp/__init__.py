"""Search, explain and rerank as tools for agents."""

from shortlist.mcp.explaining import explained, pair_of, pool_config
from shortlist.mcp.server import make_server, require_sdk
from shortlist.mcp.sources import NO_SOURCES, check_page, listed
from shortlist.mcp.tools import MAX_DOCUMENTS, MAX_POOL, Tools, check_documents, given_options, passages_found, reranked

__all__ = [
    "MAX_DOCUMENTS",
    "MAX_POOL",
    "NO_SOURCES",
    "Tools",
    "check_documents",
    "check_page",
    "explained",
    "given_options",
    "listed",
    "make_server",
    "pair_of",
    "passages_found",
    "pool_config",
    "require_sdk",
    "reranked",
]
