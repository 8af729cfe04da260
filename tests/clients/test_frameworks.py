"""Rerankers of the RAG frameworks."""

from __future__ import annotations

import pytest
from expected import BEST, DOCUMENTS, MODEL, ORDER, QUERY


def near(pairs) -> list[tuple[str, float]]:
    return [(text, pytest.approx(score)) for text, score in pairs]


EXPECTED = [(DOCUMENTS[place], score) for place, score in BEST]


def test_langchain_cohere(url, sdk):
    reranker = sdk("langchain_cohere", "langchain-cohere").CohereRerank(
        base_url=url, cohere_api_key="none", model=MODEL, top_n=2
    )
    documents = reranker.compress_documents(_langchain(sdk), QUERY)
    assert near((document.page_content, document.metadata["relevance_score"]) for document in documents) == EXPECTED[:2]
    assert [row["index"] for row in reranker.rerank(DOCUMENTS, QUERY)] == ORDER[:2]


def test_langchain_voyage(url, sdk):
    reranker = sdk("langchain_voyageai", "langchain-voyageai").VoyageAIRerank(
        base_url=f"{url}/voyage/v1", voyage_api_key="none", model=MODEL, top_k=2
    )
    documents = reranker.compress_documents(_langchain(sdk), QUERY)
    assert near((document.page_content, document.metadata["relevance_score"]) for document in documents) == EXPECTED[:2]


def _langchain(sdk):
    documents = sdk("langchain_core.documents", "langchain-core")
    return [documents.Document(page_content=text) for text in DOCUMENTS]


LLAMA_INDEX = {
    "cohere": ("llama_index.postprocessor.cohere_rerank", "CohereRerank", {"model": MODEL, "api_key": "none"}, ""),
    "jinaai": ("llama_index.postprocessor.jinaai_rerank", "JinaRerank", {"model": MODEL, "api_key": "none"}, "/v1"),
    "tei": ("llama_index.postprocessor.tei_rerank", "TextEmbeddingInference", {}, ""),
}


@pytest.mark.parametrize("name", LLAMA_INDEX)
def test_llama_index(url, sdk, name):
    module, kind, given, below = LLAMA_INDEX[name]
    reranker = getattr(sdk(module, f"llama-index-postprocessor-{name}-rerank"), kind)(
        base_url=f"{url}{below}", top_n=2, **given
    )
    schema = sdk("llama_index.core.schema", "llama-index-core")
    nodes = [schema.NodeWithScore(node=schema.TextNode(text=text), score=0.1) for text in DOCUMENTS]
    results = reranker.postprocess_nodes(nodes, query_str=QUERY)
    assert near((result.node.text, result.score) for result in results) == EXPECTED[:2]


def _haystack(sdk):
    haystack = sdk("haystack", "haystack-ai")
    secret = sdk("haystack.utils", "haystack-ai").Secret.from_token("none")
    return [haystack.Document(content=text) for text in DOCUMENTS], secret


def test_haystack_cohere(url, sdk):
    documents, secret = _haystack(sdk)
    ranker = sdk("haystack_integrations.components.rankers.cohere", "cohere-haystack").CohereRanker(
        model=MODEL, top_k=2, api_key=secret, api_base_url=url
    )
    results = ranker.run(query=QUERY, documents=documents)["documents"]
    assert near((result.content, result.score) for result in results) == EXPECTED[:2]


def test_haystack_jina(url, sdk):
    documents, secret = _haystack(sdk)
    ranker = sdk("haystack_integrations.components.rankers.jina", "jina-haystack").JinaRanker(
        model=MODEL, top_k=2, api_key=secret, base_url=f"{url}/v1/rerank"
    )
    results = ranker.run(query=QUERY, documents=documents)["documents"]
    assert near((result.content, result.score) for result in results) == EXPECTED[:2]


def test_haystack_tei(url, sdk):
    documents, secret = _haystack(sdk)
    name = "haystack_integrations.components.rankers.huggingface_api"
    ranker = sdk(name, "huggingface-api-haystack").HuggingFaceTEIRanker(url=url, top_k=2, token=secret)
    results = ranker.run(query=QUERY, documents=documents)["documents"]
    assert near((result.content, result.score) for result in results) == EXPECTED[:2]
