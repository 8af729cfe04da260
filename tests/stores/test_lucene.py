"""Errors and requests of Elasticsearch and OpenSearch, against stand-ins."""

from __future__ import annotations

import base64

import httpx
import numpy as np
import pytest

from shortlist.encoders.hashed import HashedEncoder
from shortlist.errors import InvalidInput, StoreNotFound, StoreRefused, StoreUnreachable
from shortlist.stores.http_api import HttpApi, error_text
from shortlist.stores.kinds import load_store
from shortlist.stores.lucene import distance_of, product_of
from shortlist.types import Passage
from standin_lucene import Index, StandInLucene
from standin_store import standin_store

ENCODER = HashedEncoder(16)
NOTES = [Passage("a", "the red cat", title="Cats"), Passage("b", "a blue dog", metadata={"year": 2020})]
VECTOR = ENCODER.encode_queries(["red cat"])[0]
ENGINES = ["elasticsearch", "opensearch"]
KEYS = {"elasticsearch": "ELASTICSEARCH_API_KEY", "opensearch": "OPENSEARCH_USERNAME"}


@pytest.fixture(params=ENGINES)
def engine(request, monkeypatch):
    for name in (*KEYS.values(), "OPENSEARCH_PASSWORD"):
        monkeypatch.delenv(name, raising=False)
    return request.param


@pytest.fixture
def server(engine):
    lucene = StandInLucene(engine)
    lucene.indexes["notes"] = Index(NOTES, ENCODER.encode_passages([note.content for note in NOTES]))
    with standin_store(lucene) as server:
        yield server


@pytest.fixture
def opened(engine, opened):
    """A function that opens an index of the engine."""
    return lambda name, fields=None: opened(f"{engine}:{name}", fields)


@pytest.fixture
def store(opened, server):
    return opened(f"notes@{server.url}")


def ids(answer):
    return [passage.id for passage, _ in answer]


def test_both_lists_come_from_one_request(store, server):
    opening = len(server.seen)
    near, words = store.both(VECTOR, "Which cat is red?", 5, {"title": "Cats"})
    assert (ids(near), ids(words)) == (["a"], ["a"])
    assert [request.path for request in server.seen[opening:]] == ["/notes/_msearch"]


def test_a_missing_index_names_the_others(opened, server):
    with pytest.raises(StoreNotFound, match=r"there is no index 'nothing'; the indexes are notes$"):
        opened(f"nothing@{server.url}")


def test_a_key_may_not_list_the_indexes(opened, server):
    missing = {"error": {"type": "index_not_found_exception", "reason": "no such index"}, "status": 404}
    server.script = [(404, missing, {}), (403, {"error": "action is unauthorized"}, {})]
    with pytest.raises(StoreNotFound, match="the server does not list the others"):
        opened(f"nothing@{server.url}")


def test_a_missing_key_is_named(opened, engine, server):
    server.answer.key = "secret"
    with pytest.raises(StoreRefused, match=f"status 401, the key is missing or not accepted.*{KEYS[engine]}"):
        opened(f"notes@{server.url}")


def test_the_user_and_the_password_of_the_url_are_sent_and_never_shown(opened, server):
    server.answer.key = "Basic " + base64.b64encode(b"user:p@ss").decode()
    store = opened(f"notes@{server.url.replace('//', '//user:p%40ss@')}")
    assert len(store) == 2
    assert "p@ss" not in repr(store) + store.name
    assert "p%40ss" not in repr(store) + store.name
    server.answer.key = "other"
    with pytest.raises(StoreRefused) as error:
        store.matching("red", 5)
    assert "p@ss" not in str(error.value)


def test_the_key_comes_from_the_environment(opened, engine, server, monkeypatch):
    monkeypatch.setenv(KEYS[engine], "user")
    monkeypatch.setenv("OPENSEARCH_PASSWORD", "word")
    own = "ApiKey user" if engine == "elasticsearch" else "Basic " + base64.b64encode(b"user:word").decode()
    server.answer.key = own
    assert len(opened(f"notes@{server.url}")) == 2


def test_a_server_that_is_down_is_unreachable(opened):
    with pytest.raises(StoreUnreachable, match=r"does not answer at http://127\.0\.0\.1:1") as error:
        opened("notes@http://user:secret@127.0.0.1:1")
    assert "secret" not in str(error.value)


@pytest.mark.parametrize("where", ["notes.db", "ftp://host"])
def test_an_address_that_is_no_url_is_named(opened, where):
    with pytest.raises(InvalidInput, match="write the URL of the server"):
        opened(f"notes@{where}")


def test_a_wrong_dimension_is_refused(store):
    with pytest.raises(InvalidInput, match="must be 16 finite numbers"):
        store.nearest(np.ones(3, np.float32), 5)


def test_a_refused_request_shows_the_reason(store, server):
    reason = {"type": "parsing_exception", "reason": "unknown query [x]"}
    server.script = [(400, {"error": {"root_cause": [reason], **reason}, "status": 400}, {})]
    with pytest.raises(StoreRefused, match=r"status 400: unknown query \[x\]"):
        store.matching("red", 5)


def test_a_failed_half_of_a_double_search_is_an_error(store, server):
    failed = {"error": {"type": "x", "reason": "field is missing"}, "status": 400}
    server.script = [(200, {"took": 1, "responses": [{"hits": {"hits": []}}, failed]}, {})]
    with pytest.raises(StoreRefused, match="field is missing"):
        store.both(VECTOR, "red", 5)


def test_an_answer_without_a_shard_is_an_error(store, server):
    failure = {"shard": 1, "reason": {"type": "x", "reason": "disk is gone"}}
    server.script = [(200, {"_shards": {"failed": 1, "failures": [failure]}, "hits": {"hits": []}}, {})]
    with pytest.raises(StoreRefused, match="disk is gone"):
        store.matching("red", 5)


def test_a_field_with_words_only_cannot_be_filtered(opened, server):
    properties = {"body": {"type": "text"}, "year": {"type": "long"}}
    server.script = [(200, {"notes": {"mappings": {"properties": properties}}}, {})]
    store = opened(f"notes@{server.url}", {"text": "body"})
    assert not store.has_vectors
    with pytest.raises(InvalidInput, match="add a sub-field of the type keyword"):
        store.matching("red", 5, {"body": "red"})
    with pytest.raises(InvalidInput, match="has no field 'nothing'; its fields are body, year"):
        store.matching("red", 5, {"nothing": "red"})


def test_every_row_is_listed_and_the_scroll_ends(store, server):
    assert ids((passage, 0) for passage in store.passages()) == ["a", "b"]
    assert [(request.method, request.path) for request in server.seen[-3:]] == [
        ("POST", "/notes/_search"),
        ("POST", "/_search/scroll"),
        ("DELETE", "/_search/scroll"),
    ]


def test_a_client_of_the_user_stays_open(engine, server):
    with httpx.Client(base_url=server.url) as client:
        store = load_store(f"{engine}:notes", client=client)
        store.close()
        assert client.get("/notes/_count").json()["count"] == 2


@pytest.mark.parametrize("status", [429, 502, 503])
def test_an_overloaded_server_is_asked_again(server, status):
    waits = []
    with httpx.Client(base_url=server.url) as client:
        api = HttpApi("elasticsearch:notes", client, "set KEY", waits.append)
        server.script = [(status, {}, {"Retry-After": "2"}), (status, {}, {})]
        assert api.send("GET", "/notes/_count")["count"] == 2
        assert waits == [2.0, 1.0]
        server.script = [(status, {"error": {"reason": "queue is full"}}, {})] * 3
        with pytest.raises(StoreUnreachable, match=f"status {status}: queue is full, after 3 attempts"):
            api.send("GET", "/notes/_count")
        server.script = [(status, {}, {"Retry-After": "60"})]
        with pytest.raises(StoreUnreachable, match="requests a wait of 60 s"):
            api.send("GET", "/notes/_count")


def test_an_answer_that_is_not_json_is_named(store, server):
    server.script = [(200, b"<html>login</html>", {})]
    with pytest.raises(StoreRefused, match="not JSON: <html>login"):
        len(store)


@pytest.mark.parametrize("value", [-3.0, -0.2, 0.0, 0.4, 7.0])
def test_scores_of_products_and_distances_are_turned_back(value):
    assert product_of(value + 1 if value >= 0 else 1 / (1 - value)) == pytest.approx(value)
    assert distance_of(1 / (1 + abs(value))) == pytest.approx(abs(value))


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ({"error": "Unauthorized"}, "Unauthorized"),
        ({"code": 3, "message": "wrong"}, "wrong"),
        ({"error": {"code": "X", "message": "wrong"}}, "wrong"),
        ({"other": 1}, '{"other": 1}'),
        (None, ""),
    ],
)
def test_reasons_are_found_in_every_form(body, text):
    assert error_text(body) == text
