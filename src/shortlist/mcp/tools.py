"""What the tools for agents do, and what they answer."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from functools import partial
from typing import Any

from shortlist.errors import InvalidInput, ShortlistError
from shortlist.index import OpenIndex
from shortlist.mcp.explaining import explained, pair_of, pool_config
from shortlist.mcp.sources import NO_SOURCES, check_page, listed
from shortlist.protocols import Reranker
from shortlist.redaction import Names
from shortlist.search.explain import check_words
from shortlist.search.filters import where_of
from shortlist.search.neighbours import with_neighbours
from shortlist.search.opened import Opened
from shortlist.search.query_texts import QueryTexts
from shortlist.search.ranked import Ranked
from shortlist.search.rerank import rank
from shortlist.search.scores import skip_note
from shortlist.search.search import Search
from shortlist.several import OpenCollections
from shortlist.types import Filter, Note, Passage
from shortlist.wording import describe, worded

MAX_DOCUMENTS = 1000
MAX_POOL = 1000


class Tools:
    """The tools over one open index or retriever. The defaults of a search are those of its `config`.

    One call runs at a time, so two threads never use the index or a model at once. `names` keeps the folders of this
    machine out of ids, sources and notes; None shows them.
    """

    def __init__(self, index: Opened, *, names: Names | None = None) -> None:
        self._index, self._names = index, names
        self._lock = threading.Lock()

    def search(
        self,
        query: str | QueryTexts,
        where: Filter | None = None,
        options: Mapping[str, Any] | None = None,
        collections: list[str] | None = None,
    ) -> dict[str, Any]:
        """Return `Ranking.to_dict` with worded notes.

        Args:
            query: The query, or the query with further queries and the text that the reranker reads.
            where: A filter on metadata, as a mapping or as texts.
            options: Settings of `SearchConfig` for this search: `top_k`, `pool_size` and others. None: not given.
            collections: The names of the collections to search, if there are several. None: all.

        Raises:
            InvalidInput: An empty query, or settings that cannot be used.
            NotFitted: A stored rule or curve is needed, and it is missing or was fitted for something else.
        """
        given, names = given_options(options), self._names
        filters = where_of(where)
        with self._lock:
            search = self._searcher(collections)
            config = search.configured(given)
            ranking = search.run(query, where=filters if names is None else names.where(filters), config=config)
        return worded(ranking if names is None else names.ranking(ranking))

    def _searcher(self, collections: list[str] | None) -> Search:
        within = getattr(self._index, "within", None)
        if collections is None:
            return self._index.searcher
        if within is None:
            raise InvalidInput("there is one collection: leave out collections", field="collections")
        search: Search = within(collections)
        return search

    def rerank(self, query: str, documents: list[str], top_k: int | None = None) -> dict[str, Any]:
        """Return the `top_k` best documents, or all, each with its place in `documents`, and notes.

        Raises:
            InvalidInput: An empty query, more than 1000 documents, or no reranker.
        """
        reranker = self._index.searcher.reranker
        if reranker is None:
            raise InvalidInput("this server has no reranker: start it without --no-rerank")
        check_documents(documents, top_k)
        with self._lock:
            results = rank(query, documents, reranker, top_k=top_k)
            return reranked(query, results, reranker, self._names)

    def passage(self, id: str, neighbours: int = 0) -> dict[str, Any]:
        """Return the passage with this id, and its neighbours in the document, in the order of the document.

        Raises:
            InvalidInput: There is no such passage, or `neighbours` is below 0 or above 20.
        """
        names = self._names or Names()
        with self._lock:
            key = next(iter(self._index.find(id, names.originals(id))), id)
            passages = with_neighbours(lambda ids: list(self._index.find(key, ids).values()), key, neighbours)
        return passages_found(passages if self._names is None else list(map(names.passage, passages)))

    def explain(self, query: str, id: str, other: str | None = None) -> dict[str, Any]:
        """Return the rank of a passage in the pool, and the words that put it below or above another passage.

        The other passage is by default the hit above it; for the best hit, the second; for a passage that is not in the
        pool, the best hit.

        Raises:
            InvalidInput: An empty query or one of more than 64 words, no such passage, no other hit, or no reranker.
        """
        index, names = self._index, self._names or Names()
        check_words(query)
        with self._lock:
            search = index.searcher
            ranking = search.run(query, config=pool_config(search, MAX_POOL))
            pair = pair_of(ranking, partial(index.find, query), names, id, other)
            explanation = index.explain(query, pair.passage.id, pair.other.id)
            notes = index.explain_notes(query)
        return explained(pair, explanation, self._names, notes)

    def sources(self, limit: int = 100, offset: int = 0, contains: str | None = None) -> dict[str, Any]:
        """Return a page of the sources of the index. See `listed`.

        Raises:
            InvalidInput: See `check_page`; or there is no index.
        """
        check_page(limit, offset)
        if not isinstance(self._index, OpenIndex | OpenCollections):
            raise InvalidInput(NO_SOURCES.format(name=self._index.name))
        with self._lock:
            sources = self._index.sources()
        return listed(sources, self._names, limit, offset, contains)

    def message(self, error: ShortlistError) -> str:
        """Return the message of an error for the agent."""
        return str(error) if self._names is None else self._names.message(str(error))


def passages_found(passages: Sequence[Passage]) -> dict[str, Any]:
    """Return the answer of the tool `passage`."""
    rows = [
        {
            "id": passage.id,
            "document_id": passage.document_id,
            "title": passage.title,
            "text": passage.text,
            "start": passage.start,
            "end": passage.end,
            "metadata": dict(passage.metadata),
        }
        for passage in passages
    ]
    return {"passages": rows, "notes": []}


def reranked(query: str, results: Sequence[Ranked], reranker: Reranker, names: Names | None) -> dict[str, Any]:
    """Return the answer of the tool `rerank`. A note reports a query that a search would not rerank."""
    skipped = skip_note(reranker, query)
    return {
        "query": query,
        "results": [asdict(result) for result in results],
        "notes": [] if skipped is None else [_uncertain(skipped if names is None else names.note(skipped))],
    }


def _uncertain(note: Note) -> dict[str, Any]:
    """Return the note of a query that a search would not rerank, in words that fit a tool that reranks it."""
    reason = describe(note).removeprefix("not reranked: ")
    return {**note.to_dict(), "message": f"the scores are uncertain, a search would skip reranking: {reason}"}


def given_options(options: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return the settings that a call gives.

    Raises:
        InvalidInput: A size is below 1 or above 1000.
    """
    given = {name: value for name, value in (options or {}).items() if value is not None}
    for name in ("pool_size", "top_k"):
        size = given.get(name)
        if isinstance(size, int) and not 1 <= size <= MAX_POOL:
            raise InvalidInput(f"{name} is {size}: use 1 to {MAX_POOL}", field=name)
    return given


def check_documents(documents: list[str], top_k: int | None) -> None:
    """Raise InvalidInput if there are more than 1000 documents, or `top_k` is below 1 or above 1000."""
    given_options({"top_k": top_k})
    if len(documents) > MAX_DOCUMENTS:
        raise InvalidInput(f"{len(documents)} documents, and at most {MAX_DOCUMENTS} are allowed: send fewer")
