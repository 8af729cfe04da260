"""The error body and the status code of each dialect, for everything that can be wrong with a request."""

from __future__ import annotations

import json

import pytest

from fakes import WordReranker
from shortlist.errors import QueryTooLong, QueueFull
from shortlist.server.options import RequestLimits

COHERE = {"model": "words", "query": "tax", "documents": ["a tax", "cats"]}
TEI = {"query": "tax", "texts": ["a tax"]}
EMBEDDINGS = {"model": "hashed-8", "input": "tax"}

BODIES = {
    "/v2/rerank": COHERE,
    "/v1/rerank": COHERE,
    "/voyage/v1/rerank": COHERE,
    "/rerank": TEI,
    "/rerank#infinity": COHERE,
    "/v1/embeddings": EMBEDDINGS,
    "/search": {"query": "tax"},
}

KEYS = {
    "/v2/rerank": {"id", "message"},
    "/v1/rerank": {"detail", "message"},
    "/voyage/v1/rerank": {"detail"},
    "/rerank": {"error", "error_type"},
    "/rerank#infinity": {"error"},
    "/v1/embeddings": {"error"},
    "/search": {"error", "message", "field"},
}


def path_of(route: str) -> str:
    return route.split("#")[0]


def check(answer, route: str, code: int, text: str = "") -> None:
    assert answer.status_code == code, answer.text
    body = answer.json()
    assert set(body) == KEYS[route]
    if route in ("/v1/embeddings", "/rerank#infinity"):
        assert set(body["error"]) == {"message", "type", "param", "code"}
    assert text in answer.text


NO_JSON = {
    "malformed": b'{"query": ',
    "empty": b"",
    "no object": b"[1, 2]",
    "null": b"null",
    "nan": b'{"query": "q", "top_n": NaN}',
    "infinity": b'{"query": "q", "budget_ms": -Infinity}',
    "not utf-8": b'{"query": "\xff\xfe"}',
    "half a surrogate pair": b'{"query": "\\ud800"}',
    "deeply nested": b"[" * 100_000,
    "deeply nested object": b'{"query":' * 50_000,
}


@pytest.mark.parametrize("route", [route for route in BODIES if "#" not in route])
@pytest.mark.parametrize("body", NO_JSON.values(), ids=NO_JSON)
def test_a_body_that_is_not_json(client, route, body):
    answer = client.post(path_of(route), content=body, headers={"content-type": "application/json"})
    check(answer, route, 422 if route == "/rerank" else 400, "the body")


@pytest.mark.parametrize("route", BODIES)
@pytest.mark.parametrize("value", [None, 5, 1.5, True, [], {}, [["x"]]], ids=repr)
def test_wrong_type_for_the_query(client, route, value):
    name = "input" if "embeddings" in route else "query"
    if name == "input" and value in ([], [["x"]]):
        pytest.skip("an empty list has its own error")
    answer = client.post(path_of(route), json={**BODIES[route], name: value})
    check(answer, route, 400 if route in ("/v2/rerank", "/voyage/v1/rerank", "/v1/embeddings") else 422, name)


@pytest.mark.parametrize("route", [route for route in BODIES if "rerank" in route])
@pytest.mark.parametrize("value", [None, "text", 5, {"a": 1}, [1], [None], [["x"]], [True]], ids=repr)
def test_wrong_type_for_the_documents(client, route, value):
    name = "texts" if route == "/rerank" else "documents"
    answer = client.post(path_of(route), json={**BODIES[route], name: value})
    check(answer, route, 400 if route in ("/v2/rerank", "/voyage/v1/rerank") else 422, name)


@pytest.mark.parametrize("route", [route for route in BODIES if "rerank" in route and route != "/rerank"])
@pytest.mark.parametrize("value", [0, -1, "3", 1.5, True, 10**30 * -1], ids=repr)
def test_bad_top_n(client, route, value):
    name = "top_k" if "voyage" in route else "top_n"
    answer = client.post(path_of(route), json={**BODIES[route], name: value})
    check(answer, route, 400 if route in ("/v2/rerank", "/voyage/v1/rerank") else 422, name)


@pytest.mark.parametrize("route", BODIES)
def test_a_missing_field(client, route):
    missing = "input" if "embeddings" in route else "query"
    body = {key: value for key, value in BODIES[route].items() if key != missing}
    code = 400 if route in ("/v2/rerank", "/voyage/v1/rerank", "/v1/embeddings") else 422
    check(client.post(path_of(route), json=body), route, code, f"the field '{missing}' is required")


@pytest.mark.parametrize("route", [route for route in BODIES if "embeddings" not in route])
@pytest.mark.parametrize("query", ["", "  \n"])
def test_an_empty_query(client, route, query):
    answer = client.post(path_of(route), json={**BODIES[route], "query": query})
    check(answer, route, 422 if route == "/rerank#infinity" else 400, "the query is empty")


@pytest.mark.parametrize("route", [route for route in BODIES if "rerank" in route])
def test_no_documents(client, route):
    name = "texts" if route == "/rerank" else "documents"
    answer = client.post(path_of(route), json={**BODIES[route], name: []})
    check(answer, route, 422 if route == "/rerank#infinity" else 400, f"{name} is empty")


@pytest.mark.parametrize("route", [route for route in BODIES if "rerank" in route])
def test_too_many_documents(serve, route):
    client = serve(limits=RequestLimits(max_documents=3))
    name = "texts" if route == "/rerank" else "documents"
    answer = client.post(path_of(route), json={**BODIES[route], name: ["a"] * 4})
    check(answer, route, 400 if route in ("/v2/rerank", "/voyage/v1/rerank") else 422, "at most 3")


@pytest.mark.parametrize("route", BODIES)
def test_a_text_that_is_too_long(serve, route):
    client = serve(limits=RequestLimits(max_characters=20))
    name = "input" if "embeddings" in route else "query"
    answer = client.post(path_of(route), json={**BODIES[route], name: "x" * 21})
    check(answer, route, 400 if route in ("/v2/rerank", "/voyage/v1/rerank", "/v1/embeddings") else 422, "at most 20")


class Narrow(WordReranker):
    def score(self, query, texts):
        raise QueryTooLong("the query has 600 tokens")


@pytest.mark.parametrize("route", [route for route in BODIES if "rerank" in route])
def test_a_query_beyond_the_window(serve, route):
    answer = serve(Narrow()).post(path_of(route), json=BODIES[route])
    check(answer, route, 400 if route in ("/v2/rerank", "/voyage/v1/rerank") else 422, "600 tokens")
    if route == "/rerank":
        assert answer.json()["error_type"] == "Tokenizer"
    if route == "/rerank#infinity":
        assert (answer.json()["error"]["param"], answer.json()["error"]["code"]) == ("query", "too_long")


@pytest.mark.parametrize(
    ("route", "body"),
    [("/why", {"query": "tax", "text_a": "a", "text_b": "b"}), ("/search", {"query": "tax", "fail": "closed"})],
)
def test_a_query_beyond_the_window_in_both_stages(serve, route, body):
    answer = serve(Narrow()).post(route, json=body)
    check(answer, "/search", 422, "600 tokens")
    assert (answer.json()["error"], answer.json()["field"]) == ("too_long", "query")


@pytest.mark.parametrize("route", [route for route in BODIES if "#" not in route])
@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_that_is_too_large(serve, route, chunked):
    client = serve(limits=RequestLimits(max_body=100))
    body = json.dumps({**BODIES[route], "padding": "x" * 200}).encode()
    content = iter([body[:50], body[50:]]) if chunked else body
    check(client.post(path_of(route), content=content), route, 413, "larger than 100 bytes")


def test_infinitys_clients_get_teis_error_if_the_body_was_not_read(serve):
    answer = serve(limits=RequestLimits(max_body=100)).post("/rerank", json={**COHERE, "padding": "x" * 200})
    check(answer, "/rerank", 413, "larger than 100 bytes")


@pytest.mark.parametrize("route", [r for r in BODIES if r not in ("/rerank", "/search")])
def test_an_unknown_model(client, route):
    answer = client.post(path_of(route), json={**BODIES[route], "model": "rerank-v9"})
    check(answer, route, 400 if "voyage" in route else 404, "rerank-v9")


@pytest.mark.parametrize("route", ["/v2/rerank", "/voyage/v1/rerank", "/v1/embeddings", "/search"])
def test_unknown_fields_are_refused(client, route):
    answer = client.post(path_of(route), json={**BODIES[route], "top_q": 3})
    code = 422 if route in ("/v2/rerank", "/search") else 400
    check(answer, route, code, "unknown field: parameter 'top_q' is not a valid field")


@pytest.mark.parametrize("route", ["/v1/rerank", "/rerank", "/rerank#infinity"])
def test_unknown_fields_are_ignored(client, route):
    assert client.post(path_of(route), json={**BODIES[route], "top_q": 3}).status_code == 200


@pytest.mark.parametrize("route", BODIES)
def test_wrong_method(client, route):
    answer = client.get(path_of(route))
    assert answer.headers["allow"] == "POST"
    check(answer, "/rerank" if "#" in route else route, 405)


def test_nothing_there(client):
    assert client.get("/no/such").status_code == 404
    assert client.get("/no/such").json()["error"] == "not_found"


@pytest.mark.parametrize("route", BODIES)
def test_a_path_with_a_slash_at_its_end_is_not_found(client, route):
    answer = client.post(f"{path_of(route)}/", json=BODIES[route], follow_redirects=False)
    check(answer, "/rerank" if "#" in route else route, 404, "nothing at")
    assert "location" not in answer.headers


class Full(WordReranker):
    def score(self, query, texts):
        raise QueueFull(2.2)


class Bug(WordReranker):
    def score(self, query, texts):
        raise ZeroDivisionError("at /home/someone")


@pytest.mark.parametrize("route", [route for route in BODIES if "rerank" in route])
def test_a_full_queue(serve, route):
    answer = serve(Full()).post(path_of(route), json=BODIES[route])
    check(answer, route, 429, "try again in 2.2 s")
    assert answer.headers["retry-after"] == "3"


@pytest.mark.parametrize("route", [route for route in BODIES if "rerank" in route])
@pytest.mark.parametrize("reranker", [WordReranker([float("nan")] * 9), WordReranker([1.0] * 9), Bug()])
def test_a_broken_model(serve, route, reranker):
    answer = serve(reranker).post(path_of(route), json=BODIES[route])
    check(answer, route, 424 if route == "/rerank" else 500, "log")
    assert "someone" not in answer.text


def test_components_that_are_missing(serve):
    client = serve(scorer=None, search=None, encoder=None)
    for route, body in BODIES.items():
        check(client.post(path_of(route), json=body), route, 503, "this server has no")


def test_texts_and_documents_at_once(client):
    check(client.post("/rerank", json={**TEI, **COHERE}), "/rerank", 422, "not both")
    check(client.post("/rerank", json={**TEI, "documents": []}), "/rerank", 422, "an empty list counts")


def test_texts_or_documents_of_null_count_as_not_given(client):
    assert isinstance(client.post("/rerank", json={**TEI, "documents": None}).json(), list)
    assert client.post("/rerank", json={**COHERE, "texts": None}).json()["object"] == "rerank"
    check(client.post("/rerank", json={"query": "tax", "texts": None}), "/rerank", 422, "texts")
    check(client.post("/rerank", json={"query": "tax", "documents": None}), "/rerank#infinity", 422, "documents")


@pytest.mark.parametrize("document", [{}, {"title": "x"}, {"text": 5}, {"text": None}, {"image": "data:"}], ids=repr)
def test_jina_documents_without_text(client, document):
    answer = client.post("/v1/rerank", json={"query": "tax", "documents": ["a tax", document]})
    check(answer, "/v1/rerank", 422, "item 1 (counted from 0) of the field 'documents'")


def test_jina_rank_fields_that_are_not_texts_are_named(client):
    documents = [{"title": 5, "text": "tax"}]
    answer = client.post("/v1/rerank", json={"query": "tax", "documents": documents, "rank_fields": ["title", "text"]})
    check(answer, "/v1/rerank", 422, "'title' in item 0 (counted from 0) of the field 'documents' is not a text")
