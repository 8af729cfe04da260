"""The embedded index: Qdrant Edge in this process, dense vectors and BM25 in one shard."""

from shortlist.indexes.embedded.index import EmbeddedIndex
from shortlist.indexes.embedded.ledger import FILE as LEDGER_FILE
from shortlist.indexes.embedded.ledger import Entry, Ledger
from shortlist.indexes.embedded.nothing import why_nothing
from shortlist.indexes.embedded.removal import drop

__all__ = ["LEDGER_FILE", "EmbeddedIndex", "Entry", "Ledger", "drop", "why_nothing"]
