"""Both stages as a LlamaIndex retriever, and the reranker as a node postprocessor."""

from __future__ import annotations

import asyncio
from typing import Any

from shortlist.errors import InvalidInput
from shortlist.integrations import framework
from shortlist.integrations.calls import SharedSearch
from shortlist.integrations.metadata import ADDED, metadata_of, metadata_of_ranked
from shortlist.types import Filter, Hit, PoolSize

with framework("llamaindex", "llama_index"):
    from llama_index.core.callbacks import CallbackManager
    from llama_index.core.postprocessor.types import BaseNodePostprocessor
    from llama_index.core.retrievers import BaseRetriever
    from llama_index.core.schema import (
        BaseNode,
        NodeRelationship,
        NodeWithScore,
        QueryBundle,
        RelatedNodeInfo,
        TextNode,
    )

    from shortlist.integrations.reranking import RerankerModel


class ShortlistRetriever(BaseRetriever):
    """A search of both stages as a LlamaIndex retriever.

    `retrieve` and `aretrieve` return nodes, best first. The score of a node is the final score. Its metadata have the
    scores and ranks of both stages, see `integrations.metadata`; prompts and embeddings leave them out.

    Args:
        search: An open index, or a `Search` over any retriever. Its configuration applies. Or a name for
            `shortlist.open`, which the first call opens.
        top_k: The number of nodes. None: the one of the configuration.
        pool_size: The number of passages to rerank, or "auto". None: the one of the configuration.
        where: The filter.
        callback_manager: The callbacks of LlamaIndex.
    """

    def __init__(
        self,
        search: Any,
        *,
        top_k: int | None = None,
        pool_size: PoolSize | None = None,
        where: Filter | None = None,
        callback_manager: CallbackManager | None = None,
    ) -> None:
        self._shared = SharedSearch(search)
        self.top_k, self.pool_size, self.where = top_k, pool_size, where
        super().__init__(callback_manager=callback_manager)

    def _retrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        ranking = self._shared.search(
            query_bundle.query_str, top_k=self.top_k, pool_size=self.pool_size, where=self.where
        )
        return [NodeWithScore(node=_node_of(hit), score=hit.score) for hit in ranking]

    async def _aretrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        return await asyncio.to_thread(self._retrieve, query_bundle)


class ShortlistRerank(RerankerModel, BaseNodePostprocessor):
    """A reranker as a LlamaIndex node postprocessor.

    Use it in `index.as_query_engine(similarity_top_k=50, node_postprocessors=[ShortlistRerank(top_n=5)])`. The score of
    a node is that of the reranker. The metadata have the score and the rank of stage one.

    Args:
        reranker: A reranker, or a name for `load_reranker`.
        top_n: The number of nodes. None: all nodes.
    """

    @classmethod
    def class_name(cls) -> str:
        """Return the name under which LlamaIndex stores the class."""
        return "ShortlistRerank"

    def _postprocess_nodes(
        self, nodes: list[NodeWithScore], query_bundle: QueryBundle | None = None
    ) -> list[NodeWithScore]:
        if query_bundle is None:
            raise InvalidInput("reranking needs the query: give query_bundle or query_str", field="query_bundle")
        ranked = self._shared.rank(query_bundle.query_str, nodes, top_k=self.top_n)
        return [
            NodeWithScore(
                node=_with_metadata(
                    item.document.node,
                    metadata_of_ranked(item, item.document.node.metadata, item.document.score),
                ),
                score=item.score,
            )
            for item in ranked
        ]


def _node_of(hit: Hit) -> BaseNode:
    """The hit as a node of its document."""
    passage = hit.passage
    node = TextNode(
        id_=hit.id,
        text=hit.text,
        start_char_idx=passage.start if passage.end else None,
        end_char_idx=passage.end or None,
        relationships={NodeRelationship.SOURCE: RelatedNodeInfo(node_id=hit.document_id or hit.id)},
    )
    return _with_metadata(node, metadata_of(hit))


def _with_metadata(node: BaseNode, metadata: dict[str, Any]) -> BaseNode:
    """A copy of the node with these metadata. Prompts and embeddings leave out the scores and ranks."""
    return node.model_copy(
        update={
            "metadata": metadata,
            "excluded_embed_metadata_keys": _joined(node.excluded_embed_metadata_keys),
            "excluded_llm_metadata_keys": _joined(node.excluded_llm_metadata_keys),
        }
    )


def _joined(keys: list[str]) -> list[str]:
    return list(dict.fromkeys([*keys, *(name for name in ADDED if name != "title")]))
