"""Hosted rerankers against a stand-in service on loopback, which answers in each vendor's recorded form."""

from __future__ import annotations

import asyncio
import json
import logging
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from email.utils import formatdate

import httpx
import pytest

from shortlist import registry
from shortlist.errors import BadScores, HostedRefused, HostedUnavailable, InvalidInput, ModelError
from shortlist.http_service import retry_after
from shortlist.models.packaged import BI_ENCODER
from shortlist.rerankers.hosted import HostedReranker
from shortlist.rerankers.vendors import VENDORS, is_hosted, parse
from standin_vendor import cohere, jina, mixedbread, pinecone, standin_vendor, tei, voyage, worth

TEXTS = [f"text {number}" for number in range(7)]
KEY = "sk-very-secret-key"
FORMS = {
    "cohere": (cohere, "/v2/rerank", {"top_n"}),
    "voyage": (voyage, "/v1/rerank", {"top_k"}),
    "jina": (jina, "/v1/rerank", {"top_n", "return_documents"}),
    "mixedbread": (mixedbread, "/v1/reranking", {"top_k"}),
    "together": (cohere, "/v1/rerank", {"top_n"}),
    "pinecone": (pinecone, "/rerank", {"top_n", "return_documents", "parameters"}),
    "tei": (tei, "/rerank", {"raw_scores", "truncate"}),
    "infinity": (jina, "/rerank", {"top_n"}),
    "vllm": (jina, "/v1/rerank", {"top_n"}),
    "llamacpp": (jina, "/v1/rerank", {"top_n"}),
    "compatible": (cohere, "/v1/rerank", {"top_n"}),
}


@pytest.fixture(autouse=True)
def keys(monkeypatch):
    for vendor in VENDORS.values():
        for name in vendor.keys:
            monkeypatch.delenv(name, raising=False)
        if vendor.needs_key:
            monkeypatch.setenv(vendor.keys[-1], KEY)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


@pytest.fixture
def server():
    with standin_vendor(jina) as vendor:
        yield vendor


def reranker_of(server, **options):
    """A reranker of the stand-in, and the list of seconds that it waited."""
    waits: list[float] = []
    return HostedReranker(f"compatible:m@{server.url}", sleep=waits.append, **options), waits


@pytest.mark.parametrize("name", FORMS)
def test_every_vendor_gets_its_own_fields_and_scores_return_in_the_order_given(name):
    form, path, extra = FORMS[name]
    with standin_vendor(form) as server:
        scores = HostedReranker(f"{name}:some-model@{server.url}").score("ask", TEXTS)
        assert scores == [worth("ask", text) for text in TEXTS]
        (requested_path, body, headers), vendor = server.seen[0], VENDORS[name]
        assert requested_path == path
        assert set(body) == {"model", "query", vendor.texts} | extra
        key = headers.get(vendor.key_header.lower(), "")
        assert key.removeprefix("Bearer ") == (KEY if vendor.needs_key else "")


def test_all_vendors_are_covered():
    assert set(FORMS) == set(VENDORS)


def test_a_server_without_a_model_gets_no_model_field(server):
    HostedReranker(f"infinity:{server.url}").score("ask", TEXTS)
    assert "model" not in server.seen[0][1]


def test_a_result_is_requested_for_every_text_because_a_default_may_be_ten():
    with standin_vendor(mixedbread) as server:
        HostedReranker(f"mixedbread:m@{server.url}").score("ask", [f"t{n}" for n in range(30)])
        assert server.seen[0][1]["top_k"] == 30


def test_no_texts_send_nothing_and_an_empty_query_is_refused(server):
    model, _ = reranker_of(server)
    assert model.score("ask", []) == []
    assert not server.seen
    with pytest.raises(InvalidInput, match="the query is empty"):
        model.score(" ", TEXTS)


def test_more_texts_than_fit_are_sent_in_several_requests_and_return_in_order():
    with standin_vendor(tei) as server:
        texts = [f"t{n}" for n in range(70)]
        assert HostedReranker(f"tei:{server.url}").score("ask", texts) == [worth("ask", text) for text in texts]
        assert [len(body["texts"]) for _, body, _ in server.seen] == [32, 32, 6]


def test_its_info(server):
    units = {name: HostedReranker(f"{name}:some-model@{server.url}").info.unit for name in VENDORS}
    assert {name for name, unit in units.items() if unit == "logit"} == {"llamacpp"}
    info = HostedReranker("cohere:rerank-v3.5").info
    assert (info.name, info.remote, info.max_concurrent, info.window) == ("cohere:rerank-v3.5", True, 8, None)


def test_a_listwise_model_is_not_pointwise_and_never_split(server):
    model = HostedReranker(f"jina:jina-reranker-v3@{server.url}", max_texts=5)
    assert model.info.pointwise is False
    assert HostedReranker("jina:jina-reranker-v2-base-multilingual").info.pointwise is True
    with pytest.raises(InvalidInput, match="takes 5 texts, not 7: use a smaller pool_size"):
        model.score("ask", TEXTS)


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ({"results": [{"index": 0, "relevance_score": 1.0}]}, "returned 1 scores; text 2 of 2 has none"),
        ({"results": [{"index": 0, "relevance_score": 1}] * 2}, "scored text 1 of 2 twice"),
        (
            {"results": [{"index": 2, "relevance_score": 1}]},
            "returned the index 2 for 2 texts: an index is a whole number from 0 to 1",
        ),
        ({"results": [{"index": -1, "relevance_score": 1}]}, "returned the index -1 for 2 texts"),
        ({"results": [{"relevance_score": 1}]}, "returned the index None for 2 texts"),
        ({"results": [{"index": True, "relevance_score": 1}]}, "returned the index True for 2 texts"),
        ({"results": [{"index": 0, "relevance_score": float("nan")}]}, "nan as relevance_score of text 1 of 2"),
        ({"results": [{"index": 0, "relevance_score": float("inf")}]}, "returned inf as relevance_score"),
        ({"results": [{"index": 0, "relevance_score": "high"}]}, "returned 'high' as relevance_score"),
        ({"results": [{"index": 0}]}, "returned None as relevance_score"),
        ({"results": "none"}, "without a list of results"),
        ({}, "without a list of results"),
        ([1, 2], "without a list of results"),
        (b"<html>gateway</html>", "that is not JSON: <html>gateway</html>"),
        (b"", "that is not JSON"),
        (b"\xff\xfe{", "that is not JSON"),
    ],
)
def test_a_bad_answer_is_named(server, answer, message):
    server.script = [(200, answer, {})]
    with pytest.raises(BadScores, match=message):
        reranker_of(server)[0].score("ask", TEXTS[:2])


@pytest.mark.parametrize("status", [400, 404, 413, 422, 424, 302])
def test_a_refusal_is_not_repeated_and_shows_the_vendors_text(server, status):
    server.script = [(status, {"message": "unknown field: 'top_k'"}, {"Location": server.url})]
    model, waits = reranker_of(server)
    with pytest.raises(HostedRefused, match=rf"status {status} from {server.url}/v1/rerank: .*unknown field"):
        model.score("ask", TEXTS)
    assert (len(server.seen), waits) == (1, [])


@pytest.mark.parametrize("status", [401, 403, 498])
def test_a_refused_key_is_named_by_its_variable(server, status):
    server.script = [(status, {"message": "invalid api token"}, {})]
    model = HostedReranker(f"cohere:m@{server.url}")
    with pytest.raises(HostedRefused, match="the key in CO_API_KEY or COHERE_API_KEY is missing or not accepted"):
        model.score("ask", TEXTS)


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_a_transient_failure_is_repeated_with_growing_waits(server, status):
    server.script = [(status, {"detail": "busy"}, {})] * 3
    model, waits = reranker_of(server)
    assert model.score("ask", TEXTS) == [worth("ask", text) for text in TEXTS]
    assert waits == [0.5, 1.0, 2.0]


def test_the_last_failure_is_an_error_after_all_retries(server):
    server.script = [(429, {"detail": "slow down"}, {})] * 9
    model, waits = reranker_of(server, retries=2)
    with pytest.raises(HostedUnavailable, match=r"status 429: .*slow down.*, after 3 attempts"):
        model.score("ask", TEXTS)
    assert (len(server.seen), len(waits)) == (3, 2)


def test_retry_after_sets_the_wait_and_a_long_one_ends_the_retries(server):
    server.script = [(429, {}, {"Retry-After": "7"}), (503, {}, {"Retry-After": "nonsense"})]
    model, waits = reranker_of(server)
    model.score("ask", TEXTS)
    assert waits == [7.0, 1.0]
    server.script = [(429, {}, {"Retry-After": "3600"})]
    with pytest.raises(HostedUnavailable, match="the vendor requests a wait of 3600 s"):
        model.score("ask", TEXTS)


def test_retry_after_reads_seconds_and_dates():
    assert retry_after("2.5") == 2.5
    assert retry_after("-3") == 0.0
    assert 50 < (retry_after(formatdate(time.time() + 60)) or 0) <= 60
    assert [retry_after(header) for header in (None, "soon", "nan")] == [None, None, None]


def test_a_server_that_is_not_there():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        model = HostedReranker(f"tei:{url}", retries=1, sleep=lambda _: None)
        with pytest.raises(HostedUnavailable, match=r"no connection \(ConnectError\), after 2 attempts"):
            model.score("ask", TEXTS)


def test_a_server_that_never_answers():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        model = HostedReranker(f"tei:{url}", timeout=0.05, retries=1, sleep=lambda _: None)
        with pytest.raises(HostedUnavailable, match=r"no answer within 0\.05 s, after 2 attempts"):
            model.score("ask", TEXTS)


def test_a_missing_key_is_an_error_before_any_request(monkeypatch):
    monkeypatch.delenv("COHERE_API_KEY")
    with pytest.raises(HostedRefused, match="set CO_API_KEY or COHERE_API_KEY"):
        HostedReranker("cohere:rerank-v3.5")


@pytest.mark.parametrize("key", ["sk-secret\nX-Other: 1", "sk-secret-ü", "sk secret"])
def test_a_key_that_cannot_be_sent_in_a_header_is_refused_without_showing_it(monkeypatch, key):
    monkeypatch.setenv("VOYAGE_API_KEY", key)
    with pytest.raises(HostedRefused, match="VOYAGE_API_KEY is not a valid key") as caught:
        HostedReranker("voyage:rerank-2.5")
    assert "secret" not in str(caught.value)


def test_the_key_is_never_shown(server, monkeypatch, caplog):
    caplog.set_level(logging.DEBUG)
    monkeypatch.setenv("RERANK_API_KEY", KEY)
    model, _ = reranker_of(server, retries=0)
    shown = [str(model.info), repr(model)]
    for status in (400, 401, 429, 200):
        server.script = [(status, f"your key {KEY} is wrong".encode(), {})]
        with pytest.raises(ModelError) as caught:
            model.score("ask", TEXTS)
        shown.append(str(caught.value))
    assert server.seen[0][2]["authorization"] == f"Bearer {KEY}"
    assert "***" in shown[-1]
    assert KEY not in " ".join([*shown, caplog.text])


def test_the_query_of_a_url_is_sent_and_not_shown(server):
    server.script = [(400, {}, {})]
    model = HostedReranker(f"compatible:{server.url}/my/rerank?token=hidden")
    with pytest.raises(HostedRefused) as caught:
        model.score("ask", TEXTS)
    assert server.seen[0][0] == "/my/rerank?token=hidden"
    assert "hidden" not in f"{caught.value} {model.info.name}"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("cohere:", "needs a model: write cohere:model"),
        ("cohere:http://127.0.0.1:1", "needs a model"),
        ("tei:", "needs the server's URL: write tei:http://host:port"),
        ("tei:BAAI/bge-reranker-base", "needs the server's URL"),
        ("tei:http://me:secret@host", "leave user name and password out of the URL"),
        ("nobody:model", "is not a hosted reranker: write vendor:model with a vendor of cohere, voyage"),
    ],
)
def test_names_that_cannot_be_used(name, message):
    with pytest.raises(InvalidInput, match=message) as caught:
        parse(name)
    assert "secret" not in str(caught.value)


def test_names():
    assert all(is_hosted(name) for name in ("cohere:x", "tei:http://h"))
    assert not any(is_hosted(name) for name in ("cohere/x", "C:\\models\\x", "cohere", "x"))
    address = parse("vllm:BAAI/bge-reranker-v2-m3@http://127.0.0.1:8000")
    assert (address.model, address.url) == ("BAAI/bge-reranker-v2-m3", "http://127.0.0.1:8000/v1/rerank")
    assert address.name == "vllm:BAAI/bge-reranker-v2-m3@http://127.0.0.1:8000/v1/rerank"
    assert parse("cohere:rerank-v3.5").name == "cohere:rerank-v3.5"


def test_an_unusable_url_is_a_model_error():
    model = HostedReranker("tei:http://127.0.0.1:99999999", retries=0)
    with pytest.raises(ModelError):
        model.score("ask", TEXTS)


def test_a_base_url_from_the_environment(server, monkeypatch):
    monkeypatch.setenv("CO_API_URL", server.url)
    assert len(HostedReranker("cohere:rerank-v3.5").score("ask", TEXTS)) == 7
    assert server.seen[0][0] == "/v2/rerank"


@pytest.mark.parametrize("options", [{"timeout": 0}, {"retries": -1}, {"max_texts": 0}])
def test_arguments_out_of_range(options):
    with pytest.raises(InvalidInput, match="timeout must be above 0"):
        HostedReranker("cohere:x", **options)


def test_a_server_sends_each_request_in_one_call_and_several_at_a_time():
    """The first two requests are answered only when the third has arrived."""
    from shortlist.server.batching.batcher import Batcher

    third = threading.Event()

    def patient(body):
        if body["query"] == "third":
            third.set()
        return jina(body) if third.wait(10) else b"no third request"

    async def run(batcher):
        return await asyncio.gather(*(batcher.score(query, TEXTS * 30) for query in ("first", "second", "third")))

    with standin_vendor(patient) as server:
        batcher = Batcher(reranker_of(server)[0])
        try:
            answers = asyncio.run(run(batcher))
        finally:
            batcher.close()
        assert [len(answer.scores) for answer in answers] == [210] * 3
        assert sorted(body["query"] for _, body, _ in server.seen) == ["first", "second", "third"]


def test_many_threads_share_one(server):
    model, _ = reranker_of(server)
    with ThreadPoolExecutor(8) as pool:
        scores = list(pool.map(lambda number: model.score(f"ask {number}", TEXTS), range(24)))
    assert scores == [[worth(f"ask {number}", text) for text in TEXTS] for number in range(24)]
    model.close()
    assert model.score("ask", TEXTS[:1]) == [worth("ask", TEXTS[0])]


def test_many_threads_that_begin_at_once_make_one_client_and_closing_leaves_none_open(server, monkeypatch):
    clients, client = [], httpx.Client

    def slow(**options):
        time.sleep(0.02)
        clients.append(client(**options))
        return clients[-1]

    monkeypatch.setattr(httpx, "Client", slow)
    model, _ = reranker_of(server)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: model.score(f"ask {number}", TEXTS), range(8)))
    model.close()
    assert [client.is_closed for client in clients] == [True]


def test_rank_gives_the_documents_best_first(server):
    model, _ = reranker_of(server)
    ranked = model.rank("ask", TEXTS, top_k=2)
    assert [place.score for place in ranked] == sorted((worth("ask", text) for text in TEXTS), reverse=True)[:2]


def test_the_registry_loads_it_and_gives_it_no_fitted_weights(server):
    name = f"compatible:m@{server.url}"
    model = registry.load_reranker(name, precision="fast", device="cuda", threads=1, early_exits=True)
    assert model.score("ask", TEXTS[:1]) == [worth("ask", TEXTS[0])]
    assert registry.fitted_weights(BI_ENCODER, name) == {}
    assert registry.progressive_of(model) is None
    registry.check_reranker(name)
    with pytest.raises(InvalidInput, match="needs a model"):
        registry.check_reranker("cohere:")
    assert len(server.seen) == 1


def test_a_negative_whole_number_is_a_score(server):
    server.script = [(200, json.dumps({"results": [{"index": 0, "relevance_score": -11}]}).encode(), {})]
    assert reranker_of(server)[0].score("ask", ["text"]) == [-11.0]


def test_any_iterable_is_sent_and_half_a_surrogate_pair_as_the_replacement_character(server):
    reranker, _ = reranker_of(server)
    assert len(reranker.score("q\ud800", (text for text in ["a", "b \udfff"]))) == 2
    sent = server.seen[-1][1]
    assert (sent["query"], sent["documents"]) == ("q\ufffd", ["a", "b \ufffd"])
