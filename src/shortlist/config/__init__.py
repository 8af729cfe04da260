"""The settings of a search: `SearchConfig`, the file `shortlist.toml`, and the precedence of their values."""

from shortlist.config.file import FILE, read, write
from shortlist.config.given import check_loaded, checked_config
from shortlist.config.resolve import Resolved, resolve
from shortlist.config.search_config import POOL_SIZE, TOP_K, SearchConfig

__all__ = [
    "FILE",
    "POOL_SIZE",
    "TOP_K",
    "Resolved",
    "SearchConfig",
    "check_loaded",
    "checked_config",
    "read",
    "resolve",
    "write",
]
