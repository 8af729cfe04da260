"""The weight of the vectors in a request, over an index with both lists."""

from __future__ import annotations

import pytest
from starlette.testclient import TestClient

import shortlist
from fakes import WordReranker
from shortlist import QuerySet, SearchConfig, tune
from shortlist.server.app import asgi

TEXTS = ["tax tax tax", "when is it", "the tax is due", "cats sleep", "due dates", "bread", "a tax form", "is it due"]
QUERY = "when is tax due"
SIZES = [1, 2, 4]
BODY = {"queries": [{"query": QUERY, "relevant": {"p2#0": 1}}, {"query": "bread", "relevant": {"p5#0": 1}}]}


def opened(folder, **config):
    reranker = WordReranker()
    return shortlist.open(folder, create=True, reranker=reranker, config=SearchConfig(bi_encoder="hashed-8", **config))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("made") / "index"
    with opened(folder) as index:
        index.add([{"id": f"p{place}", "text": text} for place, text in enumerate(TEXTS)])
    return folder


def ids(hits):
    return [hit["id"] for hit in hits]


def test_the_weight_of_a_request_is_that_of_an_index_opened_with_it(folder):
    orders, curves = {}, {}
    for fusion in (0.0, 0.5, 1.0):
        with opened(folder, fusion=fusion) as index:
            orders[fusion] = [hit.id for hit in index.search(QUERY, top_k=8, rerank=False)]
            queries = QuerySet("mine", {"a": QUERY, "b": "bread"}, {"a": {"p2#0": 1}, "b": {"p5#0": 1}})
            curves[fusion] = tune(index, queries, sizes=SIZES).curve.recall.mean(axis=1).tolist()
    assert orders[0.0] != orders[1.0]
    with opened(folder) as index, TestClient(asgi(index)) as client:
        for fusion, order in orders.items():
            body = {"query": QUERY, "top_k": 8, "rerank": False, "fusion": fusion}
            assert ids(client.post("/search", json=body).json()["hits"]) == order
            curve = client.post("/tune-curve", json={**BODY, "sizes": SIZES, "fusion": fusion}).json()
            assert curve["recall"] == curves[fusion]
        assert client.get("/page/about").json()["defaults"]["fusion"] == 0.5
        plain = client.post("/search", json={"query": QUERY, "top_k": 8, "rerank": False}).json()
        assert ids(plain["hits"]) == orders[0.5]


@pytest.mark.parametrize("fusion", [-0.1, 1.5])
def test_a_weight_outside_0_to_1_is_refused(folder, fusion):
    with opened(folder) as index, TestClient(asgi(index)) as client:
        answer = client.post("/search", json={"query": QUERY, "fusion": fusion})
    assert (answer.status_code, answer.json()["field"]) == (422, "fusion")


def test_fits_for_the_servers_weight_do_not_apply_at_another(folder):
    with opened(folder) as index, TestClient(asgi(index)) as client:
        body = {"query": QUERY, "fusion": 0.25, "min_probability": 0.5}
        answer = client.post("/search", json=body)
    assert (answer.status_code, answer.json()["field"]) == (422, "min_probability")


def test_a_retriever_with_one_list_has_no_weight(client):
    answer = client.post("/search", json={"query": "tax", "fusion": 0.5})
    assert (answer.status_code, answer.json()["field"]) == (422, "fusion")
    assert client.get("/page/about").json()["defaults"]["fusion"] is None
