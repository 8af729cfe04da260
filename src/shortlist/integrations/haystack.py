"""Both stages as a Haystack retriever, and the reranker as a Haystack ranker."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

from shortlist.config import SearchConfig
from shortlist.errors import InvalidInput
from shortlist.integrations import framework
from shortlist.integrations.calls import SharedReranker, SharedSearch
from shortlist.integrations.filters import where_of
from shortlist.integrations.metadata import metadata_of, metadata_of_ranked
from shortlist.models.packaged import CROSS_ENCODER
from shortlist.types import Hit

with framework("haystack", "haystack"):
    from haystack import Document, component, default_from_dict, default_to_dict

TOP_K = 10
"""The number of documents, as in the components of Haystack."""


@component
class ShortlistRetriever:
    """A search of both stages as a Haystack retriever.

    The score of a document is the final score. Its meta have the scores and ranks of both stages, see
    `integrations.metadata`. A pipeline with this component can be stored if the search is given by its name.

    Args:
        search: The name of what to search, as `shortlist.open` takes it: an index folder, or a store such as
            "chroma:notes@./chroma". The first run opens it. Or an open index or a `Search`, which the component does
            not close, and which cannot be stored.
        settings: The settings of `SearchConfig` for a search by name, such as `{"pool_size": 30, "blend": 0}`.
        top_k: The number of documents.
        filters: The filter, in the form of Haystack: fields that equal a value, or one of several values.

    Raises:
        InvalidInput: A setting or a filter cannot be used, or there are settings for a search that is open already.
    """

    def __init__(
        self,
        search: Any,
        *,
        settings: dict[str, Any] | None = None,
        top_k: int = TOP_K,
        filters: dict[str, Any] | None = None,
    ) -> None:
        where_of(filters)
        self._shared = SharedSearch(search, SearchConfig().override(settings or {}))
        if settings and not isinstance(search, str):
            raise InvalidInput("settings are for a search by name: an open search has its own", field="settings")
        self.search, self.settings, self.top_k, self.filters = search, settings, top_k, filters

    def warm_up(self) -> None:
        """Open the search and load its models. A second call does nothing."""
        self._shared.load()

    def close(self) -> None:
        """Close what the component opened. The next run opens it again."""
        self._shared.close()

    def to_dict(self) -> dict[str, Any]:
        """Return the component as a dictionary.

        Raises:
            InvalidInput: The component has an open search instead of a name.
        """
        if not isinstance(self.search, str):
            raise InvalidInput("an open search cannot be stored: give its name and settings", field="search")
        return default_to_dict(self, search=self.search, settings=self.settings, top_k=self.top_k, filters=self.filters)

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> ShortlistRetriever:
        """Return the component that `to_dict` described."""
        return default_from_dict(cls, data)

    @component.output_types(documents=list[Document])
    def run(
        self, query: str, filters: dict[str, Any] | None = None, top_k: int | None = None
    ) -> dict[str, list[Document]]:
        """Return the documents, best first. `filters` and `top_k` replace those of the component.

        Raises:
            InvalidInput: A filter that shortlist cannot apply. See also `Search.search`.
        """
        where = where_of(self.filters if filters is None else filters)
        ranking = self._shared.search(query, top_k=self.top_k if top_k is None else top_k, where=where)
        return {"documents": [_document(hit) for hit in ranking]}

    @component.output_types(documents=list[Document])
    async def run_async(
        self, query: str, filters: dict[str, Any] | None = None, top_k: int | None = None
    ) -> dict[str, list[Document]]:
        """As `run`, in a thread."""
        return await asyncio.to_thread(self.run, query, filters, top_k)


@component
class ShortlistRanker:
    """A reranker as a Haystack ranker. Connect the documents of a retriever to it.

    The score of a document is that of the reranker. The meta have the score and the rank of stage one.

    Args:
        reranker: The name of a reranker for `load_reranker`, or a reranker, which cannot be stored.
        top_k: The number of documents.
    """

    def __init__(self, reranker: Any = CROSS_ENCODER, *, top_k: int = TOP_K) -> None:
        self._shared = SharedReranker(reranker)
        self.reranker, self.top_k = reranker, top_k

    def warm_up(self) -> None:
        """Load the reranker. A second call does nothing."""
        self._shared.load()

    def to_dict(self) -> dict[str, Any]:
        """Return the component as a dictionary.

        Raises:
            InvalidInput: The component has a reranker instead of its name.
        """
        if not isinstance(self.reranker, str):
            raise InvalidInput("a loaded reranker cannot be stored: give its name", field="reranker")
        return default_to_dict(self, reranker=self.reranker, top_k=self.top_k)

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> ShortlistRanker:
        """Return the component that `to_dict` described."""
        return default_from_dict(cls, data)

    @component.output_types(documents=list[Document])
    def run(self, query: str, documents: list[Document], top_k: int | None = None) -> dict[str, list[Document]]:
        """Return the `top_k` best documents, best first.

        Raises:
            InvalidInput: An empty query, or a document without text.
        """
        ranked = self._shared.rank(query, documents, top_k=self.top_k if top_k is None else top_k)
        return {
            "documents": [
                replace(
                    item.document,
                    score=item.score,
                    meta=_meta(metadata_of_ranked(item, item.document.meta, item.document.score)),
                )
                for item in ranked
            ]
        }

    @component.output_types(documents=list[Document])
    async def run_async(
        self, query: str, documents: list[Document], top_k: int | None = None
    ) -> dict[str, list[Document]]:
        """As `run`, in a thread."""
        return await asyncio.to_thread(self.run, query, documents, top_k)


def _document(hit: Hit) -> Document:
    return Document(id=hit.id, content=hit.text, score=hit.score, meta=_meta(metadata_of(hit)))


def _meta(metadata: dict[str, Any]) -> dict[str, Any]:
    """The meta of a document without the final score, which the document itself has."""
    return {name: value for name, value in metadata.items() if name != "score"}
