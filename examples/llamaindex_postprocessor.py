"""A LlamaIndex node postprocessor that reranks in this process: pip install llama-index-core, beside shortlist"""

from __future__ import annotations

from typing import Any

from llama_index.core.postprocessor.types import BaseNodePostprocessor
from llama_index.core.schema import NodeWithScore, QueryBundle, TextNode

from shortlist import CrossEncoder, rerank


class ShortlistRerank(BaseNodePostprocessor):
    """The `top_n` best nodes, with the raw logit as their score.

    Give it to `index.as_query_engine(similarity_top_k=50, node_postprocessors=[...])`.
    """

    cross_encoder: Any
    top_n: int = 5

    @classmethod
    def class_name(cls) -> str:
        return "ShortlistRerank"

    def _postprocess_nodes(
        self, nodes: list[NodeWithScore], query_bundle: QueryBundle | None = None
    ) -> list[NodeWithScore]:
        if query_bundle is None:
            raise ValueError("reranking needs the query")
        ranked = rerank(query_bundle.query_str, nodes, self.cross_encoder, k=self.top_n)
        return [NodeWithScore(node=one.item.node, score=one.score) for one in ranked]


def main() -> list[NodeWithScore]:
    texts = ["Cats sleep most of the day.", "The tax office opens at nine.", "Income tax is due in April."]
    nodes = [NodeWithScore(node=TextNode(text=text), score=0.5) for text in texts]
    postprocessor = ShortlistRerank(cross_encoder=CrossEncoder(), top_n=2)
    found = postprocessor.postprocess_nodes(nodes, query_str="when is income tax due")
    for node in found:
        print(f"{node.score:+.2f}  {node.text}")
    return found


if __name__ == "__main__":
    main()
