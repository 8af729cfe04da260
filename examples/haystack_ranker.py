"""A Haystack ranker that runs in this process: pip install haystack-ai, beside shortlist"""

from __future__ import annotations

from dataclasses import replace

from haystack import Document, Pipeline, component

from shortlist import CrossEncoder, rerank


@component
class ShortlistRanker:
    """The `top_k` best documents, with the raw logit as their score. Connect a retriever's documents to it."""

    def __init__(self, top_k: int = 5) -> None:
        self.top_k = top_k
        self._cross_encoder: CrossEncoder | None = None

    def warm_up(self) -> None:
        if self._cross_encoder is None:
            self._cross_encoder = CrossEncoder()

    @component.output_types(documents=list[Document])
    def run(self, query: str, documents: list[Document], top_k: int | None = None) -> dict[str, list[Document]]:
        self.warm_up()
        assert self._cross_encoder is not None
        ranked = rerank(query, documents, self._cross_encoder, k=top_k or self.top_k)
        return {"documents": [replace(one.item, score=one.score) for one in ranked]}


def main() -> list[Document]:
    texts = ["Cats sleep most of the day.", "The tax office opens at nine.", "Income tax is due in April."]
    pipeline = Pipeline()
    pipeline.add_component("ranker", ShortlistRanker(top_k=2))
    documents = [Document(content=text) for text in texts]
    found = pipeline.run({"ranker": {"query": "when is income tax due", "documents": documents}})["ranker"]["documents"]
    for document in found:
        print(f"{document.score:+.2f}  {document.content}")
    return found


if __name__ == "__main__":
    main()
