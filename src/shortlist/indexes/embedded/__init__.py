"""The embedded index: Qdrant Edge in this process, dense vectors and BM25 in one shard."""

from shortlist.collection.diagnose import why_nothing
from shortlist.collection.ledger import FILE as LEDGER_FILE
from shortlist.collection.ledger import Entry, Ledger
from shortlist.collection.removal import drop
from shortlist.indexes.embedded.index import EmbeddedIndex

__all__ = ["LEDGER_FILE", "EmbeddedIndex", "Entry", "Ledger", "drop", "why_nothing"]
