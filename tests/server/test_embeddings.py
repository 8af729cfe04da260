"""`/v1/embeddings`."""

from __future__ import annotations

import base64

import numpy as np
import pytest

import tiny
from shortlist.encoders.hashed import HashedEncoder
from shortlist.registry import load_encoder

BODY = {"model": "hashed-8", "input": ["tax is due", "cats"]}


def test_floats_are_the_encoders_vectors(client):
    answer = client.post("/v1/embeddings", json=BODY).json()
    assert [row["index"] for row in answer["data"]] == [0, 1]
    expected = HashedEncoder(8).encode_passages(BODY["input"])
    assert np.allclose([row["embedding"] for row in answer["data"]], expected)
    assert answer["model"] == "hashed-8"


def test_base64_is_little_endian_float32(client):
    plain = client.post("/v1/embeddings", json=BODY).json()
    coded = client.post("/v1/embeddings", json={**BODY, "encoding_format": "base64"}).json()
    for row, coded_row in zip(plain["data"], coded["data"], strict=True):
        vector = np.frombuffer(base64.b64decode(coded_row["embedding"]), dtype="<f4")
        assert vector.tolist() == row["embedding"]


def test_a_single_text_gives_a_single_vector(client):
    assert len(client.post("/v1/embeddings", json={**BODY, "input": "tax"}).json()["data"]) == 1


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"input": []}, "input is empty"),
        ({"input": ["a", " "]}, "empty text"),
        ({"input": [1, 2]}, "token ids"),
        ({"input": [[1], [2]]}, "token ids"),
        ({"dimensions": 4}, "8 dimensions"),
        ({"encoding_format": "hex"}, "encoding_format"),
        ({"input": ["a"] * 2049}, "at most 2048"),
    ],
)
def test_errors(client, change, message):
    answer = client.post("/v1/embeddings", json={**BODY, **change})
    assert answer.status_code == 400
    assert message in answer.json()["error"]["message"]


def test_tokens_are_counted_and_long_texts_refused_unless_cutting_is_allowed(serve, tmp_path):
    client = serve(encoder=load_encoder(str(tiny.encoder(tmp_path / "tiny")), precision="exact"))
    body = {"model": "tiny", "input": ["cat sat", "dog " * 40]}
    assert client.post("/v1/embeddings", json={**body, "input": "cat sat"}).json()["usage"]["prompt_tokens"] == 4
    refused = client.post("/v1/embeddings", json=body)
    assert refused.status_code == 400
    assert (
        "item 1 (counted from 0) of the field 'input' is longer than the 16 tokens"
        in refused.json()["error"]["message"]
    )
    cut = client.post("/v1/embeddings", json={**body, "truncate": True}).json()
    assert cut["truncated"] == 1
    assert cut["usage"]["total_tokens"] == 20


def test_null_counts_as_not_given(client):
    nothing = dict.fromkeys(["encoding_format", "dimensions", "user", "input_type", "truncate"])
    assert (
        client.post("/v1/embeddings", json={**BODY, **nothing}).json()
        == client.post("/v1/embeddings", json=BODY).json()
    )


def test_tei_embed_gives_bare_vectors(client):
    expected = HashedEncoder(8).encode_passages(["tax is due", "cats"])
    assert np.allclose(client.post("/embed", json={"inputs": ["tax is due", "cats"]}).json(), expected)
    assert np.allclose(client.post("/embed", json={"inputs": "tax is due"}).json(), expected[:1])


@pytest.mark.parametrize(
    ("change", "code", "kind"),
    [
        ({"inputs": []}, 400, "Empty"),
        ({"inputs": [""]}, 400, "Empty"),
        ({"inputs": 5}, 422, "Validation"),
        ({"dimensions": 3}, 422, "Validation"),
        ({"normalize": False}, 422, "Validation"),
        ({"truncate": True, "truncation_direction": "Left"}, 422, "Validation"),
    ],
)
def test_tei_embed_errors(client, change, code, kind):
    answer = client.post("/embed", json={"inputs": "tax", **change})
    assert (answer.status_code, answer.json()["error_type"]) == (code, kind)
