from __future__ import annotations

import asyncio
import json
import signal

import httpx
import pytest
import uvicorn
from standins import ask_and_leave, value
from starlette.testclient import TestClient

from shortlist.errors import InvalidInput
from shortlist.server.app import Parts, create_app
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
def test_without_a_key_every_route_refuses_in_its_own_words(made, path):
    app, *_ = made(keys=Keys([KEY, OTHER]))
    answer = client(app).post(path, json=BODY)
    assert answer.status_code == 401
    assert "API key" in answer.text
    assert KEY not in answer.text
    assert answer.headers["content-type"] == "application/json"


@pytest.mark.parametrize(
    "headers", [{"Authorization": f"Bearer {KEY}"}, {"Authorization": f"bearer {OTHER}"}, {"X-API-Key": KEY}]
)
def test_any_of_the_keys_is_let_in(made, headers):
    app, *_ = made(keys=Keys([KEY, OTHER]))
    assert client(app, **headers).post("/v2/rerank", json=BODY).status_code == 200


@pytest.mark.parametrize("key", ["", KEY[:-1], KEY + "x", "wrong", "é"])
def test_any_other_key_is_not(made, key):
    app, *_ = made(keys=Keys([KEY]))
    headers = {b"Authorization": f"Bearer {key}".encode()}
    assert TestClient(app).post("/v2/rerank", json=BODY, headers=headers).status_code == 401


def test_health_and_readiness_need_no_key_and_metrics_do(made):
    app, operations, *_ = made(keys=Keys([KEY]))
    asked = client(app)
    assert asked.get("/health").status_code == 200
    assert asked.get("/ready").status_code == 503
    operations.warm = True
    assert asked.get("/ready").status_code == 200
    assert asked.get("/metrics").status_code == 401


def test_a_server_told_to_stop_while_it_warms_up_stays_unready(made):
    app, operations, *_ = made()

    class Slow:
        name = "slow"
        go_on = asyncio.Event()

        async def score(self, query, texts):
            await self.go_on.wait()

    async def run():
        async with lifespan_of(Parts(Slow()), operations, lambda: None)(create_app(Parts(None))):
            Draining(uvicorn.Config(app), operations, 60).handle_exit(signal.SIGTERM, None)
            Slow.go_on.set()
            while not operations.warm:
                await asyncio.sleep(0.001)
            assert client(app).get("/ready").status_code == 503
            assert value(operations.metrics.text().decode(), "ready") == 0

    asyncio.run(asyncio.wait_for(run(), 30))


def test_the_page_and_its_own_files_need_no_key_and_nothing_else_below_it_is_open(made):
    app, *_ = made(keys=Keys([KEY]))
    asked = client(app)
    assert {path: asked.get(path).status_code for path in PUBLIC} == dict.fromkeys(PUBLIC, 200)
    assert [asked.get(path).status_code for path in ("/page/about", "/page/nothing.js")] == [401, 401]
    assert asked.post("/").status_code == 401


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


def test_the_log_holds_neither_keys_nor_texts(made):
    app, _, _, log = made(keys=Keys([KEY]))
    asked = client(app, Authorization=f"Bearer {KEY}")
    asked.post("/v2/rerank?q=secret", json=BODY)
    asked.post("/v2/rerank", json={**BODY, "documents": ["boom"]})
    asked.post(f"/{KEY}/secret", json=BODY)
    lines = [json.loads(line) for line in log.getvalue().splitlines()]
    assert [(line["path"], line["code"]) for line in lines] == [
        ("/v2/rerank", 200),
        ("/v2/rerank", 500),
        ("other", 404),
    ]
    assert "secret" not in log.getvalue()
    assert KEY not in log.getvalue()


def test_metrics_say_what_was_done(made):
    app, *_ = made()
    asked = client(app)
    asked.post("/v2/rerank", json=BODY)
    asked.post("/search", json={"query": "passage", "pool_size": 20, "k": 5})
    text = asked.get("/metrics").text
    assert value(text, "scored_passages_total") == 22
    assert value(text, "batch_pairs_total") == 22
    assert value(text, "batch_padded_tokens_total") >= value(text, "batch_tokens_total") > 0
    assert value(text, "results_total") == 5
    assert 'shortlist_requests_total{code="200",path="/v2/rerank"} 1.0' in text
    assert 'shortlist_stage_seconds_count{stage="retrieve"} 1.0' in text


def test_two_servers_in_one_process_count_apart():
    one, other = Metrics(), Metrics()
    one.refused()
    assert value(one.text().decode(), "queue_refusals_total") == 1
    assert value(other.text().decode(), "queue_refusals_total") == 0


@pytest.mark.parametrize(("ranks", "pool", "last"), [([1, 19, 20], 20, 2), ([18], 20, 0), ([10], 10, 0), ([9], 9, 0)])
def test_pool_drift_counts_results_from_the_last_tenth(ranks, pool, last):
    metrics = Metrics()
    metrics.results(ranks, pool)
    expected = last if pool != 10 else 1
    assert value(metrics.text().decode(), "results_from_last_tenth_total") == expected
    assert value(metrics.text().decode(), "results_total") == (len(ranks) if pool >= 10 else 0)


def test_answers_carry_security_headers_and_open_nothing_to_other_origins(made):
    app, *_ = made()
    answer = client(app, Origin="https://elsewhere.example").post("/v2/rerank", json=BODY)
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
    assert not [name for name in answer.headers if name.startswith("access-control")]
    preflight = client(app).options("/v2/rerank", headers={"Origin": "https://x.example"})
    assert preflight.status_code == 405


def test_too_many_requests_at_a_time_are_told_to_come_again(made):
    app, _, fake, _ = made(limits=GuardLimits(requests=3))
    fake.open.clear()

    async def run():
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as asked:
            tasks = [asyncio.ensure_future(asked.post("/v2/rerank", json=BODY)) for _ in range(10)]
            await asyncio.sleep(0.1)
            fake.open.set()
            return await asyncio.gather(*tasks)

    answers = asyncio.run(run())
    assert sorted(answer.status_code for answer in answers) == [200] * 3 + [429] * 7
    refused = next(answer for answer in answers if answer.status_code == 429)
    assert int(refused.headers["retry-after"]) >= 1
    assert set(refused.json()) == {"id", "message"}


def test_bodies_in_flight_are_bounded(made):
    app, *_ = made(limits=GuardLimits(body_bytes=50))
    answer = client(app).post("/v2/rerank", json=BODY)
    assert answer.status_code == 429
    assert "retry-after" in answer.headers


def test_a_body_that_never_ends_is_given_up(made):
    app, *_ = made(limits=GuardLimits(body_seconds=0.05))
    sent = []

    async def receive():
        if not sent:
            await asyncio.sleep(0)
        await asyncio.sleep(5)
        return {"type": "http.request", "body": b"", "more_body": True}

    async def send(message):
        sent.append(message)

    scope = {"type": "http", "method": "POST", "path": "/v2/rerank", "headers": [], "query_string": b""}
    asyncio.run(asyncio.wait_for(app({**scope, "http_version": "1.1", "scheme": "http"}, receive, send), 2))
    assert sent[0]["status"] == 400


def test_a_client_that_leaves_takes_its_pairs_along(made):
    app, operations, fake, log = made()
    fake.open.clear()
    left = asyncio.Event

    async def run():
        gone = left()
        task = asyncio.ensure_future(ask_and_leave(app, "/v2/rerank", {**BODY, "documents": ["word"] * 90}, gone))
        while value(operations.metrics.text().decode(), "requests_in_flight") < 1 or not fake_busy(app):
            await asyncio.sleep(0.005)
        gone.set()
        await asyncio.wait_for(task, 5)

    def fake_busy(_):
        return batcher_depth(app) == 90

    def batcher_depth(_):
        return held.depth

    held = app_batcher(app)
    asyncio.run(run())
    assert held.depth == 0
    fake.open.set()
    assert value(operations.metrics.text().decode(), "cancelled_total") == 1
    assert "client left" in log.getvalue()


def app_batcher(layers):
    """The batcher behind an application's layers."""
    while not hasattr(layers, "state"):
        layers = layers._app
    return layers.state.parts.scorer
