"""LlamaIndex: its retrievers as stage one, and ours as its retriever and its postprocessor."""

from __future__ import annotations

import asyncio

import pytest
from corpus import QUERY, RERANKED, SCORES, TEXTS, make_search

from fakes import WordReranker
from shortlist.errors import InvalidInput
from shortlist.search.search import Search

pytest.importorskip("llama_index.core", reason="llama-index-core is not installed: run make clients")

from llama_index.core import MockEmbedding, VectorStoreIndex
from llama_index.core.llms import MockLLM
from llama_index.core.postprocessor.types import BaseNodePostprocessor
from llama_index.core.query_engine import RetrieverQueryEngine
from llama_index.core.retrievers import BaseRetriever
from llama_index.core.schema import MediaResource, MetadataMode, Node, NodeWithScore, TextNode

from shortlist.integrations.llamaindex import ShortlistRerank, ShortlistRetriever


@pytest.fixture
def nodes():
    return [TextNode(text=text, id_=key, metadata={"of": key}) for key, text in TEXTS.items()]


def test_a_retriever_is_stage_one(nodes):
    retriever = VectorStoreIndex(nodes, embed_model=MockEmbedding(8)).as_retriever(similarity_top_k=3)
    note = Search(retriever).search(QUERY, pool_size=6).note("retriever_limited")
    assert (note.values["limit"], note.values["line"]) == (3, "retriever.similarity_top_k = 6")
    exec(note.values["line"], {"retriever": retriever})
    ranking = Search(retriever, WordReranker()).search(QUERY, pool_size=6)
    assert (ranking[0].id, ranking[0].metadata, ranking.notes) == ("tax", {"of": "tax"}, ())
    assert ranking[0].retrieval_score == pytest.approx(1.0)


def test_every_kind_of_node_has_a_text():
    class Fixed(BaseRetriever):
        def _retrieve(self, query_bundle):
            raise NotImplementedError

        async def _aretrieve(self, query_bundle):
            return [NodeWithScore(node=Node(id_="n", text_resource=MediaResource(text="tax")), score=None)]

    hit = Search(Fixed(), WordReranker()).search("tax")[0]
    assert (hit.id, hit.text, hit.rerank_score) == ("n", "tax", 1.0)


def test_ours_is_a_retriever():
    retriever = ShortlistRetriever(make_search(), top_k=3)
    assert isinstance(retriever, BaseRetriever)
    results = retriever.retrieve(QUERY)
    assert [result.node_id for result in results] == RERANKED
    first = results[0]
    assert (first.score, first.text, first.node.ref_doc_id) == (1.0, TEXTS["tax"], "tax.md")
    assert first.metadata == {"year": 2021, "document_id": "tax.md", "score": 1.0, **SCORES}
    assert [result.node_id for result in asyncio.run(retriever.aretrieve(QUERY))] == RERANKED
    assert ShortlistRetriever(make_search(), where={"year": 2022}).retrieve(QUERY)[0].node_id == "a"


def test_prompts_leave_out_the_scores():
    node = ShortlistRetriever(make_search()).retrieve(QUERY)[0].node
    assert node.get_content(metadata_mode=MetadataMode.LLM) == f"year: 2021\n\n{TEXTS['tax']}"
    assert node.get_content(metadata_mode=MetadataMode.EMBED) == f"year: 2021\n\n{TEXTS['tax']}"


def test_ours_in_a_query_engine():
    engine = RetrieverQueryEngine.from_args(
        ShortlistRetriever(make_search(), top_k=5),
        llm=MockLLM(),
        node_postprocessors=[ShortlistRerank(reranker=WordReranker(), top_n=2)],
    )
    answer = engine.query(QUERY)
    assert [result.node_id for result in answer.source_nodes] == RERANKED[:2]
    assert [result.node_id for result in asyncio.run(engine.aquery(QUERY)).source_nodes] == RERANKED[:2]


def test_ours_is_a_postprocessor(nodes):
    rerank = ShortlistRerank(reranker=WordReranker(), top_n=2)
    assert isinstance(rerank, BaseNodePostprocessor)
    given = [NodeWithScore(node=node, score=1 - place / 10) for place, node in enumerate(nodes)]
    results = rerank.postprocess_nodes(given, query_str=QUERY)
    assert [result.node_id for result in results] == RERANKED[:2]
    assert results[0].score == 1.0
    assert results[0].metadata == {"of": "tax", "score": 1.0, **SCORES}
    assert given[1].metadata == {"of": "tax"}
    assert given[1].score == 0.9
    again = asyncio.run(rerank.apostprocess_nodes(given, query_str=QUERY))
    assert [result.node_id for result in again] == RERANKED[:2]
    with pytest.raises(InvalidInput, match="reranking needs the query"):
        rerank.postprocess_nodes(given)


def test_a_postprocessor_with_a_name_can_be_stored():
    stored = ShortlistRerank(top_n=3).to_dict()
    assert (stored["class_name"], stored["reranker"]) == ("ShortlistRerank", "shortlist-reranker-v1")
    assert ShortlistRerank.from_dict(stored).top_n == 3
