"""An index on a Qdrant server or cluster: the passages in one collection, and the ledger in a second one."""

from shortlist.indexes.qdrant.engine import QdrantEngine

__all__ = ["QdrantEngine"]
