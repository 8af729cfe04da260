"""A LlamaIndex node postprocessor that reranks in this process. It needs: pip install llama-index-core."""

from __future__ import annotations

from typing import Any

from llama_index.core.postprocessor.types import BaseNodePostprocessor
from llama_index.core.schema import NodeWithScore, QueryBundle, TextNode

import shortlist as sl


class ShortlistRerank(BaseNodePostprocessor):
    """Return the `top_n` best nodes, with the reranker's score.

    Use it in `index.as_query_engine(similarity_top_k=50, node_postprocessors=[...])`.
    """

    reranker: Any
    top_n: int = 5

    @classmethod
    def class_name(cls) -> str:
        return "ShortlistRerank"

    def _postprocess_nodes(
        self, nodes: list[NodeWithScore], query_bundle: QueryBundle | None = None
    ) -> list[NodeWithScore]:
        if query_bundle is None:
            raise ValueError("reranking needs the query")
        ranked = sl.rerank(query_bundle.query_str, nodes, reranker=self.reranker, top_k=self.top_n)
        return [NodeWithScore(node=result.document.node, score=result.score) for result in ranked]


def main() -> list[NodeWithScore]:
    texts = ["Cats sleep most of the day.", "The tax office opens at nine.", "Income tax is due in April."]
    nodes = [NodeWithScore(node=TextNode(text=text), score=0.5) for text in texts]
    postprocessor = ShortlistRerank(reranker=sl.load_reranker(), top_n=2)
    best = postprocessor.postprocess_nodes(nodes, query_str="when is income tax due")
    for node in best:
        print(f"{node.score:+.2f}  {node.text}")
    return best


if __name__ == "__main__":
    main()
