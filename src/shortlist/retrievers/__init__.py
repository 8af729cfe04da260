"""Stage one over an index or a store: a query to a ranked pool of passages, by vectors, by words, or by both."""

from shortlist.retrievers.dense import Dense
from shortlist.retrievers.hybrid import Hybrid
from shortlist.retrievers.lexical import Lexical

__all__ = ["Dense", "Hybrid", "Lexical"]
