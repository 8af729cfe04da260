"""The routes that score pairs or embed texts in the formats of vLLM, TEI, Cohere, Voyage, Ollama and Jina."""

from __future__ import annotations

import base64
import codecs
import json
import math

import numpy as np
import pytest

import tiny
from fakes import WordReranker
from shortlist import CrossEncoder
from shortlist.encoders.hashed import HashedEncoder
from shortlist.registry import load_encoder
from shortlist.server.options import RequestLimits

QUERY, OTHER = "when is tax due", "cats"
TEXTS = ["cats sleep", "when is tax due", "a tax"]
VECTORS = HashedEncoder(8).encode_passages(TEXTS)


def sigmoid(logit):
    return 1 / (1 + math.exp(-logit))


def logits(*pairs):
    return [WordReranker().score(query, [text])[0] for query, text in pairs]


def scores(answer):
    assert answer.status_code == 200, answer.text
    return [row["score"] for row in answer.json()["data"]]


@pytest.mark.parametrize("path", ["/v1/score", "/score"])
@pytest.mark.parametrize("names", [("text_1", "text_2"), ("queries", "documents"), ("data_1", "data_2")])
@pytest.mark.parametrize(
    ("first", "second", "pairs"),
    [
        (QUERY, TEXTS, [(QUERY, text) for text in TEXTS]),
        ([QUERY], TEXTS, [(QUERY, text) for text in TEXTS]),
        (QUERY, TEXTS[0], [(QUERY, TEXTS[0])]),
        ([QUERY, OTHER, QUERY], TEXTS, [(QUERY, TEXTS[0]), (OTHER, TEXTS[1]), (QUERY, TEXTS[2])]),
    ],
)
def test_vllm_scores_in_the_order_of_the_request(client, path, names, first, second, pairs):
    body = {"model": "words", names[0]: first, names[1]: second, "unknown": 1}
    answer = client.post(path, json=body)
    assert scores(answer) == pytest.approx([sigmoid(logit) for logit in logits(*pairs)])
    assert [(row["index"], row["object"]) for row in answer.json()["data"]] == [
        (place, "score") for place in range(len(pairs))
    ]
    assert {"id", "object", "created", "model", "data", "usage"} == set(answer.json())
    assert scores(client.post(path, json=body | {"use_activation": False})) == pytest.approx(logits(*pairs))


@pytest.mark.parametrize(
    ("change", "code", "message"),
    [
        ({"text_1": [QUERY, OTHER]}, 400, "text_1 has 2 texts and text_2 has 3"),
        ({"text_1": []}, 400, "text_1 has 0 texts and text_2 has 3"),
        ({"text_1": ""}, 400, "the field 'text_1' is empty: give at least one word"),
        ({"text_1": [QUERY, " ", QUERY]}, 400, "item 1 (counted from 0) of the field 'text_1' is empty"),
        ({"text_2": []}, 400, "text_2 is empty"),
        ({"text_2": None}, 400, "the field 'text_2' is required"),
        ({"text_1": None, "text_2": None, "data_1": QUERY}, 400, "the field 'data_2' is required"),
        ({"text_1": None, "text_2": None, "documents": TEXTS}, 400, "the field 'queries' is required"),
        ({"queries": QUERY}, 400, "text_1 and queries are both given"),
        ({"data_2": TEXTS}, 400, "text_2 and data_2 are both given"),
        ({"text_2": [1]}, 400, "item 0 (counted from 0) of the field 'text_2' must be a text"),
        ({"model": "other"}, 404, "model 'other' not found"),
        ({"truncate_prompt_tokens": 5}, 400, "truncate_prompt_tokens is 5"),
        ({"text_2": ["a"] * 2049}, 400, "at most 2048"),
    ],
)
def test_vllm_errors(serve, tmp_path, change, code, message):
    client = serve(CrossEncoder(str(tiny.cross_encoder(tmp_path / "words")), precision="exact", device="cpu"))
    body = {"model": "words", "text_1": QUERY, "text_2": TEXTS}
    answer = client.post("/v1/score", json={**body, **change})
    assert (answer.status_code, set(answer.json()["error"])) == (code, {"message", "type", "param", "code"})
    assert message in answer.json()["error"]["message"]


def test_vllm_refuses_a_long_text_unless_it_may_be_cut(serve, tmp_path):
    client = serve(CrossEncoder(str(tiny.cross_encoder(tmp_path / "tiny")), precision="exact", device="cpu"))
    body = {"text_1": ["a", "the"], "text_2": ["cat", "dog " * 90]}
    refused = client.post("/v1/score", json=body)
    assert refused.status_code == 400
    assert "item 1 (counted from 0) of the field 'text_2' is longer than the model reads" in refused.text
    assert len(scores(client.post("/v1/score", json=body | {"truncate_prompt_tokens": -1}))) == 2


LONG, FROM_0 = "dog " * 90, "(counted from 0)"


@pytest.mark.parametrize(
    ("path", "body", "place", "param"),
    [
        ("/v1/score", {"text_1": LONG, "text_2": TEXTS}, "the field 'text_1'", "text_1"),
        (
            "/score",
            {"queries": ["a", LONG], "documents": ["b", "c"]},
            f"item 1 {FROM_0} of the field 'queries'",
            "queries[1]",
        ),
        ("/predict", {"inputs": [LONG, "dog"]}, f"item 0 {FROM_0} of the field 'inputs'", None),
        ("/predict", {"inputs": [["a", "b"], [LONG, "dog"]]}, f"item 0 {FROM_0} of item 1 of the field 'inputs'", None),
    ],
)
def test_a_query_of_a_pair_beyond_the_window(serve, tmp_path, path, body, place, param):
    client = serve(CrossEncoder(str(tiny.cross_encoder(tmp_path / "tiny")), precision="exact", device="cpu"))
    answer = client.post(path, json=body)
    error = answer.json()["error"]
    message = error if param is None else error["message"]
    assert answer.status_code == (422 if param is None else 400)
    assert message.startswith(f"{place} is too long: the query has 90 tokens")
    assert message.endswith("Shorten the query to 29 tokens")
    assert param is None or error["param"] == param


def test_a_long_text_of_a_single_tei_pair_is_the_second_item(serve, tmp_path):
    client = serve(CrossEncoder(str(tiny.cross_encoder(tmp_path / "tiny")), precision="exact", device="cpu"))
    answer = client.post("/predict", json={"inputs": ["cat", LONG], "truncate": False})
    assert "item 1 (counted from 0) of the field 'inputs' is longer than the model reads" in answer.json()["error"]


def test_tei_predicts_pairs(client):
    single = client.post("/predict", json={"inputs": [QUERY, TEXTS[1]]}).json()
    expected = [sigmoid(logit) for logit in logits((QUERY, TEXTS[1]), (OTHER, TEXTS[0]))]
    assert single == [{"score": pytest.approx(expected[0]), "label": "LABEL_0"}]
    pairs = [[QUERY, TEXTS[1]], [OTHER, TEXTS[0]]]
    rows = client.post("/predict", json={"inputs": pairs}).json()
    assert [row[0]["score"] for row in rows] == pytest.approx(expected)
    raw = client.post("/predict", json={"inputs": pairs[:1], "raw_scores": True}).json()
    assert raw == [[{"score": pytest.approx(logits((QUERY, TEXTS[1]))[0]), "label": "LABEL_0"}]]


@pytest.mark.parametrize(
    ("inputs", "code", "message"),
    [
        ("a text", 422, "item 0 (counted from 0) of the field 'inputs' is not a pair"),
        (["a", "b", "c"], 422, "item 0 (counted from 0) of the field 'inputs' is not a pair"),
        ([["a", "b"], ["c"]], 422, "item 1 (counted from 0) of the field 'inputs' is not a pair"),
        ([["a", "b"], "c"], 422, "item 1 (counted from 0) of the field 'inputs' is not a pair"),
        ([[1, 2]], 422, "inputs"),
        (5, 422, "inputs"),
        ([["a", "b"], ["", "b"]], 400, "item 0 (counted from 0) of item 1 of the field 'inputs' is empty"),
        (["", "b"], 400, "item 0 (counted from 0) of the field 'inputs' is empty"),
    ],
)
def test_tei_predict_errors(client, inputs, code, message):
    answer = client.post("/predict", json={"inputs": inputs})
    assert (answer.status_code, set(answer.json())) == (code, {"error", "error_type"})
    assert message in answer.json()["error"]


def test_tei_similarities_are_cosines(client):
    body = {"inputs": {"source_sentence": TEXTS[0], "sentences": TEXTS}}
    expected = VECTORS @ VECTORS[0]
    assert client.post("/similarity", json=body).json() == pytest.approx(expected.tolist(), abs=1e-6)
    body["parameters"] = {"truncate": True, "prompt_name": "query"}
    assert client.post("/similarity", json=body).status_code == 200


@pytest.mark.parametrize(
    ("inputs", "code"),
    [
        ({"source_sentence": "a", "sentences": []}, 400),
        ({"source_sentence": "a", "sentences": [""]}, 400),
        ({"source_sentence": "a"}, 422),
        ({"sentences": ["a"]}, 422),
        ("a", 422),
    ],
)
def test_tei_similarity_errors(client, inputs, code):
    answer = client.post("/similarity", json={"inputs": inputs})
    assert (answer.status_code, set(answer.json())) == (code, {"error", "error_type"})


COHERE = {"model": "hashed-8", "texts": TEXTS, "input_type": "search_document"}


def test_cohere_embeds_in_every_form(client):
    answer = client.post("/v2/embed", json={**COHERE, "embedding_types": ["float", "base64", "ubinary", "binary"]})
    body = answer.json()
    forms = body["embeddings"]
    assert set(body) == {"id", "embeddings", "texts", "meta", "response_type"}
    assert np.allclose(forms["float"], VECTORS)
    assert np.frombuffer(base64.b64decode(forms["base64"][2]), "<f4").tolist() == forms["float"][2]
    assert forms["ubinary"] == np.packbits(VECTORS > 0, axis=1).tolist()
    assert forms["binary"] == [[byte - 128 for byte in row] for row in forms["ubinary"]]
    assert set(client.post("/v2/embed", json=COHERE).json()["embeddings"]) == {"float"}


def test_cohere_embeds_inputs_in_parts(client):
    def inputs(*texts):
        return [{"content": [{"type": "text", "text": part} for part in text.split("|")]} for text in texts]

    body = {"model": "hashed-8", "input_type": "search_document"}
    answer = client.post("/v2/embed", json={**body, "inputs": inputs(*TEXTS)}).json()
    assert np.allclose(answer["embeddings"]["float"], VECTORS)
    assert answer["texts"] == TEXTS
    assert client.post("/v2/embed", json={**body, "inputs": inputs("cats|sleep")}).json()["texts"] == ["cats\nsleep"]
    image = [{"content": [{"type": "image_url", "image_url": {"url": "a"}}]}]
    for change, message in (
        ({"inputs": image}, "item 0 (counted from 0) of the field 'inputs' has a part of type 'image_url'"),
        ({"inputs": []}, "inputs is empty"),
        ({"inputs": [{"content": []}]}, "inputs"),
        ({"inputs": inputs("a"), "texts": TEXTS}, "texts and inputs are both given"),
        ({}, "the field 'texts' is required"),
    ):
        refused = client.post("/v2/embed", json={**body, **change})
        assert (refused.status_code, message in refused.json()["message"]) == (400, True), refused.text


@pytest.mark.parametrize(
    ("item", "code", "message"),
    [
        ({"content": [{"type": "text", "text": "a"}], "weight": 2}, 422, "parameter 'inputs[0].weight' is not a valid"),
        ({"content": [{"type": "text", "text": "a", "lang": "en"}]}, 422, "'inputs[0].content[0].lang' is not a valid"),
        ({"content": [{"type": "text", "text": "a", "image_url": {}}]}, 400, "item 0 (counted from 0) of the field "),
    ],
)
def test_cohere_refuses_unknown_keys_of_an_input(client, item, code, message):
    body = {"model": "hashed-8", "input_type": "search_document", "inputs": [item]}
    refused = client.post("/v2/embed", json=body)
    assert (refused.status_code, message in refused.json()["message"]) == (code, True), refused.text


def test_cohere_has_a_prompt_for_queries_and_warns_of_cut_texts(serve, tmp_path):
    folder = tiny.encoder(tmp_path / "tiny")
    (folder / "config_sentence_transformers.json").write_text('{"prompts": {"query": "red ", "document": ""}}')
    client = serve(encoder=load_encoder(str(folder), precision="exact", device="cpu"))
    body = {"model": "tiny", "texts": ["cat"], "input_type": "search_query"}
    query = client.post("/v2/embed", json=body).json()["embeddings"]["float"]
    document = client.post("/v2/embed", json={**body, "input_type": "search_document"}).json()["embeddings"]["float"]
    assert query != document
    long = {**body, "texts": ["cat", "dog " * 40]}
    assert client.post("/v2/embed", json=long).json()["meta"]["warnings"] == [
        "1 of 2 texts were cut to the model's window"
    ]
    assert client.post("/v2/embed", json={**long, "truncate": "NONE"}).status_code == 400


@pytest.mark.parametrize(
    ("change", "code", "message"),
    [
        ({"texts": []}, 400, "texts is empty"),
        ({"texts": [" "]}, 400, "empty text"),
        ({"input_type": None}, 400, "the field 'input_type' is required"),
        ({"input_type": "image"}, 400, "reads no images"),
        ({"embedding_types": ["int8"]}, 400, "needs a calibration"),
        ({"embedding_types": ["hex"]}, 400, "embedding_types"),
        ({"truncate": "START"}, 400, "cut at their end alone"),
        ({"output_dimension": 4}, 400, "8 dimensions"),
        ({"model": "embed-v4.0"}, 404, "not found"),
        ({"images": ["x"]}, 422, "unknown field"),
    ],
)
def test_cohere_embed_errors(client, change, code, message):
    answer = client.post("/v2/embed", json={**COHERE, **change})
    assert (answer.status_code, set(answer.json())) == (code, {"id", "message"})
    assert message in answer.json()["message"]


VOYAGE = {"model": "hashed-8", "input": TEXTS}


def test_voyage_embeds_in_every_form(client):
    plain = client.post("/voyage/v1/embeddings", json=VOYAGE).json()
    assert np.allclose([row["embedding"] for row in plain["data"]], VECTORS)
    assert (plain["object"], plain["model"], set(plain["usage"])) == ("list", "hashed-8", {"total_tokens"})
    coded = client.post("/voyage/v1/embeddings", json={**VOYAGE, "encoding_format": "base64"}).json()["data"]
    assert np.frombuffer(base64.b64decode(coded[1]["embedding"]), "<f4").tolist() == plain["data"][1]["embedding"]
    bits = client.post("/voyage/v1/embeddings", json={**VOYAGE, "output_dtype": "ubinary"}).json()["data"]
    assert [row["embedding"] for row in bits] == np.packbits(VECTORS > 0, axis=1).tolist()
    for dtype, number in (("ubinary", np.uint8), ("binary", np.int8)):
        body = {**VOYAGE, "output_dtype": dtype}
        plain_bits = client.post("/voyage/v1/embeddings", json=body).json()["data"][0]["embedding"]
        coded_bits = client.post("/voyage/v1/embeddings", json={**body, "encoding_format": "base64"}).json()["data"][0]
        assert np.frombuffer(base64.b64decode(coded_bits["embedding"]), number).tolist() == plain_bits
    assert len(client.post("/voyage/v1/embeddings", json={**VOYAGE, "input": "tax"}).json()["data"]) == 1


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"input": []}, "input is empty"),
        ({"input_type": "passage"}, "input_type"),
        ({"output_dtype": "int8"}, "output_dtype int8 needs a calibration"),
        ({"encoding_format": "hex"}, "encoding_format"),
        ({"output_dimension": 4}, "8 dimensions"),
        ({"model": "voyage-3"}, "not found"),
        ({"other": 1}, "unknown field"),
    ],
)
def test_voyage_embed_errors(client, change, message):
    answer = client.post("/voyage/v1/embeddings", json={**VOYAGE, **change})
    assert (answer.status_code, set(answer.json())) == (400, {"detail"})
    assert message in answer.json()["detail"]


@pytest.mark.parametrize("model", ["hashed-8", "hashed-8:latest"])
def test_ollama_embeds(client, model):
    body = {"model": model, "input": TEXTS, "keep_alive": "5m", "options": {"num_ctx": 512}, "truncate": True}
    answer = client.post("/api/embed", json=body).json()
    assert set(answer) == {"model", "embeddings", "total_duration", "load_duration", "prompt_eval_count"}
    assert np.allclose(answer["embeddings"], VECTORS)
    assert (answer["model"], answer["total_duration"] > 0) == (model, True)
    assert len(client.post("/api/embed", json={"model": model, "input": "tax"}).json()["embeddings"]) == 1


@pytest.mark.parametrize(
    ("change", "code", "message"),
    [
        ({"input": []}, 400, "input is empty"),
        ({"input": 3}, 400, "input"),
        ({"model": "llama3"}, 404, "not found"),
        ({"dimensions": 3}, 400, "8 dimensions"),
    ],
)
def test_ollama_errors(client, change, code, message):
    answer = client.post("/api/embed", json={"model": "hashed-8", "input": TEXTS, **change})
    assert (answer.status_code, set(answer.json())) == (code, {"error"})
    assert message in answer.json()["error"]


@pytest.mark.parametrize(
    ("path", "body", "advice"),
    [
        ("/v2/embed", {**COHERE, "model": "tiny", "texts": ["dog " * 40], "truncate": "NONE"}, '"truncate": "END"'),
        ("/voyage/v1/embeddings", {"model": "tiny", "input": "dog " * 40, "truncation": False}, '"truncation": true'),
        (
            "/similarity",
            {"inputs": {"source_sentence": "cat", "sentences": ["dog " * 40]}},
            '"parameters": {"truncate": true}',
        ),
    ],
)
def test_an_error_about_a_long_text_names_the_field_of_its_dialect(serve, tmp_path, path, body, advice):
    encoder = load_encoder(str(tiny.encoder(tmp_path / "tiny")), precision="exact", device="cpu")
    answer = serve(encoder=encoder).post(path, json=body)
    assert answer.status_code >= 400
    assert f"or send {advice} to embed its start" in json.dumps(answer.json(), ensure_ascii=False).replace("\\", "")


def test_the_older_route_of_ollama_embeds_one_text(client):
    answer = client.post("/api/embeddings", json={"model": "hashed-8", "prompt": TEXTS[0]}).json()
    assert set(answer) == {"embedding"}
    assert np.allclose(answer["embedding"], VECTORS[0])


@pytest.mark.parametrize(
    ("body", "code", "message"),
    [
        ({"model": "hashed-8"}, 400, "'prompt' is required"),
        ({"model": "hashed-8", "prompt": " "}, 400, "prompt"),
        ({"model": "llama3", "prompt": "a"}, 404, "not found"),
    ],
)
def test_errors_of_the_older_route_of_ollama(client, body, code, message):
    answer = client.post("/api/embeddings", json=body)
    assert (answer.status_code, set(answer.json())) == (code, {"error"})
    assert message in answer.json()["error"]


def test_a_byte_order_mark_before_a_body_is_ignored(client):
    body = codecs.BOM_UTF8 + json.dumps(ROUTES["/api/embed"]).encode()
    assert client.post("/api/embed", content=body).status_code == 200
    assert client.post("/api/embed", content=codecs.BOM_UTF8 * 2 + b"{}").status_code == 400


def test_jina_sends_objects_and_fields_of_its_own(client):
    body = {"model": "hashed-8", "task": "retrieval.passage", "normalized": True, "embedding_type": "float"}
    plain = client.post("/v1/embeddings", json={"model": "hashed-8", "input": TEXTS}).json()
    objects = [{"text": text} for text in TEXTS]
    assert client.post("/v1/embeddings", json={**body, "input": objects}).json() == plain
    mixed = [objects[0], TEXTS[1], objects[2]]
    assert client.post("/v1/embeddings", json={**body, "input": mixed}).json() == plain
    assert client.post("/v1/embeddings", json={**body, "input": objects[0]}).json()["data"] == plain["data"][:1]
    bits = client.post("/v1/embeddings", json={**body, "input": objects, "embedding_type": "binary"}).json()
    assert bits["data"][0]["embedding"] == [int(byte) - 128 for byte in np.packbits(VECTORS[0] > 0)]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"input": [{"image": "x"}]},
            "item 0 (counted from 0) of the field 'input' has 'image': this model reads objects with text alone",
        ),
        ({"input": [{"text": "a", "image": "x"}]}, "item 0 (counted from 0) of the field 'input' has 'image', 'text'"),
        ({"input": [{"text": "a"}, {"text": 3}]}, "item 1 (counted from 0) of the field 'input' has 'text'"),
        ({"input": {}}, "item 0 (counted from 0) of the field 'input' has nothing"),
        ({"late_chunking": True}, "late_chunking is not available"),
        ({"normalized": False}, "normalized"),
        ({"embedding_type": "binary", "encoding_format": "base64"}, "contradict each other"),
    ],
)
def test_jina_errors(client, change, message):
    answer = client.post("/v1/embeddings", json={"model": "hashed-8", "input": [{"text": "a"}], **change})
    assert answer.status_code == 400
    assert message in answer.json()["error"]["message"]


def test_the_task_of_jina_selects_the_prompt(serve, tmp_path):
    folder = tiny.encoder(tmp_path / "tiny")
    (folder / "config_sentence_transformers.json").write_text('{"prompts": {"query": "red ", "document": ""}}')
    client = serve(encoder=load_encoder(str(folder), precision="exact", device="cpu"))
    body = {"model": "tiny", "input": [{"text": "cat"}]}
    vectors = [
        client.post("/v1/embeddings", json={**body, **change}).json()["data"][0]["embedding"]
        for change in ({"task": "retrieval.query"}, {"input_type": "query"}, {"task": "retrieval.passage"}, {})
    ]
    assert vectors[0] == vectors[1] != vectors[2] == vectors[3]


ROUTES = {
    "/v1/score": {"text_1": QUERY, "text_2": TEXTS},
    "/predict": {"inputs": [QUERY, TEXTS[0]]},
    "/similarity": {"inputs": {"source_sentence": "a", "sentences": ["b"]}},
    "/v2/embed": COHERE,
    "/voyage/v1/embeddings": VOYAGE,
    "/api/embed": {"model": "hashed-8", "input": "a"},
}


@pytest.mark.parametrize("path", ROUTES)
def test_a_server_without_the_model_answers_503(serve, path):
    client = serve(scorer=None, encoder=None)
    assert client.post(path, json=ROUTES[path]).status_code == 503


@pytest.mark.parametrize("path", ["/v1/score", "/predict"])
def test_a_failure_of_one_query_is_the_failure_of_the_request(serve, path):
    class Failing(WordReranker):
        def score(self, query, texts):
            if query == OTHER:
                raise ValueError("no")
            return super().score(query, texts)

    client = serve(Failing(), limits=RequestLimits(max_documents=8))
    body = (
        {"text_1": [QUERY, OTHER], "text_2": TEXTS[:2]} if "score" in path else {"inputs": [[QUERY, "a"], [OTHER, "b"]]}
    )
    assert client.post(path, json=body).status_code in (424, 500)
