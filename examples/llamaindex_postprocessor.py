"""The nodes of a LlamaIndex index, reranked in this process. It needs: pip install 'shortlist[llamaindex]'."""

from __future__ import annotations

from llama_index.core import MockEmbedding, VectorStoreIndex
from llama_index.core.schema import NodeWithScore, TextNode

from shortlist.integrations.llamaindex import ShortlistRerank

TEXTS = ["Cats sleep most of the day.", "The tax office opens at nine.", "Income tax is due in April."]


def main() -> list[NodeWithScore]:
    index = VectorStoreIndex([TextNode(text=text) for text in TEXTS], embed_model=MockEmbedding(8))  # your index
    query = "when is income tax due"
    nodes = index.as_retriever(similarity_top_k=50).retrieve(query)
    best = ShortlistRerank(top_n=2).postprocess_nodes(nodes, query_str=query)
    for node in best:
        print(f"{node.score:+.2f}  {node.text}")
    return best


if __name__ == "__main__":
    main()
