from __future__ import annotations

import asyncio
import json
import signal

import httpx
import pytest
import uvicorn
from standins import SECONDS, ask_and_leave, until, value
from starlette.testclient import TestClient

from inline_scorer import InlineScorer
from shortlist.errors import InvalidInput
from shortlist.server.app import create_app
from shortlist.server.components import Components
from shortlist.server.middleware.guard import GuardLimits
from shortlist.server.middleware.keys import Keys, read_keys
from shortlist.server.middleware.metrics import Metrics
from shortlist.server.routes.page import PUBLIC
from shortlist.server.run import Draining, lifespan_of

KEY, OTHER = "a-key-of-some-length", "another-key-of-some-length"
BODY = {"model": "fake", "query": "secret query", "documents": ["secret passage one", "secret passage two"]}
ROUTES = ["/v2/rerank", "/v1/rerank", "/rerank", "/voyage/v1/rerank", "/v1/embeddings", "/search"]


def client(app, **headers):
    return TestClient(app, headers=headers, raise_server_exceptions=False)


@pytest.mark.parametrize("path", ROUTES)
def test_without_a_key_every_route_refuses_in_its_dialect(operated_server, path):
    app = operated_server(keys=Keys([KEY, OTHER])).app
    answer = client(app).post(path, json=BODY)
    assert answer.status_code == 401
    assert "API key" in answer.text
    assert KEY not in answer.text
    assert answer.headers["content-type"] == "application/json"


@pytest.mark.parametrize(
    "headers", [{"Authorization": f"Bearer {KEY}"}, {"Authorization": f"bearer {OTHER}"}, {"X-API-Key": KEY}]
)
def test_every_key_is_accepted(operated_server, headers):
    app = operated_server(keys=Keys([KEY, OTHER])).app
    assert client(app, **headers).post("/v2/rerank", json=BODY).status_code == 200


@pytest.mark.parametrize("key", ["", KEY[:-1], KEY + "x", "wrong", "é"])
def test_any_other_key_is_refused(operated_server, key):
    app = operated_server(keys=Keys([KEY])).app
    headers = {b"Authorization": f"Bearer {key}".encode()}
    assert TestClient(app).post("/v2/rerank", json=BODY, headers=headers).status_code == 401


def test_health_and_readiness_need_no_key_and_metrics_do(operated_server):
    server = operated_server(keys=Keys([KEY]))
    http = client(server.app)
    assert http.get("/health").status_code == 200
    assert http.get("/ready").status_code == 503
    server.operations.warm = True
    assert http.get("/ready").status_code == 200
    assert http.get("/metrics").status_code == 401


def test_a_server_that_stops_while_it_warms_up_stays_unready(operated_server):
    server = operated_server()
    components = Components(scorer=InlineScorer(server.reranker))

    async def run():
        server.reranker.gate.close()
        async with lifespan_of(components, server.operations, lambda: None)(create_app(Components())):
            Draining(uvicorn.Config(server.app), server.operations, 60).handle_exit(signal.SIGTERM, None)
            server.reranker.gate.open()
            await until(lambda: server.operations.warm)
            assert client(server.app).get("/ready").status_code == 503
            assert value(server.operations.metrics.text().decode(), "ready") == 0

    asyncio.run(asyncio.wait_for(run(), SECONDS))


def test_the_page_and_its_own_files_need_no_key_and_nothing_else_below_it_is_open(operated_server):
    http = client(operated_server(keys=Keys([KEY])).app)
    assert {path: http.get(path).status_code for path in PUBLIC} == dict.fromkeys(PUBLIC, 200)
    assert [http.get(path).status_code for path in ("/page/about", "/page/nothing.js")] == [401, 401]
    assert http.post("/").status_code == 401


def test_keys_come_from_the_environment_and_a_file(tmp_path):
    file = tmp_path / "keys"
    file.write_text(f"# ours\n{OTHER}\n\n")
    keys = read_keys(file, {"SHORTLIST_API_KEYS": f"{KEY}, {KEY[::-1]}"})
    assert len(keys) == 3
    assert all(keys.accepts(key) for key in (KEY, KEY[::-1], OTHER))
    assert len(read_keys(None, {})) == 0


@pytest.mark.parametrize("text", ["", "# none\n", "short\n", "with a space in it ok\n"])
def test_a_key_file_that_would_let_the_wrong_people_in_is_refused(tmp_path, text):
    file = tmp_path / "keys"
    file.write_text(text)
    with pytest.raises(InvalidInput, match="key"):
        read_keys(file, {})


def test_a_key_that_cannot_be_used_is_named_by_its_position():
    with pytest.raises(InvalidInput, match="API key 2 of 2 has 5 characters: use at least 16"):
        Keys([KEY, "short"])


def test_the_log_has_neither_keys_nor_texts(operated_server):
    server = operated_server(keys=Keys([KEY]))
    http = client(server.app, Authorization=f"Bearer {KEY}")
    http.post("/v2/rerank?q=secret", json=BODY)
    http.post("/v2/rerank", json={**BODY, "documents": ["boom"]})
    http.post(f"/{KEY}/secret", json=BODY)
    lines = [json.loads(line) for line in server.log.getvalue().splitlines()]
    assert [(line["path"], line["code"]) for line in lines] == [
        ("/v2/rerank", 200),
        ("/v2/rerank", 500),
        ("other", 404),
    ]
    assert "secret" not in server.log.getvalue()
    assert KEY not in server.log.getvalue()


def test_metrics_count_what_was_done(operated_server):
    http = client(operated_server().app)
    http.post("/v2/rerank", json=BODY)
    http.post("/search", json={"query": "passage", "pool_size": 20, "top_k": 5})
    text = http.get("/metrics").text
    assert value(text, "scored_passages_total") == 22
    assert value(text, "batch_pairs_total") == 22
    assert value(text, "batch_padded_tokens_total") >= value(text, "batch_tokens_total") > 0
    assert value(text, "results_total") == 5
    assert 'shortlist_requests_total{code="200",path="/v2/rerank"} 1.0' in text
    assert 'shortlist_stage_seconds_count{stage="retrieve"} 1.0' in text


def test_two_servers_in_one_process_count_apart():
    first, second = Metrics(), Metrics()
    first.refused()
    assert value(first.text().decode(), "queue_refusals_total") == 1
    assert value(second.text().decode(), "queue_refusals_total") == 0


@pytest.mark.parametrize(
    ("ranks", "pool", "last"), [([1, 19, 20], 20, 2), ([18], 20, 0), ([10], 10, 1), ([9], 10, 0), ([9], 9, None)]
)
def test_pool_drift_counts_results_from_the_last_tenth(ranks, pool, last):
    metrics = Metrics()
    metrics.results(ranks, pool)
    assert value(metrics.text().decode(), "results_from_last_tenth_total") == (last or 0)
    assert value(metrics.text().decode(), "results_total") == (0 if last is None else len(ranks))


def test_answers_have_security_headers_and_allow_no_other_origins(operated_server):
    app = operated_server().app
    answer = client(app, Origin="https://elsewhere.example").post("/v2/rerank", json=BODY)
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
    assert not [name for name in answer.headers if name.startswith("access-control")]
    preflight = client(app).options("/v2/rerank", headers={"Origin": "https://x.example"})
    assert preflight.status_code == 405


def test_too_many_requests_at_a_time_must_come_again(operated_server):
    server = operated_server(limits=GuardLimits(requests=3))

    async def run():
        server.reranker.gate.close()
        transport = httpx.ASGITransport(server.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as http:
            tasks = [asyncio.ensure_future(http.post("/v2/rerank", json=BODY)) for _ in range(10)]
            await until(lambda: sum(task.done() for task in tasks) == 7)
            server.reranker.gate.open()
            return await asyncio.gather(*tasks)

    answers = asyncio.run(run())
    assert sorted(answer.status_code for answer in answers) == [200] * 3 + [429] * 7
    refused = next(answer for answer in answers if answer.status_code == 429)
    assert int(refused.headers["retry-after"]) >= 1
    assert set(refused.json()) == {"id", "message"}


def test_bodies_in_flight_are_bounded(operated_server):
    app = operated_server(limits=GuardLimits(body_bytes=50)).app
    answer = client(app).post("/v2/rerank", json=BODY)
    assert answer.status_code == 429
    assert "retry-after" in answer.headers


def test_a_body_that_never_ends_is_given_up(operated_server):
    app = operated_server(limits=GuardLimits(body_seconds=0.05)).app
    messages = []

    async def receive():
        await asyncio.Event().wait()

    async def send(message):
        messages.append(message)

    scope = {"type": "http", "method": "POST", "path": "/v2/rerank", "headers": [], "query_string": b""}
    asyncio.run(asyncio.wait_for(app({**scope, "http_version": "1.1", "scheme": "http"}, receive, send), SECONDS))
    assert messages[0]["status"] == 400


def test_a_client_that_leaves_takes_its_pairs_along(operated_server):
    server = operated_server()

    async def run():
        server.reranker.gate.close()
        gone = asyncio.Event()
        body = {**BODY, "documents": ["word"] * 90}
        task = asyncio.ensure_future(ask_and_leave(server.app, "/v2/rerank", body, gone))
        await until(lambda: server.batcher.depth == 90)
        assert value(server.operations.metrics.text().decode(), "requests_in_flight") == 1
        gone.set()
        await asyncio.wait_for(task, SECONDS)

    asyncio.run(run())
    assert server.batcher.depth == 0
    server.reranker.gate.open()
    assert value(server.operations.metrics.text().decode(), "cancelled_total") == 1
    assert "client left" in server.log.getvalue()
