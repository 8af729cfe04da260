"""Search and rerank as tools for agents."""

from shortlist.mcp.server import make_server, require_sdk
from shortlist.mcp.tools import MAX_DOCUMENTS, MAX_POOL, Tools, check_documents, given_options, passages_found, reranked

__all__ = [
    "MAX_DOCUMENTS",
    "MAX_POOL",
    "Tools",
    "check_documents",
    "given_options",
    "make_server",
    "passages_found",
    "require_sdk",
    "reranked",
]
