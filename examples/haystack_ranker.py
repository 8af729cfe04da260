"""A Haystack pipeline with a ranker that runs in this process. It needs: pip install 'shortlist[haystack]'."""

from __future__ import annotations

from haystack import Document, Pipeline
from haystack.components.retrievers.in_memory import InMemoryBM25Retriever
from haystack.document_stores.in_memory import InMemoryDocumentStore

from shortlist.integrations.haystack import ShortlistRanker

TEXTS = ["Cats sleep most of the day.", "The tax office opens at nine.", "Income tax is due in April."]


def main() -> list[Document]:
    store = InMemoryDocumentStore()  # your document store
    store.write_documents([Document(content=text) for text in TEXTS])
    pipeline = Pipeline()
    pipeline.add_component("retriever", InMemoryBM25Retriever(store, top_k=50))
    pipeline.add_component("ranker", ShortlistRanker(top_k=2))
    pipeline.connect("retriever.documents", "ranker.documents")
    query = "when is income tax due"
    documents = pipeline.run({"retriever": {"query": query}, "ranker": {"query": query}})["ranker"]["documents"]
    for document in documents:
        print(f"{document.score:+.2f}  {document.content}")
    return documents


if __name__ == "__main__":
    main()
