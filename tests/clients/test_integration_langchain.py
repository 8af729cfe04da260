"""LangChain: its retrievers as stage one, and ours as its retrievers."""

from __future__ import annotations

import asyncio

import pytest
from corpus import QUERY, RERANKED, SCORES, TEXTS, make_search

from fakes import WordReranker
from shortlist.errors import InvalidInput
from shortlist.search.search import Search

pytest.importorskip("langchain_core", reason="langchain-core is not installed: run make clients")

from langchain_core.documents import BaseDocumentCompressor, Document
from langchain_core.embeddings import DeterministicFakeEmbedding
from langchain_core.retrievers import BaseRetriever
from langchain_core.runnables import RunnableLambda
from langchain_core.vectorstores import InMemoryVectorStore

from shortlist.integrations.langchain import ShortlistCompressor, ShortlistRetriever


@pytest.fixture
def store():
    store = InMemoryVectorStore(DeterministicFakeEmbedding(size=8))
    store.add_documents([Document(page_content=text, id=key, metadata={"of": key}) for key, text in TEXTS.items()])
    return store


def test_a_vector_store_is_stage_one(store):
    ranking = Search(store, WordReranker()).search(QUERY, pool_size=6, top_k=6)
    assert ranking[0].id == "tax"
    assert ranking[0].metadata == {"of": "tax"}
    assert set(ranking[0].signals) == {"raw_score"}
    stored = store.similarity_search_with_score(QUERY, k=6)
    order = sorted(ranking, key=lambda hit: hit.retrieval_rank)
    assert [hit.id for hit in order] == [document.id for document, _ in stored]


def test_the_limit_of_its_retriever_is_reported(store):
    retriever = store.as_retriever()
    ranking = Search(retriever, WordReranker()).search(QUERY, pool_size=6)
    note = ranking.note("retriever_limited")
    assert (note.values["count"], note.values["limit"]) == (4, 4)
    exec(note.values["line"], {"retriever": retriever})
    assert Search(retriever, WordReranker()).search(QUERY, pool_size=6).notes == ()


class AsyncAlone(BaseRetriever):
    def _get_relevant_documents(self, query, *, run_manager):
        raise NotImplementedError("use ainvoke")

    async def _aget_relevant_documents(self, query, *, run_manager):
        return [Document(page_content=f"{query}?")]


@pytest.mark.parametrize("retriever", [AsyncAlone(), RunnableLambda(AsyncAlone().ainvoke)], ids=["retriever", "lambda"])
def test_an_async_retriever_is_stage_one(retriever):
    async def main():
        return Search(retriever).search(QUERY)[0].text

    assert Search(retriever).search(QUERY)[0].text == asyncio.run(main()) == f"{QUERY}?"


def test_ours_is_a_retriever():
    retriever = ShortlistRetriever(search=make_search(), top_k=3)
    assert isinstance(retriever, BaseRetriever)
    documents = retriever.invoke(QUERY)
    assert [document.id for document in documents] == RERANKED
    first = documents[0]
    assert first.page_content == TEXTS["tax"]
    assert first.metadata == {"year": 2021, "document_id": "tax.md", "score": 1.0, **SCORES}
    assert asyncio.run(retriever.ainvoke(QUERY)) == documents
    assert retriever.batch([QUERY] * 9) == [documents] * 9
    assert (retriever | (lambda found: found[0].id)).invoke(QUERY) == "tax"


def test_settings_for_one_call():
    retriever = ShortlistRetriever(search=make_search(), pool_size=6)
    assert len(retriever.invoke(QUERY)) == 5
    assert [document.id for document in retriever.invoke(QUERY, top_k=1)] == ["tax"]
    assert [document.id for document in retriever.invoke(QUERY, where={"year": 2020})] == ["cats"]
    assert [document.id for document in retriever.invoke(QUERY, pool_size=1)] == ["cats"]
    assert ShortlistRetriever(search=make_search(), where={"year": 2022}).invoke(QUERY)[0].id == "a"


def test_ours_over_theirs_is_theirs(store):
    retriever = ShortlistRetriever(search=Search(store, WordReranker()), top_k=1)
    (document,) = retriever.invoke(QUERY)
    assert (document.id, document.metadata["of"], document.metadata["rank"]) == ("tax", "tax", 1)


def test_ours_is_a_compressor():
    compressor = ShortlistCompressor(reranker=WordReranker(), top_n=2)
    assert isinstance(compressor, BaseDocumentCompressor)
    given = [Document(page_content=text, metadata={"of": key}) for key, text in TEXTS.items()]
    documents = compressor.compress_documents(given, QUERY)
    assert [document.metadata["of"] for document in documents] == RERANKED[:2]
    expected = {"of": "tax", "score": 1.0, "rank": 1, "rerank_score": 1.0, "retrieval_rank": 2}
    assert documents[0].metadata == expected
    assert given[1].metadata == {"of": "tax"}
    assert asyncio.run(compressor.acompress_documents(given, QUERY)) == documents
    assert len(ShortlistCompressor(reranker=WordReranker(), top_n=None).compress_documents(given, QUERY)) == 6
    assert compressor.compress_documents([], QUERY) == []


def test_wrong_parts_are_refused():
    with pytest.raises((InvalidInput, ValueError), match="search is 7: give an open index, a Search"):
        ShortlistRetriever(search=7)
    with pytest.raises((InvalidInput, ValueError), match="the reranker is 7"):
        ShortlistCompressor(reranker=7)
