"""Search and rerank as tools for agents."""

from shortlist.mcp.server import make_server, require_sdk
from shortlist.mcp.tools import MOST_CANDIDATES, MOST_POOL, Tools

__all__ = ["MOST_CANDIDATES", "MOST_POOL", "Tools", "make_server", "require_sdk"]
