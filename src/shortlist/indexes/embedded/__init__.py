"""The embedded index: Qdrant Edge in this process, with dense vectors and BM25 in one shard."""

from shortlist.indexes.embedded.index import EmbeddedEngine, EmbeddedIndex

__all__ = ["EmbeddedEngine", "EmbeddedIndex"]
