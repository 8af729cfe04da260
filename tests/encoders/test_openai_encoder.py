"""The bi-encoder behind an embeddings endpoint, against a stand-in on loopback."""

from __future__ import annotations

import socket

import numpy as np
import pytest

from shortlist import registry
from shortlist.encoders.hashed import HashedEncoder
from shortlist.encoders.openai import OpenAIEncoder, parse
from shortlist.errors import BadScores, HostedRefused, HostedUnavailable, InvalidInput
from standin_vendor import standin_vendor

KEY = "sk-very-secret-key"
HASHED = HashedEncoder(16)
TEXTS = [f"text number {number}" for number in range(70)]


def embeddings(body):
    """The answer of OpenAI, with the vectors in another order, twice as long."""
    assert set(body) == {"model", "input", "encoding_format"}
    assert body["encoding_format"] == "float"
    rows = HASHED.encode_passages(body["input"]) * 2
    data = [{"object": "embedding", "index": place, "embedding": row.tolist()} for place, row in enumerate(rows)]
    return {"object": "list", "data": data[::-1], "model": body["model"], "usage": {"total_tokens": 5}}


@pytest.fixture(autouse=True)
def key(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


@pytest.fixture
def server():
    with standin_vendor(embeddings) as vendor:
        yield vendor


@pytest.mark.parametrize(
    ("name", "model", "url", "endpoint"),
    [
        ("openai:text-embedding-3-small", "text-embedding-3-small", "", "https://api.openai.com/v1/embeddings"),
        ("openai:org/m@v2", "org/m@v2", "", "https://api.openai.com/v1/embeddings"),
        ("openai:m@http://h:8080", "m", "http://h:8080", "http://h:8080/v1/embeddings"),
        ("openai:m@https://h/api/v1/", "m", "https://h/api/v1/", "https://h/api/v1/embeddings"),
        ("openai:m@http://h/x/embeddings?v=1", "m", "http://h/x/embeddings?v=1", "http://h/x/embeddings?v=1"),
    ],
)
def test_names_and_urls(name, model, url, endpoint):
    address = parse(name)
    assert (address.model, address.url, address.endpoint) == (model, url, endpoint)
    assert address.name == name.split("?")[0]
    assert registry.encoder_name(name) == address.name


@pytest.mark.parametrize(
    "address",
    [
        "localhost:8000/v1",
        "localhost",
        "10.0.0.5",
        "10.0.0.5/v1",
        "box:8000",
        "[::1]:80",
        "h/v1",
        "api.example.com/x",
        "HTTP://h:8000",
        "ftp://h",
    ],
)
def test_an_address_without_http_never_becomes_a_model_of_openai(address):
    with pytest.raises(InvalidInput, match="part after @ is no URL: write http://localhost:8000/v1"):
        parse(f"openai:m@{address}")


@pytest.mark.parametrize("model", ["@cf/baai/bge-small-en-v1.5", "text@001", "@cf/qwen:7b", "org/m@v1.5-2"])
def test_a_model_may_have_an_at_sign_in_its_name(model):
    assert (parse(f"openai:{model}").model, parse(f"openai:{model}").url) == (model, "")
    assert parse(f"openai:{model}@http://h:1").model == model


@pytest.mark.parametrize("name", ["openai:", "openai:http://h", "openai:m@http://", "openai:@http://h"])
def test_a_name_without_model_or_host_is_refused(name):
    with pytest.raises(InvalidInput, match="write openai:MODEL or openai:MODEL@http://host:port/v1"):
        registry.load_encoder(name)


def test_a_password_in_the_url_is_refused_and_not_shown():
    with pytest.raises(InvalidInput, match="leave user name and password out") as error:
        parse("openai:m@http://me:secret@h")
    assert "secret" not in str(error.value)


def test_the_url_of_the_environment(monkeypatch):
    monkeypatch.setenv("OPENAI_BASE_URL", "http://h:1/v1")
    assert parse("openai:m").endpoint == "http://h:1/v1/embeddings"
    assert parse("openai:m@http://other").endpoint == "http://other/v1/embeddings"


def test_openai_needs_a_key_and_a_server_of_your_own_does_not(monkeypatch, server):
    monkeypatch.delenv("OPENAI_API_KEY")
    with pytest.raises(HostedRefused, match="openai:m needs a key: set OPENAI_API_KEY"):
        OpenAIEncoder("openai:m")
    assert OpenAIEncoder(f"openai:m@{server.url}").dimension == 16
    assert "authorization" not in server.seen[0][2]


def test_vectors_are_unit_rows_in_the_order_of_the_texts(server):
    encoder = registry.load_encoder(f"openai:m@{server.url}")
    assert type(encoder) is OpenAIEncoder
    np.testing.assert_allclose(encoder.encode_queries(TEXTS), HASHED.encode_queries(TEXTS), atol=1e-6)
    np.testing.assert_allclose(encoder.encode_passages(TEXTS[:3]), HASHED.encode_passages(TEXTS[:3]), atol=1e-6)
    assert [len(body["input"]) for _, body, _ in server.seen] == [32, 32, 6, 3]
    assert {path for path, _, _ in server.seen} == {"/v1/embeddings"}
    assert {headers["authorization"] for *_, headers in server.seen} == {f"Bearer {KEY}"}
    assert encoder.encode_queries(["a"]).dtype == np.float32


def test_the_dimension_is_that_of_the_first_answer(server):
    encoder = OpenAIEncoder(f"openai:m@{server.url}")
    assert server.seen == []
    assert encoder.encode_queries([]).shape == (0, 16)
    assert (encoder.dimension, len(server.seen)) == (16, 1)
    other = OpenAIEncoder(f"openai:m@{server.url}")
    other.encode_queries(["a"])
    assert (other.dimension, len(server.seen)) == (16, 2)
    assert KEY not in repr(other)


@pytest.mark.parametrize("status", [429, 500, 503])
def test_transient_errors_are_tried_again(server, status):
    waits = []
    encoder = OpenAIEncoder(f"openai:m@{server.url}", sleep=waits.append)
    server.script = [(status, {}, {"Retry-After": "3"}), (status, {}, {})]
    assert encoder.encode_queries(["a"]).shape == (1, 16)
    assert waits == [3.0, 1.0]


@pytest.mark.parametrize(
    ("status", "error", "message"),
    [
        (401, HostedRefused, "the key in OPENAI_API_KEY"),
        (400, HostedRefused, "too long"),
        (503, HostedUnavailable, "4"),
    ],
)
def test_refusals_are_named_without_the_key(server, status, error, message):
    encoder = OpenAIEncoder(f"openai:m@{server.url}", sleep=lambda seconds: None)
    server.script = [(status, {"error": {"message": f"too long, {KEY}"}}, {})] * 4
    with pytest.raises(error, match=message) as raised:
        encoder.encode_queries(["a"])
    assert KEY not in str(raised.value)


def test_no_server():
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    with pytest.raises(HostedUnavailable, match="no connection"):
        OpenAIEncoder(f"openai:m@http://127.0.0.1:{port}", retries=0).encode_queries(["a"])


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ({}, "no vectors for 2 texts"),
        ({"data": [{"index": 0, "embedding": [1.0]}]}, "1 vectors for 2 texts"),
        ({"data": [{"index": 0, "embedding": [1.0]}, {"index": 0, "embedding": [1.0]}]}, "for text 2 of 2"),
        ({"data": [{"index": 0, "embedding": [1.0]}, {"index": 1, "embedding": "AAAA"}]}, "for text 2 of 2"),
        ({"data": [{"embedding": [1.0, 2.0]}, {"embedding": [1.0]}]}, "vectors of 2 and of 1 numbers"),
        ({"data": [{"embedding": [1.0, None]}, {"embedding": [1.0, 2.0]}]}, "for text 1 of 2"),
        (b"no json", "not JSON"),
    ],
)
def test_bad_answers_are_named(server, answer, message):
    server.script = [(200, answer, {})]
    with pytest.raises(BadScores, match=message):
        OpenAIEncoder(f"openai:m@{server.url}").encode_queries(["a", "b"])


@pytest.mark.parametrize("options", [{"timeout": 0}, {"retries": -1}, {"max_texts": 0}])
def test_arguments_out_of_range(options):
    with pytest.raises(InvalidInput, match="timeout must be above 0"):
        OpenAIEncoder("openai:m", **options)


def test_a_splitter_for_a_model_with_an_unknown_window():
    assert registry.make_splitter("openai:m").limit == registry.make_splitter("hashed-64").limit


@pytest.mark.parametrize("address", ["localhost", "localhost:8000/v1", "127.0.0.1:8000", "host:8000/v1", "host/v1/"])
def test_an_address_without_a_model_is_no_model(address):
    with pytest.raises(InvalidInput, match="is no bi-encoder: write openai:MODEL or"):
        parse(f"openai:{address}")


@pytest.mark.parametrize(
    "model", ["qwen2.5:7b", "org/model-v1", "text-embedding-3-small", "@cf/baai/bge-small-en-v1.5"]
)
def test_names_of_models_may_look_alike(model):
    assert parse(f"openai:{model}").model == model
