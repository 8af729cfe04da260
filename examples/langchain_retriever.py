"""A LangChain vector store, reranked in this process. It needs: pip install 'shortlist[langchain]'."""

from __future__ import annotations

from langchain_core.documents import Document
from langchain_core.embeddings import DeterministicFakeEmbedding
from langchain_core.vectorstores import InMemoryVectorStore

import shortlist as sl
from shortlist.integrations.langchain import ShortlistRetriever

TEXTS = ["Cats sleep most of the day.", "The tax office opens at nine.", "Income tax is due in April."]


def main() -> list[Document]:
    store = InMemoryVectorStore.from_texts(TEXTS, DeterministicFakeEmbedding(size=8))  # your vector store
    search = sl.Search(store, sl.load_reranker())
    retriever = ShortlistRetriever(search=search, top_k=2, pool_size=50)
    documents = retriever.invoke("when is income tax due")
    for document in documents:
        print(f"{document.metadata['rerank_score']:+.2f}  {document.page_content}")
    return documents


if __name__ == "__main__":
    main()
