"""A LangChain retriever whose documents are reranked in this process. It needs: pip install langchain-core."""

from __future__ import annotations

from typing import Any

from langchain_core.callbacks import CallbackManagerForRetrieverRun
from langchain_core.documents import Document
from langchain_core.retrievers import BaseRetriever

import shortlist as sl


class RerankedRetriever(BaseRetriever):
    """Return the `top_k` best documents of `retriever`.

    Let `retriever` return many more documents than `top_k`: a reranker cannot find a document that it does not get.
    """

    retriever: BaseRetriever
    reranker: Any
    top_k: int = 5

    def _get_relevant_documents(self, query: str, *, run_manager: CallbackManagerForRetrieverRun) -> list[Document]:
        pool = self.retriever.invoke(query, config={"callbacks": run_manager.get_child()})
        return [
            Document(
                page_content=result.document.page_content,
                metadata={**result.document.metadata, "rerank_score": result.score},
            )
            for result in sl.rerank(query, pool, reranker=self.reranker, top_k=self.top_k)
        ]


class FixedRetriever(BaseRetriever):
    """A stand-in for the `as_retriever(search_kwargs={"k": 50})` of your vector store."""

    texts: list[str]

    def _get_relevant_documents(self, query: str, *, run_manager: CallbackManagerForRetrieverRun) -> list[Document]:
        return [Document(page_content=text) for text in self.texts]


def main() -> list[Document]:
    texts = ["Cats sleep most of the day.", "The tax office opens at nine.", "Income tax is due in April."]
    retriever = RerankedRetriever(retriever=FixedRetriever(texts=texts), reranker=sl.load_reranker(), top_k=2)
    documents = retriever.invoke("when is income tax due")
    for document in documents:
        print(f"{document.metadata['rerank_score']:+.2f}  {document.page_content}")
    return documents


if __name__ == "__main__":
    main()
