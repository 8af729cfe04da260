"""Haystack: its components and pipelines as stage one, and ours as its components."""

from __future__ import annotations

import asyncio

import pytest
from corpus import QUERY, RERANKED, SCORES, TEXTS, make_search

import attribute_parts
from fakes import WordReranker
from shortlist.encoders.hashed import HashedEncoder
from shortlist.errors import InvalidInput
from shortlist.search.search import Search

pytest.importorskip("haystack", reason="haystack-ai is not installed: run make clients")

import numpy as np
from haystack import Document, Pipeline, component
from haystack.components.joiners import DocumentJoiner
from haystack.components.retrievers import MultiRetriever, TextEmbeddingRetriever
from haystack.components.retrievers.in_memory import InMemoryBM25Retriever, InMemoryEmbeddingRetriever
from haystack.document_stores.in_memory import InMemoryDocumentStore

from shortlist.integrations.haystack import ShortlistRanker, ShortlistRetriever

ENCODER = HashedEncoder(64)
META = {key: value for key, value in SCORES.items() if key != "score"}


@component
class Embedder:
    @component.output_types(embedding=list[float])
    def run(self, text: str):
        return {"embedding": np.asarray(ENCODER.encode_queries([text])[0]).tolist()}


@pytest.fixture
def store():
    store = InMemoryDocumentStore()
    vectors = ENCODER.encode_passages(list(TEXTS.values()))
    store.write_documents(
        [
            Document(id=key, content=text, meta={"year": 2020 + place}, embedding=vector.tolist())
            for place, ((key, text), vector) in enumerate(zip(TEXTS.items(), vectors, strict=True))
        ]
    )
    return store


def pipeline_of(store):
    pipeline = Pipeline()
    pipeline.add_component("embedder", Embedder())
    pipeline.add_component("dense", InMemoryEmbeddingRetriever(store))
    pipeline.add_component("bm25", InMemoryBM25Retriever(store))
    pipeline.add_component("joiner", DocumentJoiner(join_mode="reciprocal_rank_fusion"))
    pipeline.connect("embedder.embedding", "dense.query_embedding")
    pipeline.connect("dense.documents", "joiner.documents")
    pipeline.connect("bm25.documents", "joiner.documents")
    return pipeline


def parts_of(store):
    embedding = TextEmbeddingRetriever(retriever=InMemoryEmbeddingRetriever(store), text_embedder=Embedder())
    bm25 = InMemoryBM25Retriever(store)
    return {
        "component": bm25,
        "wrapped embedding retriever": embedding,
        "several retrievers": MultiRetriever(retrievers={"dense": embedding, "bm25": bm25}),
        "pipeline": pipeline_of(store),
    }


@pytest.mark.parametrize("name", ["component", "wrapped embedding retriever", "several retrievers", "pipeline"])
@pytest.mark.filterwarnings("ignore")
def test_theirs_is_stage_one(name, store):
    part = parts_of(store)[name]
    ranking = Search(part, WordReranker()).search(QUERY, pool_size=6)
    assert (ranking[0].id, ranking.notes) == ("tax", ())
    filtered = Search(part, WordReranker()).search(QUERY, where={"year": [2020, 2022]})
    assert {hit.id for hit in filtered} <= {"cats", "a"}
    assert filtered[0].id == "a"


def test_an_embedding_retriever_alone_is_refused(store):
    with pytest.raises(InvalidInput, match="Wrap it in a TextEmbeddingRetriever"):
        Search(InMemoryEmbeddingRetriever(store))


def test_ours_is_a_retriever_in_a_pipeline():
    pipeline = Pipeline()
    pipeline.add_component("retriever", ShortlistRetriever(make_search(), top_k=3))
    documents = pipeline.run({"retriever": {"query": QUERY}})["retriever"]["documents"]
    assert [document.id for document in documents] == RERANKED
    first = documents[0]
    assert (first.content, first.score) == (TEXTS["tax"], 1.0)
    assert first.meta == {"year": 2021, "document_id": "tax.md", **META}
    again = asyncio.run(pipeline.run_async({"retriever": {"query": QUERY, "top_k": 1}}))
    assert [document.id for document in again["retriever"]["documents"]] == ["tax"]
    filters = {"operator": "AND", "conditions": [{"field": "meta.year", "operator": "in", "value": [2020]}]}
    filtered = pipeline.run({"retriever": {"query": QUERY, "filters": filters}})
    assert [document.id for document in filtered["retriever"]["documents"]] == ["cats"]


@pytest.mark.filterwarnings("ignore")
def test_ours_is_one_of_several_retrievers(store):
    several = MultiRetriever(
        retrievers={"ours": ShortlistRetriever(make_search(), top_k=3), "bm25": InMemoryBM25Retriever(store)}, top_k=2
    )
    assert several.run(query=QUERY)["documents"][0].id == "tax"


def test_a_pipeline_with_names_can_be_stored():
    pipeline = Pipeline()
    settings = {"reranker": "attribute_parts:OwnReranker", "pool_size": 20}
    pipeline.add_component("retriever", ShortlistRetriever("attribute_parts:matches", settings=settings, top_k=3))
    pipeline.add_component("ranker", ShortlistRanker("attribute_parts:OwnReranker", top_k=1))
    pipeline.connect("retriever.documents", "ranker.documents")
    loaded = Pipeline.loads(pipeline.dumps(), allowed_modules=[ShortlistRetriever.__module__])
    assert loaded.to_dict() == pipeline.to_dict()
    query = "the red house"
    for each in (pipeline, loaded):
        answer = each.run({"retriever": {"query": query}, "ranker": {"query": query}})
        assert [document.content for document in answer["ranker"]["documents"]] == [attribute_parts.DOCUMENTS["d"]]


def test_an_index_is_opened_by_its_folder(tmp_path):
    import shortlist as sl

    settings = {"bi_encoder": "hashed-64", "reranker": "attribute_parts:OwnReranker"}
    with sl.open(tmp_path / "index", create=True, config=sl.SearchConfig(**settings)) as index:
        index.add([{"id": key, "text": text} for key, text in TEXTS.items()])
    retriever = ShortlistRetriever(str(tmp_path / "index"), settings=settings, top_k=2)
    retriever.warm_up()
    assert retriever.run(QUERY)["documents"][0].content == TEXTS["tax"]
    retriever.close()
    sl.open(tmp_path / "index", config=sl.SearchConfig(**settings)).close()
    assert retriever.run(QUERY)["documents"][0].content == TEXTS["tax"]
    retriever.close()


def test_objects_cannot_be_stored():
    with pytest.raises(InvalidInput, match="an open search cannot be stored"):
        ShortlistRetriever(make_search()).to_dict()
    with pytest.raises(InvalidInput, match="a loaded reranker cannot be stored"):
        ShortlistRanker(WordReranker()).to_dict()
    with pytest.raises(InvalidInput, match="an open search has its own"):
        ShortlistRetriever(make_search(), settings={"blend": 0})
    with pytest.raises(InvalidInput, match="'pool' is unknown"):
        ShortlistRetriever("my-index", settings={"pool": 3})
    with pytest.raises(InvalidInput, match="search is 7: give an open index, a Search"):
        ShortlistRetriever(7)


def test_ours_is_a_ranker():
    ranker = ShortlistRanker(WordReranker(), top_k=2)
    given = [
        Document(id=key, content=text, score=1 - place / 10, meta={"of": key})
        for place, (key, text) in enumerate(TEXTS.items())
    ]
    documents = ranker.run(query=QUERY, documents=given)["documents"]
    assert [document.id for document in documents] == RERANKED[:2]
    assert documents[0].score == 1.0
    assert documents[0].meta == {"of": "tax", **META}
    assert (given[1].meta, given[1].score) == ({"of": "tax"}, 0.9)
    assert asyncio.run(ranker.run_async(query=QUERY, documents=given)) == {"documents": documents}
    assert len(ranker.run(query=QUERY, documents=given, top_k=3)["documents"]) == 3
