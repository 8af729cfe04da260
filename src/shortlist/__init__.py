"""shortlist: retrieve wide, rerank the pool, keep the few you use."""

__version__ = "0.1.0"
