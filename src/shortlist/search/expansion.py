"""Query expansion: stage one searches for more than the words of the query."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from shortlist.attributes import is_attribute, load_attribute
from shortlist.errors import InvalidInput, RetrieverFailed, ShortlistError
from shortlist.protocols import ExpandsByFeedback, KeepsPrefix, Retriever
from shortlist.search.pool import Retrieved, notes_of, retrieved
from shortlist.search.several_queries import SeveralQueries
from shortlist.text.validation import checked_text
from shortlist.types import Note, Where

RM3 = "rm3"
"""The name of pseudo-relevance feedback by RM3: see `retrievers.feedback`."""
EXPANSIONS = f'"{RM3}", or a function as package.module:attribute'


def expanding(retriever: Retriever, expand: str | None) -> Retriever:
    """Return the retriever with this expansion of its queries. None, or the expansion that it has, changes nothing.

    Raises:
        InvalidInput: The expansion is unknown, the function cannot be loaded, or the retriever cannot expand its
            queries by RM3.
    """
    if expand is None or getattr(retriever, "expand", None) == expand:
        return retriever
    if expand == RM3:
        if isinstance(retriever, ExpandsByFeedback):
            return retriever.with_feedback()
        raise InvalidInput(
            f"expand: RM3 adds terms to BM25 of an index, and {type(retriever).__name__} has no such BM25: search an "
            "index with the retriever hybrid or bm25, or give a function as package.module:attribute",
            field="expand",
        )
    if not is_attribute(expand):
        raise InvalidInput(f"expand must be {EXPANSIONS}, not {expand!r:.80}", field="expand")
    function = load_attribute(expand)
    if not callable(function):
        raise InvalidInput(
            f"expand: {expand} is {function!r:.80}: name a function that returns a text or a list of texts for a query",
            field="expand",
        )
    return ExpandedByFunction(retriever, function, expand)


class ExpandedByFunction:
    """A retriever whose queries a function of the user's own expands.

    If the function returns a text, stage one searches for this text in place of the query. If the function returns a
    list of texts, stage one searches for the query and for each text, and fuses the pools: see `SeveralQueries`. The
    function is called once for each query. All pool sizes of a query therefore have the same expansion.
    """

    def __init__(self, retriever: Retriever, function: Callable[[str], Any], name: str) -> None:
        self._retriever, self._function = retriever, function
        self.expand = name
        self._texts: dict[str, str | list[str]] = {}

    @property
    def index(self) -> object:
        """The index or the store that the inner retriever searches, or None."""
        return getattr(self._retriever, "index", None)

    @property
    def prefix_depth(self) -> int:
        """See `protocols.KeepsPrefix`: that of several queries, because the function may return several."""
        return SeveralQueries(self._retriever, ()).prefix_depth if isinstance(self._retriever, KeepsPrefix) else 0

    def retrieve(self, query: str, k: int, where: Where | None = None) -> Retrieved:
        """Return at most `k` hits for the expanded query, with a note that has the expansion.

        Raises:
            RetrieverFailed: The function raised an error, or returned something other than a text or a list of texts.
        """
        texts = self._expanded(query)
        if isinstance(texts, str):
            hits, shown = retrieved(self._retriever, texts, k, where), [texts]
        else:
            hits, shown = SeveralQueries(self._retriever, texts).retrieve(query, k, where), texts
        note = Note("query_expanded", method=self.expand, terms=[text for text in shown if text != query])
        return Retrieved(hits, [*notes_of(hits), note])

    def _expanded(self, query: str) -> str | list[str]:
        if query not in self._texts:
            self._texts[query] = self._called(query)
        return self._texts[query]

    def _called(self, query: str) -> str | list[str]:
        try:
            texts = self._function(query)
        except ShortlistError:
            raise
        except Exception as error:  # code of the user's own may raise anything
            raise RetrieverFailed(f"expand: {self.expand} failed: {type(error).__name__}: {error}") from error
        several = isinstance(texts, Sequence) and not isinstance(texts, str | bytes)
        try:
            return [checked_text(text) for text in texts] if several else checked_text(texts)
        except InvalidInput as error:
            raise RetrieverFailed(
                f"expand: {self.expand} returned {texts!r:.80}: it must return a text, or a list of texts"
            ) from error
