"""Search and rerank as tools for agents."""

from shortlist.mcp.server import make_server, require_sdk
from shortlist.mcp.tools import MAX_DOCUMENTS, MAX_POOL, Tools

__all__ = ["MAX_DOCUMENTS", "MAX_POOL", "Tools", "make_server", "require_sdk"]
