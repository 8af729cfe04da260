"""Each request's line in the log, and the numbers of all of them."""

from __future__ import annotations

import asyncio
import json
import re

import httpx
import pytest
from standins import value
from starlette.testclient import TestClient

from shortlist.server.middleware.guard import GuardLimits
from shortlist.server.middleware.hosts import hosts_of
from shortlist.server.middleware.keys import Keys
from shortlist.server.routes.page import PUBLIC

KEY = "a-key-of-some-length"
BODY = {"model": "fake", "query": "secret query", "documents": ["secret passage one", "secret passage two"]}


def client(app, **headers):
    return TestClient(app, headers=headers, raise_server_exceptions=False)


def told(log):
    return [json.loads(line) for line in log.getvalue().splitlines()]


def requests(operations):
    """(path, code) -> how many, as `/metrics` says it."""
    found = re.findall(
        r'^shortlist_requests_total{code="(\d+)",path="(\S+)"} (\S+)', operations.metrics.text().decode(), re.M
    )
    return {(path, int(code)): float(count) for code, path, count in found}


def test_a_request_that_is_refused_early_counts_for_the_route_it_asked_for(made):
    app, operations, _, log = made(keys=Keys([KEY]), hosts=hosts_of("127.0.0.1", Keys([]), ["testserver"]))
    asked = client(app)
    assert asked.post("/v2/rerank", json=BODY).status_code == 401
    assert asked.post("/v2/rerank", json=BODY, headers={"Host": "evil.example"}).status_code == 421
    assert asked.get("/v1/models/made-up").status_code == 401
    assert asked.post(f"/{KEY}", json=BODY).status_code == 401
    assert client(app, Authorization=f"Bearer {KEY}").get("/openapi.json").status_code == 200
    expected = [
        ("/v2/rerank", 401),
        ("/v2/rerank", 421),
        ("/v1/models/{name:path}", 401),
        ("other", 401),
        ("/openapi.json", 200),
    ]
    assert [(line["path"], line["code"]) for line in told(log)] == expected
    assert requests(operations) == dict.fromkeys(expected, 1)


def test_so_does_one_over_the_limit_of_requests(made):
    app, operations, *_ = made(limits=GuardLimits(requests=0))
    assert client(app).post("/rerank", json=BODY).status_code == 429
    assert requests(operations) == {("/rerank", 429): 1}


@pytest.mark.parametrize("path", ["/health", "/ready", "/metrics", "/v1/models", "/page/about", *sorted(PUBLIC)])
def test_head_is_answered_as_get_without_a_body(made, path):
    app, operations, *_ = made()
    operations.warm = True
    asked = client(app)
    answer = asked.head(path)
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["content-type"] == asked.get(path).headers["content-type"]
    assert list(requests(operations)) == [(path if path in FIXED else "/page/{name}", 200)]


FIXED = ("/", "/health", "/ready", "/metrics", "/v1/models", "/page/about")


def test_head_of_what_has_no_get_is_refused(made):
    app, *_ = made()
    answer = client(app).head("/v2/rerank")
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")


@pytest.mark.parametrize("log_texts", [False, True])
def test_the_log_says_where_a_model_failed_and_its_message_only_where_texts_are_asked_for(made, log_texts):
    app, _, fake, log = made(log_texts=log_texts)

    def score_pairs(pairs):
        raise RuntimeError(f"fell over {pairs[0].text}")

    fake.score_pairs = score_pairs
    assert client(app).post("/search", json={"query": "secret query"}).json()["rerank_status"] == "failed"
    line = next(line for line in told(log) if "error" in line)
    assert (line["error"], line["cause"]) == ("ModelError", "RuntimeError")
    assert line["where"][-1].endswith("score_pairs")
    assert ("fell over" in line.get("message", "")) is log_texts
    assert ("fell over" in log.getvalue()) is log_texts


@pytest.mark.parametrize("log_texts", [False, True])
def test_so_it_does_of_an_error_of_our_own(made, log_texts):
    app, _, _, log = made(log_texts=log_texts)
    answer = client(app).post("/v2/rerank", json={**BODY, "documents": ["bad"]})
    assert "BadScores" in answer.json()["message"]
    line = next(line for line in told(log) if line.get("error") == "BadScores")
    assert (line["method"], line["path"], line["level"]) == ("POST", "/v2/rerank", "error")
    assert line.get("message") == ("nan" if log_texts else None)


def test_the_numbers_add_up_under_load(made):
    """Every request counts once, and every pair that got a score is a hit or a miss; refused ones are neither."""
    app, operations, fake, _ = made(queue=20, cached=True)
    bodies = [{**BODY, "documents": [f"passage {n % 3} {place}" for place in range(8)]} for n in range(12)]

    async def run():
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as asked:
            fake.open.clear()
            tasks = [asyncio.ensure_future(asked.post("/v2/rerank", json=body)) for body in bodies]
            while sum(task.done() for task in tasks) < 10:  # two have the queue full
                await asyncio.sleep(0.001)
            fake.open.set()
            first = await asyncio.gather(*tasks)
            return [*first, *[await asked.post("/v2/rerank", json=body) for body in bodies]]

    codes = [answer.status_code for answer in asyncio.run(run())]
    text = operations.metrics.text().decode()
    assert codes == [200] * 2 + [429] * 10 + [200] * 12
    assert requests(operations) == {("/v2/rerank", 200): 14, ("/v2/rerank", 429): 10}
    assert value(text, "queue_refusals_total") == 10
    assert value(text, "cache_misses_total") == value(text, "scored_passages_total") == 24
    assert value(text, "cache_hits_total") + value(text, "cache_misses_total") == 14 * 8
