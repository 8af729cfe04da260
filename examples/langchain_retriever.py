"""A LangChain retriever whose documents are reranked in this process: pip install langchain-core, beside shortlist"""

from __future__ import annotations

from typing import Any

from langchain_core.callbacks import CallbackManagerForRetrieverRun
from langchain_core.documents import Document
from langchain_core.retrievers import BaseRetriever

from shortlist import CrossEncoder, rerank


class RerankedRetriever(BaseRetriever):
    """The `k` best of what `retriever` finds. Let that one find many more: a reranker orders only what it is given."""

    retriever: BaseRetriever
    cross_encoder: Any
    k: int = 5

    def _get_relevant_documents(self, query: str, *, run_manager: CallbackManagerForRetrieverRun) -> list[Document]:
        pool = self.retriever.invoke(query, config={"callbacks": run_manager.get_child()})
        return [
            Document(page_content=one.item.page_content, metadata={**one.item.metadata, "rerank_score": one.score})
            for one in rerank(query, pool, self.cross_encoder, k=self.k)
        ]


class Listed(BaseRetriever):
    """Stands in for your vector store's `as_retriever(search_kwargs={"k": 50})`."""

    texts: list[str]

    def _get_relevant_documents(self, query: str, *, run_manager: CallbackManagerForRetrieverRun) -> list[Document]:
        return [Document(page_content=text) for text in self.texts]


def main() -> list[Document]:
    pool = Listed(texts=["Cats sleep most of the day.", "The tax office opens at nine.", "Income tax is due in April."])
    found = RerankedRetriever(retriever=pool, cross_encoder=CrossEncoder(), k=2).invoke("when is income tax due")
    for document in found:
        print(f"{document.metadata['rerank_score']:+.2f}  {document.page_content}")
    return found


if __name__ == "__main__":
    main()
