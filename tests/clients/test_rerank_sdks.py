"""The vendors' own clients for reranking."""

from __future__ import annotations

import pytest
from expected import BEST, DOCUMENTS, LOGITS, MODEL, ORDER, QUERY


def rows(results) -> list[tuple[int, float]]:
    return [(result.index, pytest.approx(result.relevance_score)) for result in results]


def test_cohere_v2(url, sdk):
    client = sdk("cohere", "cohere").ClientV2(api_key="none", base_url=url)
    answer = client.rerank(model=MODEL, query=QUERY, documents=DOCUMENTS, max_tokens_per_doc=None)
    assert rows(answer.results) == BEST
    assert rows(client.rerank(model=MODEL, query=QUERY, documents=DOCUMENTS, top_n=1).results) == BEST[:1]
    assert answer.meta.api_version.version == "2"


def test_cohere_v2_errors(url, sdk):
    cohere = sdk("cohere", "cohere")
    client = cohere.ClientV2(api_key="none", base_url=url)
    with pytest.raises(cohere.NotFoundError) as missing:
        client.rerank(model="rerank-v9", query=QUERY, documents=DOCUMENTS)
    assert missing.value.status_code == 404
    assert "rerank-v9" in str(missing.value.body)
    with pytest.raises(cohere.BadRequestError, match="documents is empty"):
        client.rerank(model=MODEL, query=QUERY, documents=[])
    with pytest.raises(cohere.UnprocessableEntityError, match="'top_k' is not a valid field"):
        client.rerank(
            model=MODEL,
            query=QUERY,
            documents=DOCUMENTS,
            request_options={"additional_body_parameters": {"top_k": 1}},
        )


def test_cohere_v1(url, sdk):
    cohere = sdk("cohere", "cohere")
    client = cohere.Client(api_key="none", base_url=url)
    if not hasattr(client, "rerank"):
        pytest.skip(f"cohere {cohere.__version__} has no v1 rerank any more")
    documents = [DOCUMENTS[0], {"text": DOCUMENTS[1]}, DOCUMENTS[2]]
    answer = client.rerank(query=QUERY, documents=documents, top_n=2, return_documents=True)
    assert rows(answer.results) == BEST[:2]
    assert answer.results[0].document.text == DOCUMENTS[1]
    with pytest.raises(cohere.NotFoundError):
        client.rerank(query=QUERY, documents=documents, model="rerank-v9")


def test_voyage(url, sdk):
    voyageai = sdk("voyageai", "voyageai")
    client = voyageai.Client(api_key="none", base_url=f"{url}/voyage/v1")
    answer = client.rerank(QUERY, DOCUMENTS, model=MODEL)
    assert rows(answer.results) == BEST
    assert [result.document for result in answer.results] == [DOCUMENTS[place] for place in ORDER]
    assert rows(client.rerank(QUERY, DOCUMENTS, model=MODEL, top_k=2, truncation=False).results) == BEST[:2]
    with pytest.raises(voyageai.error.InvalidRequestError, match="rerank-9"):
        client.rerank(QUERY, DOCUMENTS, model="rerank-9")


async def ask_async(cohere, url):
    async with cohere.AsyncClientV2(api_key="none", base_url=url) as client:
        return await client.rerank(model=MODEL, query=QUERY, documents=DOCUMENTS)


def test_cohere_async(url, sdk):
    import asyncio

    cohere = sdk("cohere", "cohere")
    assert rows(asyncio.run(ask_async(cohere, url)).results) == BEST


LITELLM = [
    ("cohere", ""),
    ("jina_ai", ""),
    ("infinity", ""),
    ("voyage", "/voyage/v1"),
    ("huggingface", ""),
]


@pytest.mark.parametrize(("provider", "below"), LITELLM)
def test_litellm(url, sdk, provider, below):
    litellm = sdk("litellm", "litellm")
    answer = litellm.rerank(
        model=f"{provider}/{MODEL}",
        query=QUERY,
        documents=DOCUMENTS,
        top_n=2,
        api_base=f"{url}{below}",
        api_key="none",
    )
    assert [(row["index"], pytest.approx(row["relevance_score"])) for row in answer.results][:2] == BEST[:2]


def test_litellm_reports_what_was_wrong(url, sdk):
    litellm = sdk("litellm", "litellm")
    with pytest.raises(Exception, match="rerank-v9"):
        litellm.rerank(model="cohere/rerank-v9", query=QUERY, documents=DOCUMENTS, api_base=url, api_key="none")


def test_hugging_face_post(url, sdk):
    hub = sdk("huggingface_hub", "huggingface_hub")
    client = hub.InferenceClient(model=f"{url}/rerank", token="none")
    if not hasattr(client, "post"):
        pytest.skip(f"huggingface_hub {hub.__version__} has no InferenceClient.post: versions before 0.31 do")
    import json

    answer = json.loads(client.post(json={"query": QUERY, "texts": DOCUMENTS, "raw_scores": True}))
    assert [(row["index"], row["score"]) for row in answer] == [(place, LOGITS[place]) for place in ORDER]
