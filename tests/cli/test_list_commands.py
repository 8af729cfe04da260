"""A chat model as listwise reranker, from the command line and over HTTP, on a real index."""

from __future__ import annotations

import json

import pytest

import shortlist
from command_line import run
from hashed import index_of
from shortlist.evaluation.saved import load
from shortlist.types import Passage
from standin_chat import chat, completion
from standin_vendor import standin_vendor, worth

WORDS = ["red cat", "blue dog", "tall tree", "old boat", "new moon", "cold soup"]
TEXTS = [f"{word} number {number}" for number, word in enumerate(WORDS)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """An index of 6 passages, and a query set."""
    folder = tmp_path_factory.mktemp("made")
    index_of([Passage(f"p{place}", text, f"p{place}") for place, text in enumerate(TEXTS)], folder / "ix", dimension=16)
    rows = [{"query": f"{word} {place}", "relevant": [f"p{place}"]} for place, word in enumerate(WORDS)]
    (folder / "q.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return folder


@pytest.fixture
def shell(folder, tmp_path, monkeypatch):
    """Run commands in an empty folder. `server` is the API, and `name` the reranker."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    monkeypatch.setenv("SHORTLIST_TOKEN_PRICES", "1000 1000")

    def invoke(*arguments, code=0):
        paths = [str(folder / word) if (folder / word).exists() else word for word in arguments]
        result = run(*paths, "--reranker", invoke.name, cwd=tmp_path, code=code)
        assert "sk-secret" not in result.out + result.err
        return result

    with standin_vendor(chat) as server:
        invoke.server, invoke.name = server, f"openai-list:m@{server.url}/v1"
        yield invoke


def test_search_shows_the_order_the_tokens_and_the_cost(shell):
    answer = shell("search", "red cat", "--index", "ix", "--json").json()
    texts = [hit["text"] for hit in answer["hits"]]
    assert texts == sorted(TEXTS, key=lambda text: -worth("red cat", text))[:5]
    assert [hit["score"] for hit in answer["hits"]] == [1.0, 1 / 2, 1 / 3, 1 / 4, 1 / 5]
    (note,) = answer["notes"]
    assert (note["code"], note["calls"], note["prompt_tokens"], note["cost"]) == ("list_calls", 1, 100, 0.11)
    shown = shell("search", "red cat", "--index", "ix").text
    assert f"{shell.name}: 1 call, 100 prompt tokens and 10 completion tokens, cost 0.11" in shown
    assert "reciprocal rank +1.000" in shown
    assert "6 passages scored, 0 cut; final score = reciprocal rank" in shown


def test_faulty_answers_are_shown(shell):
    shell.server.script = [(200, completion("[2] > [2] > [9]"), {})]
    shown = shell("search", "red cat", "--index", "ix").text
    assert "numbers of passages in the answers: 5 missing, 1 repeated, 1 unknown" in shown
    shell.server.script = [(200, completion("no idea"), {})]
    shown = shell("search", "red cat", "--index", "ix").text
    assert "1 window left in the earlier order, because the answer has no order" in shown


def test_a_smallest_score_is_an_error(shell):
    failed = shell("search", "red cat", "--index", "ix", "--min-score", "0.5", code=2)
    assert "returns an order without scores" in failed.err
    assert not shell.server.seen


def test_rerank_prints_the_tokens(shell, tmp_path):
    (tmp_path / "c.txt").write_text("one\ntwo\nthree\n")
    shown = shell("rerank", "ask", str(tmp_path / "c.txt"))
    assert "reciprocal rank +1.000" in shown.out
    assert "0 of the shown candidates cut" in shown.err
    assert "1 call, 100 prompt tokens and 10 completion tokens, cost 0.11" in shown.err


def test_a_small_cost_has_no_exponent(shell, monkeypatch):
    monkeypatch.setenv("SHORTLIST_TOKEN_PRICES", "0.01 0.01")
    assert ", cost 0.0000066" in shell("evaluate", "q.jsonl", "--index", "ix").err


def test_evaluate_prints_the_tokens_of_all_queries(shell, tmp_path):
    shown = shell("evaluate", "q.jsonl", "--index", "ix", "--save", "one.json")
    assert f"default: {shell.name}: 6 calls, 600 prompt tokens and 60 completion tokens" in shown.err
    assert all(outcome.scored == 6 for outcome in load(tmp_path / "one.json")[0].outcomes)


def test_tune_runs_each_size_because_the_order_depends_on_the_pool(shell):
    shown = shell("tune", "q.jsonl", "--index", "ix", "--sizes", "3,6", "--timed", "1")
    assert "scores a pool as a whole: one run at each size" in shown.out
    assert "12 calls" in shown.err


def test_calibrate_and_an_adaptive_pool_are_errors(shell):
    assert "scores a pool as a whole" in shell("calibrate", "q.jsonl", "--index", "ix", code=2).err
    assert "depend on" in shell("search", "red cat", "--index", "ix", "--pool", "auto", code=2).err


def test_a_server_answers_with_the_order_and_the_tokens(shell, folder):
    pytest.importorskip("fastapi", reason="the server extra is not installed")
    from starlette.testclient import TestClient

    config = shortlist.SearchConfig(reranker=shell.name, bi_encoder="hashed-16")
    with shortlist.open(folder / "ix", config=config) as index, TestClient(shortlist.asgi(index)) as client:
        answer = client.post("/search", json={"query": "red cat"}).json()
        expected = sorted(TEXTS, key=lambda text: -worth("red cat", text))[:5]
        assert [hit["text"] for hit in answer["hits"]] == expected
        assert [note["code"] for note in answer["notes"]] == ["list_calls"]
        ranked = client.post("/v2/rerank", json={"model": "m", "query": "red cat", "documents": TEXTS}).json()
        assert [row["relevance_score"] for row in ranked["results"]] == [1 / place for place in range(1, 7)]
        assert "1 call, 100 prompt tokens" in ranked["meta"]["warnings"][0]
