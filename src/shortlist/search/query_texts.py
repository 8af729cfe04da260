"""The texts of one search: the query of stage one, further queries for its pool, and the query of stage two."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from shortlist.errors import InvalidInput
from shortlist.text.validation import checked_text

MOST_QUERIES = 16
"""The largest number of further queries in a search. Stage one searches for each of them."""


@dataclass(frozen=True, slots=True)
class QueryTexts:
    """The texts of one search.

    `query` is the query of stage one. Stage one also searches for each of `queries`, and fuses all pools into one.
    `rerank_query` is the text that the reranker reads. None: the reranker reads `query`.
    """

    query: str
    queries: tuple[str, ...] = ()
    rerank_query: str | None = None

    @property
    def scored(self) -> str:
        """The text that the reranker reads."""
        return self.query if self.rerank_query is None else self.rerank_query

    @property
    def fields(self) -> dict[str, str]:
        """Each text under the name of its parameter, for checks of their lengths."""
        further = {f"queries.{place}": text for place, text in enumerate(self.queries)}
        stage_two = {} if self.rerank_query is None else {"rerank_query": self.rerank_query}
        return {"query": self.query, **further, **stage_two}


def query_texts(query: str, queries: Sequence[str] | None = None, rerank_query: str | None = None) -> QueryTexts:
    """Return the texts of a search, checked. None means "not given".

    Of equal further queries, the first is kept. A `rerank_query` that equals the query is left out.

    Raises:
        InvalidInput: A text is empty or not a string, `queries` is a string, or there are more than 16 of them.
    """
    query = checked_text(query)
    if isinstance(queries, str):
        raise InvalidInput(f"queries is the text {queries[:80]!r}: give a list of texts", field="queries")
    further = list(queries or ())
    if len(further) > MOST_QUERIES:
        raise InvalidInput(f"queries has {len(further)} texts, and at most {MOST_QUERIES} are allowed", field="queries")
    kept = tuple(dict.fromkeys(_checked(text, "queries") for text in further))
    scored = None if rerank_query is None else _checked(rerank_query, "rerank_query")
    return QueryTexts(query, tuple(text for text in kept if text != query), None if scored == query else scored)


def texts_of(query: str | QueryTexts) -> QueryTexts:
    """Return the texts of a search that has one query, or several texts. Raises as `query_texts` does."""
    given = query if isinstance(query, QueryTexts) else QueryTexts(query)
    return query_texts(given.query, given.queries, given.rerank_query)


def _checked(text: str, name: str) -> str:
    try:
        return checked_text(text, f"text in {name}" if name == "queries" else name)
    except InvalidInput as error:
        raise InvalidInput(str(error), field=name) from error
