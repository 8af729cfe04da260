"""Both stages as a LangChain retriever, and the reranker as a document compressor."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from shortlist.integrations import framework
from shortlist.integrations.calls import SharedSearch
from shortlist.integrations.metadata import metadata_of, metadata_of_ranked
from shortlist.types import Filter, PoolSize

with framework("langchain", "langchain_core"):
    from langchain_core.callbacks import CallbackManagerForRetrieverRun, Callbacks
    from langchain_core.documents import BaseDocumentCompressor, Document
    from langchain_core.retrievers import BaseRetriever
    from pydantic import PrivateAttr

    from shortlist.integrations.reranking import RerankerModel


class ShortlistRetriever(BaseRetriever):
    """A search of both stages as a LangChain retriever.

    `invoke`, `ainvoke`, `batch` and `abatch` return documents, best first. The metadata of a document have the scores
    and ranks of both stages, see `integrations.metadata`. `invoke(query, top_k=3, where={"year": 2024})` changes a
    setting for one call.

    Args:
        search: An open index, or a `Search` over any retriever. Its configuration applies. Or a name for
            `shortlist.open`, which the first call opens.
        top_k: The number of documents. None: the one of the configuration.
        pool_size: The number of passages to rerank, or "auto". None: the one of the configuration.
        where: The filter.
    """

    search: Any
    top_k: int | None = None
    pool_size: int | Literal["auto"] | None = None
    where: dict[str, Any] | None = None
    _shared: SharedSearch = PrivateAttr()

    def model_post_init(self, context: Any) -> None:
        """Check the search."""
        super().model_post_init(context)
        self._shared = SharedSearch(self.search)

    def _get_relevant_documents(
        self,
        query: str,
        *,
        run_manager: CallbackManagerForRetrieverRun,
        top_k: int | None = None,
        pool_size: PoolSize | None = None,
        where: Filter | None = None,
    ) -> list[Document]:
        ranking = self._shared.search(
            query,
            top_k=self.top_k if top_k is None else top_k,
            pool_size=self.pool_size if pool_size is None else pool_size,
            where=self.where if where is None else where,
        )
        return [Document(id=hit.id, page_content=hit.text, metadata=metadata_of(hit)) for hit in ranking]


class ShortlistCompressor(RerankerModel, BaseDocumentCompressor):
    """A reranker as a LangChain document compressor, for example in a `ContextualCompressionRetriever`.

    Let the retriever return many more documents than `top_n`: a reranker cannot find a document that it does not get.

    Args:
        reranker: A reranker, or a name for `load_reranker`.
        top_n: The number of documents. None: all documents.
    """

    def compress_documents(
        self, documents: Sequence[Document], query: str, callbacks: Callbacks | None = None
    ) -> Sequence[Document]:
        """Return the `top_n` best documents, best first. Their metadata have the scores and ranks."""
        ranked = self._shared.rank(query, documents, top_k=self.top_n)
        return [
            item.document.model_copy(update={"metadata": metadata_of_ranked(item, item.document.metadata)})
            for item in ranked
        ]
