"""The embedded index: Qdrant Edge in this process, dense vectors and BM25 in one shard."""

from shortlist.indexes.embedded.index import EmbeddedIndex
from shortlist.indexes.embedded.ledger import Entry, Ledger
from shortlist.indexes.embedded.nothing import why_nothing

__all__ = ["EmbeddedIndex", "Entry", "Ledger", "why_nothing"]
