"""Chat models as listwise rerankers, against a stand-in of the API on loopback."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

import shortlist as sl
from shortlist import registry
from shortlist.errors import BadScores, HostedRefused, HostedUnavailable, InvalidInput
from shortlist.rerankers.chat import PRICES, ChatReranker, ListUsage, TokenPrices, parse, prices_of
from shortlist.rerankers.names import is_hosted, model_of
from shortlist.search.explain import explain
from shortlist.search.scores import score_texts
from shortlist.types import Hit, Note
from standin_chat import asked, chat, completion
from standin_vendor import standin_vendor, worth

KEY = "sk-very-secret-key"
TEXTS = [f"text {number}" for number in range(7)]
MANY = [f"text {number}" for number in range(45)]
OK = (200, None, {})


@pytest.fixture(autouse=True)
def key(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    for name in ("OPENAI_BASE_URL", PRICES):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


@pytest.fixture
def server():
    with standin_vendor(chat) as vendor:
        yield vendor


def reranker_of(server, **options):
    return ChatReranker(f"openai-list:m@{server.url}", sleep=lambda _: None, **options)


def best_first(query, texts):
    return sorted(texts, key=lambda text: -worth(query, text))


def test_one_window_is_one_call_and_a_score_is_1_divided_by_the_place(server):
    scores = reranker_of(server).score("ask", TEXTS)
    expected = best_first("ask", TEXTS)
    assert scores == [1 / (expected.index(text) + 1) for text in TEXTS]
    (path, body, headers), *more = server.seen
    assert not more
    assert (path, body["model"], body["temperature"]) == ("/v1/chat/completions", "m", 0)
    assert asked(body) == ("ask", TEXTS)
    assert headers["authorization"] == f"Bearer {KEY}"


def test_windows_of_20_move_the_best_passages_to_the_front(server):
    scores = reranker_of(server).score("ask", MANY)
    assert [len(asked(body)[1]) for _, body, _ in server.seen] == [20, 20, 20, 15]
    assert asked(server.seen[0][1])[1] == MANY[25:]
    order = sorted(MANY, key=lambda text: -scores[MANY.index(text)])
    assert order[:10] == best_first("ask", MANY)[:10], "a step of 10 carries the best 10 to the front"
    assert sorted(scores, reverse=True) == [1 / place for place in range(1, 46)]


def test_no_text_and_one_text_send_nothing(server):
    model = reranker_of(server)
    assert (model.score("ask", []), model.score("ask", ["only"])) == ([], [1.0])
    assert not server.seen
    assert model.usage_notes() == ()
    with pytest.raises(InvalidInput, match="the query is empty"):
        model.score(" ", TEXTS)


def test_calls_and_tokens_are_counted_for_each_search_and_in_total(server):
    model = reranker_of(server)
    scores = score_texts(model, "ask", MANY)
    values = {"reranker": model.info.name, "calls": 4, "prompt_tokens": 400, "completion_tokens": 40, "uncounted": 0}
    assert scores.notes == (Note("list_calls", **values, cost=None),)
    model.score("other", TEXTS)
    assert model.usage == ListUsage(calls=5, prompt_tokens=500, completion_tokens=50)


def test_the_cost_needs_prices_and_counts(server, monkeypatch):
    monkeypatch.setenv(PRICES, "0.5, 2")
    model = reranker_of(server)
    assert model.score("ask", TEXTS).notes[0].values["cost"] == pytest.approx((100 * 0.5 + 10 * 2) / 1e6)
    assert reranker_of(server, prices=TokenPrices(1, 0)).score("ask", TEXTS).notes[0].values["cost"] == 1e-4
    server.script = [(200, {"choices": [{"message": {"content": "[1]"}}]}, {})]
    (calls, _) = model.score("ask", TEXTS).notes
    assert (calls.values["uncounted"], calls.values["cost"]) == (1, None)


@pytest.mark.parametrize("text", ["1", "a b", "1 2 3", "-1 2", "nan 1"])
def test_prices_that_cannot_be_used(text):
    with pytest.raises(InvalidInput, match="prices"):
        prices_of(text)


def test_no_prices():
    assert prices_of(" ") is None


def test_faulty_answers_are_repaired_and_counted(server):
    server.script = [(200, completion("[3] > [3] > [99]"), {})]
    scores = reranker_of(server).score("ask", TEXTS)
    assert sorted(TEXTS, key=lambda text: -scores[TEXTS.index(text)])[:3] == ["text 2", "text 0", "text 1"]
    faults = {"missing": 6, "repeated": 1, "unknown": 1, "unreadable": 0}
    assert scores.notes[1] == Note("list_faults", calls=1, **faults)


@pytest.mark.parametrize("content", ["I am sorry, I cannot help with that.", "", None, 7])
def test_an_answer_without_an_order_keeps_the_earlier_order_and_is_counted(server, content):
    server.script = [(200, completion(content), {})]
    model = reranker_of(server)
    assert model.score("ask", TEXTS) == [1 / place for place in range(1, 8)]
    assert (model.usage.unreadable, model.usage.missing) == (1, 0)


@pytest.mark.parametrize("answer", [{}, [], {"choices": []}, {"choices": [{}]}, {"choices": [{"message": "x"}]}])
def test_an_answer_without_a_message_is_an_error(server, answer):
    server.script = [(200, answer, {})]
    with pytest.raises(BadScores, match="returned an answer without"):
        reranker_of(server).score("ask", TEXTS)


def test_cut_passages_are_marked(server):
    assert reranker_of(server).score("ask", ["short", "w " * 400]).truncated == [False, True]
    assert reranker_of(server).info.reports_cuts


def test_a_service_that_refuses_the_temperature_gets_none(server):
    refused = {"error": {"message": "Unsupported value: 'temperature' does not support 0 with this model."}}
    server.script = [(400, refused, {}), OK]
    model = reranker_of(server)
    model.score("ask", TEXTS)
    model.score("ask", TEXTS)
    assert ["temperature" in body for _, body, _ in server.seen] == [True, False, False]


def test_failures_are_those_of_every_hosted_reranker(server):
    server.script = [(503, {}, {})]
    assert len(reranker_of(server).score("ask", TEXTS)) == 7
    server.script = [(503, {}, {})] * 9
    with pytest.raises(HostedUnavailable, match="after 4 attempts"):
        reranker_of(server).score("ask", TEXTS)
    server.script = [(401, {"error": f"{KEY} is wrong"}, {})]
    with pytest.raises(HostedRefused, match="the key in OPENAI_API_KEY is missing or not accepted") as caught:
        reranker_of(server).score("ask", TEXTS)
    assert KEY not in f"{caught.value} {reranker_of(server)!r}"


def test_names_and_keys(monkeypatch):
    assert is_hosted("openai-list:gpt-4.1-mini")
    assert not is_hosted("openai:gpt-4.1-mini")
    assert model_of("openai-list:org/m@http://h/v1") == "org/m"
    assert parse("openai-list:m@http://h/v1?key=hidden").name == "openai-list:m@http://h/v1"
    assert parse("openai-list:m").endpoint == "https://api.openai.com/v1/chat/completions"
    assert parse("openai-list:m@http://h/api").endpoint == "http://h/api/chat/completions"
    with pytest.raises(InvalidInput, match="is no listwise reranker: write openai-list:MODEL"):
        registry.load_reranker("openai-list:")
    monkeypatch.delenv("OPENAI_API_KEY")
    registry.check_reranker("openai-list:m@http://h/v1")
    with pytest.raises(HostedRefused, match="set OPENAI_API_KEY"):
        registry.check_reranker("openai-list:m")


@pytest.mark.parametrize("options", [{"window": 10}, {"step": 0}, {"timeout": 0}, {"retries": -1}])
def test_arguments_out_of_range(options):
    with pytest.raises(InvalidInput, match="window must be above step"):
        ChatReranker("openai-list:m", **options)


def test_settings_that_need_scores_are_errors(server):
    model = registry.load_reranker(f"openai-list:m@{server.url}")
    hits = [Hit.of(text, text, signals={"dense": 0.5}) for text in TEXTS]
    search = sl.Search(lambda query, k: [{"id": hit.id, "text": hit.text} for hit in hits], model)
    assert [hit.text for hit in search.search("ask", top_k=7)] == best_first("ask", TEXTS)
    weighted = sl.Search(search.retriever, model, weights={"dense": 2.0})
    for field, searched, options in (("min_score", search, {"min_score": 0.5}), ("weights", weighted, {})):
        with pytest.raises(InvalidInput, match="returns an order without scores") as caught:
            searched.search("ask", **options)
        assert caught.value.field == field
    assert weighted.search("ask", blend=0.0).status == "ok"
    for option, value in (("min_probability", 0.5), ("pool_size", "auto")):
        with pytest.raises(InvalidInput, match="depend on the whole pool"):
            search.search("ask", **{option: value})
    with pytest.raises(InvalidInput, match="an explanation compares scores"):
        explain("ask", "a", "b", registry.load_encoder("hashed-16"), model)


def test_rank_and_rerank_order_the_documents(server):
    ranked = sl.rerank("ask", TEXTS, top_k=2, reranker=f"openai-list:m@{server.url}")
    assert [item.document for item in ranked] == best_first("ask", TEXTS)[:2]
    assert [item.score for item in ranked] == [1.0, 0.5]


def test_many_threads_share_one(server):
    model = reranker_of(server)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: model.score(f"ask {number}", TEXTS), range(16)))
    assert model.usage.calls == 16
    model.close()
    assert len(model.score("ask", TEXTS)) == 7
