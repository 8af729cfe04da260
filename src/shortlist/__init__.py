"""shortlist: retrieve wide, rerank the pool, keep the few you use.

Every name below is imported when it is first used, so `import shortlist` is fast.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from shortlist.api import asgi, calibrate, evaluate, html_report, rerank, tune
    from shortlist.config import SearchConfig
    from shortlist.documents.options import ReadOptions
    from shortlist.errors import ShortlistError
    from shortlist.evaluation.query_sets import QuerySet
    from shortlist.foreign import OpenRetriever
    from shortlist.index import OpenIndex
    from shortlist.learning import adapt
    from shortlist.opening import copy_index
    from shortlist.opening import open_by_name as open
    from shortlist.registry import load_encoder, load_reranker, load_retriever
    from shortlist.rerankers.cross_encoder import CrossEncoder
    from shortlist.search.encoded_pool import EncodedPool
    from shortlist.search.ranked import Ranked
    from shortlist.search.retriever import from_function
    from shortlist.search.search import Search
    from shortlist.types import Document, Hit, Note, Passage, Ranking, RerankerInfo
    from shortlist.watching import watch

__version__ = "0.2.0"

_PLACES = {
    "CrossEncoder": "rerankers.cross_encoder",
    "Document": "types",
    "EncodedPool": "search.encoded_pool",
    "Hit": "types",
    "Note": "types",
    "OpenIndex": "index",
    "OpenRetriever": "foreign",
    "Passage": "types",
    "QuerySet": "evaluation.query_sets",
    "Ranked": "search.ranked",
    "Ranking": "types",
    "ReadOptions": "documents.options",
    "RerankerInfo": "types",
    "Search": "search.search",
    "SearchConfig": "config",
    "ShortlistError": "errors",
    "adapt": "learning",
    "asgi": "api",
    "calibrate": "api",
    "copy_index": "opening",
    "evaluate": "api",
    "from_function": "search.retriever",
    "html_report": "api",
    "load_encoder": "registry",
    "load_reranker": "registry",
    "load_retriever": "registry",
    "open": "opening",
    "rerank": "api",
    "tune": "api",
    "watch": "watching",
}
"""Public name -> the module that defines it."""

__all__ = [
    "CrossEncoder",
    "Document",
    "EncodedPool",
    "Hit",
    "Note",
    "OpenIndex",
    "OpenRetriever",
    "Passage",
    "QuerySet",
    "Ranked",
    "Ranking",
    "ReadOptions",
    "RerankerInfo",
    "Search",
    "SearchConfig",
    "ShortlistError",
    "adapt",
    "asgi",
    "calibrate",
    "copy_index",
    "evaluate",
    "from_function",
    "html_report",
    "load_encoder",
    "load_reranker",
    "load_retriever",
    "open",
    "rerank",
    "tune",
    "watch",
]


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module 'shortlist' has no attribute {name!r}")
    value = getattr(import_module(f"shortlist.{_PLACES[name]}"), "open_by_name" if name == "open" else name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
