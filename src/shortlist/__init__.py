"""shortlist: retrieve wide, rerank the pool, keep the few you use."""

from shortlist.collection import Contents, add, add_documents, contents, remove
from shortlist.collection.ingest import IngestReport
from shortlist.errors import ShortlistError
from shortlist.registry import OpenIndex, Settings, load_encoder, load_reranker
from shortlist.registry import open_index as open
from shortlist.rerankers.cross_encoder import CrossEncoder
from shortlist.search.pipeline import Shortlist
from shortlist.search.rerank import Reranked, rerank
from shortlist.types import Document, Hit, Passage, Ranking

__version__ = "0.1.0"

__all__ = [
    "Contents",
    "CrossEncoder",
    "Document",
    "Hit",
    "IngestReport",
    "OpenIndex",
    "Passage",
    "Ranking",
    "Reranked",
    "Settings",
    "Shortlist",
    "ShortlistError",
    "add",
    "add_documents",
    "contents",
    "load_encoder",
    "load_reranker",
    "open",
    "remove",
    "rerank",
]
