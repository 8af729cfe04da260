"""BM25 of an engine that stores sparse vectors: for a text, and for weighted terms."""

from __future__ import annotations

from collections.abc import Mapping

from shortlist.text.terms.bm25 import Bm25, SparseVector
from shortlist.types import Passage, Where


class WordSearch:
    """The search by BM25 of an engine. The engine searches by the sparse vector. Satisfies `protocols.MatchesTerms`."""

    _bm25: Bm25

    def matching(self, text: str, k: int, where: Where | None = None) -> list[tuple[Passage, float]]:
        """Return at most `k` passages by BM25 for `text`, highest first, and equal scores by id.

        Each passage shares at least one term with the text. A term that is several times in `text` counts as often, as
        in Lucene and bm25s. A text without letters and digits gives no passages.

        Raises:
            InvalidInput: `k` is below 1, or `where` cannot be used.
        """
        return self._matching(self._bm25.query(text), k, where)

    def terms_of(self, text: str) -> dict[str, float]:
        """Return the terms of a text with their weights, without stop words, as a search for the text weights them."""
        return self._bm25.terms(text)

    def matching_terms(
        self, terms: Mapping[str, float], k: int, where: Where | None = None
    ) -> list[tuple[Passage, float]]:
        """As `matching`, for weighted terms."""
        return self._matching(self._bm25.weighted(terms), k, where)

    def _matching(self, terms: SparseVector, k: int, where: Where | None) -> list[tuple[Passage, float]]:
        raise NotImplementedError
