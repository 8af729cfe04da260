"""BM25 as sparse vectors: the weights of a passage's terms and of a query's terms."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple
from zlib import crc32

from shortlist.text.terms.analyzer import Analyzer

TERM_SATURATION, LENGTH_WEIGHT = 1.2, 0.75
"""The parameters k1 and b."""

UNKNOWN_LENGTH = 100.0
SAMPLE = 256
"""The number of first passages on which an index measures the mean length."""


class SparseVector(NamedTuple):
    """A sparse vector: the numbers of its dimensions, ascending and distinct, and the value of each."""

    indices: list[int]
    values: list[float]


class Bm25:
    """Makes the sparse vectors of BM25. Safe to call from several threads.

    The BM25 score is the dot product of both vectors, with each dimension weighted by the inverse document frequency
    ln(1 + (N - n + 0.5) / (n + 0.5)): N passages, n of them with the term. The engine computes this weight. Every
    engine must use this class for passages and for queries, with the language and the mean length of its index.

    Args:
        language: The language of the texts: see `checked_language`.
        average_length: The mean of `length` over passages; 0 if it is unknown.

    Raises:
        InvalidInput: The language is unknown.

    Source:
        Robertson and Zaragoza, "The Probabilistic Relevance Framework: BM25 and Beyond", 2009; the inverse document
        frequency is that of Lucene.
    """

    def __init__(self, language: str, average_length: float = 0.0) -> None:
        self.average_length = average_length or UNKNOWN_LENGTH
        self._analyzer = Analyzer(language)

    @property
    def language(self) -> str:
        """The language of the texts."""
        return self._analyzer.language

    def length(self, text: str) -> int:
        """Return the length of a passage in words, without stop words."""
        return self._analyzer.passage(text).length

    def passage(self, text: str) -> SparseVector:
        """Return the vector of a passage. A text without letters and digits gives an empty one."""
        counts, length = self._analyzer.passage(text)
        norm = TERM_SATURATION * (1.0 - LENGTH_WEIGHT + LENGTH_WEIGHT * length / self.average_length)
        scale = TERM_SATURATION + 1.0
        return _vector({term: count * scale / (count + norm) for term, count in counts.items()})

    def query(self, text: str) -> SparseVector:
        """Return the vector of a query. A text without letters and digits gives an empty one."""
        return self.weighted(self.terms(text))

    def terms(self, text: str) -> dict[str, float]:
        """Return the terms of a query with their weights, without stop words if it has other words."""
        return self._analyzer.query(text)

    def weighted(self, terms: Mapping[str, float]) -> SparseVector:
        """Return the vector of a query that has these terms with these weights."""
        return _vector(terms)


def mean_length(bm25: Bm25, texts: Iterable[str]) -> float:
    """Return the mean length of passages in words, at least 1, to one decimal. No texts give 1."""
    lengths = [bm25.length(text) for text in texts]
    return max(1.0, round(sum(lengths) / max(1, len(lengths)), 1))


def _vector(weights: Mapping[str, float]) -> SparseVector:
    """Return the vector whose dimensions are the hashes of the terms. Terms with one hash share a dimension."""
    dimensions: dict[int, float] = {}
    for term, weight in weights.items():
        dimension = crc32(term.encode())
        dimensions[dimension] = dimensions.get(dimension, 0.0) + weight
    indices = sorted(dimensions)
    return SparseVector(indices, [dimensions[index] for index in indices])
