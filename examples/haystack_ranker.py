"""A Haystack ranker that runs in this process. It needs: pip install haystack-ai."""

from __future__ import annotations

from dataclasses import replace

from haystack import Document, Pipeline, component

import shortlist as sl


@component
class ShortlistRanker:
    """Return the `top_k` best documents, with the reranker's score. Connect the documents of a retriever to it."""

    def __init__(self, top_k: int = 5, reranker: str = "shortlist-reranker-v1") -> None:
        self.top_k = top_k
        self.name = reranker
        self._reranker = None

    def warm_up(self) -> None:
        if self._reranker is None:
            self._reranker = sl.load_reranker(self.name)

    @component.output_types(documents=list[Document])
    def run(self, query: str, documents: list[Document], top_k: int | None = None) -> dict[str, list[Document]]:
        self.warm_up()
        ranked = sl.rerank(query, documents, reranker=self._reranker, top_k=top_k or self.top_k)
        return {"documents": [replace(result.document, score=result.score) for result in ranked]}


def main() -> list[Document]:
    texts = ["Cats sleep most of the day.", "The tax office opens at nine.", "Income tax is due in April."]
    pipeline = Pipeline()
    pipeline.add_component("ranker", ShortlistRanker(top_k=2))
    documents = [Document(content=text) for text in texts]
    result = pipeline.run({"ranker": {"query": "when is income tax due", "documents": documents}})
    for document in result["ranker"]["documents"]:
        print(f"{document.score:+.2f}  {document.content}")
    return result["ranker"]["documents"]


if __name__ == "__main__":
    main()
