"""Clients for embeddings, and for the facts about a server."""

from __future__ import annotations

import pytest
from expected import DOCUMENTS, MODEL

ENCODER = "hashed-8"


def test_openai_embeddings_base64_and_float_agree(url, sdk):
    client = sdk("openai", "openai").OpenAI(base_url=f"{url}/v1", api_key="none")
    coded = client.embeddings.create(model=ENCODER, input=DOCUMENTS)
    plain = client.embeddings.create(model=ENCODER, input=DOCUMENTS, encoding_format="float")
    assert len(coded.data) == len(DOCUMENTS)
    assert len(coded.data[0].embedding) == 8
    for coded_row, plain_row in zip(coded.data, plain.data, strict=True):
        assert list(coded_row.embedding) == pytest.approx(plain_row.embedding)


def test_openai_models_and_errors(url, sdk):
    openai = sdk("openai", "openai")
    client = openai.OpenAI(base_url=f"{url}/v1", api_key="none")
    assert {model.id for model in client.models.list()} == {ENCODER, MODEL}
    assert client.models.retrieve(MODEL).id == MODEL
    with pytest.raises(openai.NotFoundError, match="text-embedding-3-small") as missing:
        client.embeddings.create(model="text-embedding-3-small", input="x")
    assert missing.value.code == "model_not_found"
    with pytest.raises(openai.BadRequestError, match="empty text") as empty:
        client.embeddings.create(model=ENCODER, input="")
    assert empty.value.param == "input"


def test_langchain_openai(url, sdk):
    embeddings = sdk("langchain_openai", "langchain-openai").OpenAIEmbeddings(
        base_url=f"{url}/v1", api_key="none", model=ENCODER, check_embedding_ctx_length=False
    )
    assert len(embeddings.embed_documents(DOCUMENTS)) == len(DOCUMENTS)


def test_hugging_face_feature_extraction(url, sdk):
    client = sdk("huggingface_hub", "huggingface_hub").InferenceClient(provider="hf-inference", token="none")
    vectors = client.feature_extraction(DOCUMENTS, model=f"{url}/embed")
    assert vectors.shape == (len(DOCUMENTS), 8)


def test_hugging_face_endpoint_info(url, sdk):
    client = sdk("huggingface_hub", "huggingface_hub").InferenceClient(provider="hf-inference", token="none")
    info = client.get_endpoint_info(model=url)
    assert info["model_id"] == MODEL
    assert info["max_client_batch_size"] == 2048


def test_litellm_embeddings(url, sdk):
    litellm = sdk("litellm", "litellm")
    answer = litellm.embedding(model=f"openai/{ENCODER}", input=DOCUMENTS, api_base=f"{url}/v1", api_key="none")
    assert len(answer.data) == len(DOCUMENTS)


def test_cohere_embeds(url, sdk):
    client = sdk("cohere", "cohere").ClientV2(api_key="none", base_url=url)
    answer = client.embed(
        model=ENCODER, texts=DOCUMENTS, input_type="search_document", embedding_types=["float", "ubinary"]
    )
    assert (len(answer.embeddings.float_), len(answer.embeddings.float_[0])) == (len(DOCUMENTS), 8)
    assert len(answer.embeddings.ubinary) == len(DOCUMENTS)


def test_voyage_embeds(url, sdk):
    client = sdk("voyageai", "voyageai").Client(api_key="none", base_url=f"{url}/voyage/v1")
    answer = client.embed(DOCUMENTS, model=ENCODER, input_type="document")
    assert (len(answer.embeddings), len(answer.embeddings[0])) == (len(DOCUMENTS), 8)
    assert len(client.embed(DOCUMENTS, model=ENCODER, output_dtype="ubinary").embeddings[0]) == 1


def test_ollama_embeds(url, sdk):
    answer = sdk("ollama", "ollama").Client(host=url).embed(model=ENCODER, input=DOCUMENTS)
    assert (len(answer.embeddings), len(answer.embeddings[0])) == (len(DOCUMENTS), 8)
