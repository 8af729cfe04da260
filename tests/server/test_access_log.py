"""The log line of each request, and the numbers of all requests."""

from __future__ import annotations

import asyncio
import json
import re

import httpx
import pytest
from standins import until, value
from starlette.testclient import TestClient

from shortlist.server.middleware.guard import GuardLimits
from shortlist.server.middleware.hosts import hosts_of
from shortlist.server.middleware.keys import Keys
from shortlist.server.routes.page import PUBLIC

KEY = "a-key-of-some-length"
BODY = {"model": "fake", "query": "secret query", "documents": ["secret passage one", "secret passage two"]}


def client(app, **headers):
    return TestClient(app, headers=headers, raise_server_exceptions=False)


def lines_of(server):
    return [json.loads(line) for line in server.log.getvalue().splitlines()]


def requests(server):
    """(path, code) -> the number of requests in `/metrics`."""
    text = server.operations.metrics.text().decode()
    rows = re.findall(r'^shortlist_requests_total{code="(\d+)",path="(\S+)"} (\S+)', text, re.M)
    return {(path, int(code)): float(count) for code, path, count in rows}


def test_a_request_that_is_refused_early_counts_for_its_route(operated_server):
    server = operated_server(keys=Keys([KEY]), hosts=hosts_of("127.0.0.1", Keys([]), ["testserver"]))
    http = client(server.app)
    assert http.post("/v2/rerank", json=BODY).status_code == 401
    assert http.post("/v2/rerank", json=BODY, headers={"Host": "evil.example"}).status_code == 421
    assert http.get("/v1/models/made-up").status_code == 401
    assert http.post(f"/{KEY}", json=BODY).status_code == 401
    assert client(server.app, Authorization=f"Bearer {KEY}").get("/openapi.json").status_code == 200
    expected = [
        ("/v2/rerank", 401),
        ("/v2/rerank", 421),
        ("/v1/models/{name:path}", 401),
        ("other", 401),
        ("/openapi.json", 200),
    ]
    assert [(line["path"], line["code"]) for line in lines_of(server)] == expected
    assert requests(server) == dict.fromkeys(expected, 1)


def test_a_request_over_the_limit_counts_for_its_route(operated_server):
    server = operated_server(limits=GuardLimits(requests=0))
    assert client(server.app).post("/rerank", json=BODY).status_code == 429
    assert requests(server) == {("/rerank", 429): 1}


@pytest.mark.parametrize("path", ["/health", "/ready", "/metrics", "/v1/models", "/page/about", *sorted(PUBLIC)])
def test_head_is_answered_as_get_without_a_body(operated_server, path):
    server = operated_server()
    server.operations.warm = True
    http = client(server.app)
    answer = http.head(path)
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["content-type"] == http.get(path).headers["content-type"]
    assert list(requests(server)) == [(path if path in FIXED else "/page/{name}", 200)]


FIXED = ("/", "/health", "/ready", "/metrics", "/v1/models", "/page/about")


def test_head_of_a_route_without_get_is_refused(operated_server):
    answer = client(operated_server().app).head("/v2/rerank")
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")


@pytest.mark.parametrize("log_texts", [False, True])
def test_the_log_shows_where_a_model_failed_and_its_message_only_with_texts(operated_server, log_texts):
    server = operated_server(log_texts=log_texts)

    def score_pairs(pairs):
        raise RuntimeError(f"fell over {pairs[0].text}")

    server.reranker.score_pairs = score_pairs
    assert client(server.app).post("/search", json={"query": "secret query"}).json()["status"] == "failed"
    line = next(line for line in lines_of(server) if "error" in line)
    assert (line["error"], line["cause"]) == ("ModelError", "RuntimeError")
    assert line["where"][-1].endswith("score_pairs")
    assert ("fell over" in line.get("message", "")) is log_texts
    assert ("fell over" in server.log.getvalue()) is log_texts


@pytest.mark.parametrize("log_texts", [False, True])
def test_an_error_of_shortlist_is_logged_the_same_way(operated_server, log_texts):
    server = operated_server(log_texts=log_texts)
    answer = client(server.app).post("/v2/rerank", json={**BODY, "documents": ["bad"]})
    assert "BadScores" in answer.json()["message"]
    line = next(line for line in lines_of(server) if line.get("error") == "BadScores")
    assert (line["method"], line["path"], line["level"]) == ("POST", "/v2/rerank", "error")
    assert line.get("message") == ("nan" if log_texts else None)


def test_the_numbers_add_up_under_load(operated_server):
    """Every request counts once, and every scored pair is a hit or a miss. Refused pairs are neither."""
    server = operated_server(queue=20, cached=True)
    bodies = [{**BODY, "documents": [f"passage {n % 3} {place}" for place in range(8)]} for n in range(12)]

    async def run():
        async with httpx.AsyncClient(transport=httpx.ASGITransport(server.app), base_url="http://test") as http:
            server.reranker.gate.close()
            tasks = [asyncio.ensure_future(http.post("/v2/rerank", json=body)) for body in bodies]
            await until(lambda: sum(task.done() for task in tasks) == 10)  # two requests fill the queue
            server.reranker.gate.open()
            first = await asyncio.gather(*tasks)
            return [*first, *[await http.post("/v2/rerank", json=body) for body in bodies]]

    codes = [answer.status_code for answer in asyncio.run(run())]
    text = server.operations.metrics.text().decode()
    assert codes == [200] * 2 + [429] * 10 + [200] * 12
    assert requests(server) == {("/v2/rerank", 200): 14, ("/v2/rerank", 429): 10}
    assert value(text, "queue_refusals_total") == 10
    assert value(text, "cache_misses_total") == value(text, "scored_passages_total") == 24
    assert value(text, "cache_hits_total") + value(text, "cache_misses_total") == 14 * 8
