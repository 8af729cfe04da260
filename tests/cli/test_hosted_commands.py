"""Hosted rerankers from the command line, on a real index, against a stand-in service on loopback."""

from __future__ import annotations

import json

import numpy as np
import pytest

from command_line import run
from hashed import index_of
from shortlist import http_service
from shortlist.evaluation.saved import load
from shortlist.types import Passage
from standin_vendor import cohere, standin_vendor, worth
from worlds import WORDS

QUERIES = 6
COHERE = "cohere:rerank-v3.5"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """An index of 20 passages, and three query sets."""
    folder = tmp_path_factory.mktemp("made")
    draw = np.random.default_rng(5)
    corpus = [Passage(f"p{i}", " ".join(draw.choice(WORDS, 5)) + f" n{i}", f"p{i}") for i in range(20)]
    index_of(corpus, folder / "ix", dimension=16)
    few = [{"query": f"{corpus[n].text} {n}", "relevant": [f"p{n}"]} for n in range(QUERIES)]
    many = [{"query": f"{passage.text} {n}", "relevant": [passage.id]} for n in range(3) for passage in corpus]
    hard = [{**row, "relevant": [f"p{(n + n % 3) % 20}"]} for n, row in enumerate(many)]
    for name, rows in (("q", few), ("many", many), ("hard", hard)):
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return folder


@pytest.fixture
def shell(folder, tmp_path, monkeypatch):
    """Run commands in an empty folder; names of the module's files stand for their paths. `server` is the service."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("CO_API_KEY", "sk-secret")
    monkeypatch.setattr(http_service, "FIRST_WAIT", 0.0)

    def invoke(*arguments, code=0):
        paths = [str(folder / word) if (folder / word).exists() else word for word in arguments]
        result = run(*paths, cwd=tmp_path, code=code)
        assert "sk-secret" not in result.out + result.err
        return result

    with standin_vendor(cohere) as server:
        monkeypatch.setenv("CO_API_URL", server.url)
        invoke.server = server
        yield invoke


def test_search_ranks_by_the_services_own_score(shell):
    answer = shell("search", "red cat", "--index", "ix", "--reranker", COHERE, "--pool", "9", "--json").json()
    assert answer["weights"] == {}
    scores = [hit["rerank_score"] for hit in answer["hits"]]
    assert scores == sorted(scores, reverse=True) == [hit["score"] for hit in answer["hits"]]
    assert scores == [worth("red cat", hit["text"]) for hit in answer["hits"]]
    path, body, headers = shell.server.seen[0]
    assert (path, body["model"], headers["authorization"]) == ("/v2/rerank", "rerank-v3.5", "Bearer sk-secret")
    shown = shell("search", "red cat", "--index", "ix", "--reranker", COHERE)
    assert "  score +" in shown.out
    assert "number of cut passages unknown; final score = score" in shown.text


def test_rerank_takes_one(shell, tmp_path):
    (tmp_path / "c.txt").write_text("one\ntwo\nthree\n")
    shown = shell("rerank", "ask", str(tmp_path / "c.txt"), "--reranker", f"compatible:m@{shell.server.url}")
    assert shown.out.startswith("  1  was ")
    assert "3 candidates scored, cuts unknown" in shown.err


def test_a_hosted_set_up_is_compared_with_one_without_reranking(shell, tmp_path):
    options = ("--set-up", "none:rerank=false", "--set-up", f"api:reranker={COHERE},pool_size=7")
    shown = shell("evaluate", "q.jsonl", "--index", "ix", *options, "--save", "two.json")
    assert "set-ups compared" in shown.out
    saved = load(tmp_path / "two.json")
    assert saved[1].about["reranker"] == COHERE
    assert all(outcome.scored == 7 for outcome in saved[1].outcomes)


def test_a_call_that_fails_in_the_middle_keeps_what_was_measured(shell, tmp_path):
    command = ("evaluate", "q.jsonl", "--index", "ix", "--reranker", COHERE, "--pool", "5")
    ok = (200, None, {})
    shell.server.script = [ok, ok, ok, *[(503, {"message": "overloaded"}, {})] * 4]
    failed = shell(*command, code=4)
    assert "overloaded" in failed.err
    (file,) = tmp_path.glob("shortlist-evaluate.*.partial.jsonl")
    assert f"results so far are in {file.name}: run the same command again to continue" in failed.err
    calls = len(shell.server.seen)
    assert "3 queries measured by an interrupted run" in shell(*command).err
    assert len(shell.server.seen) == calls + QUERIES - 3
    assert not list(tmp_path.glob("*.partial.jsonl"))


def test_a_missing_key_is_an_error_before_anything_is_measured(shell, monkeypatch):
    monkeypatch.delenv("VOYAGE_API_KEY", raising=False)
    options = ("--set-up", "a:reranker=cohere:x", "--set-up", "b:reranker=voyage:rerank-2.5")
    assert "set VOYAGE_API_KEY" in shell("evaluate", "q.jsonl", "--index", "ix", *options, code=4).err
    assert not shell.server.seen


def test_tune_names_the_reranker_in_the_file_and_search_follows(shell, tmp_path):
    options = ("--index", "ix", "--reranker", COHERE, "--sizes", "5,10", "--timed", "1")
    shown = shell("tune", "hard.jsonl", *options, "--write")
    assert "one scoring pass at pool 10, and every smaller pool computed from it" in shown.out
    assert f'reranker = "{COHERE}"' in (tmp_path / "shortlist.toml").read_text()
    assert shell("search", "red cat", "--index", "ix", "--rerank", "--json").json()["status"] == "ok"
    assert shell.server.seen[-1][1]["query"] == "red cat"


def test_a_listwise_one_is_run_at_each_size(shell, monkeypatch):
    monkeypatch.setenv("JINA_API_KEY", "sk-secret")
    name = f"jina:jina-reranker-v3@{shell.server.url}"
    shown = shell("tune", "q.jsonl", "--index", "ix", "--reranker", name, "--sizes", "5,10", "--timed", "1")
    assert "scores a pool as a whole: one run at each size" in shown.out


def test_passages_fit_the_bi_encoder_if_the_window_is_unknown(shell, tmp_path):
    (tmp_path / "a.txt").write_text("word " * 900)
    options = ("--index", "new", "--reranker", "cohere:x", "--bi-encoder", "hashed-16")
    assert "5 passages added" in shell("add", str(tmp_path / "a.txt"), *options).err
    assert not shell.server.seen, "nothing is sent"


def test_the_file_names_it_for_calibrate_why_and_a_server(shell, folder, tmp_path, monkeypatch):
    (tmp_path / "shortlist.toml").write_text(f'[search]\nreranker = "{COHERE}"\nfusion = 0.3\n')
    explanation = shell("why", "red cat", "p0", "p1", "--index", "ix", "--json").json()
    assert len(explanation["words"]) == 2
    assert {path for path, _, _ in shell.server.seen} == {"/v2/rerank"}
    shell("calibrate", "many.jsonl", "--index", "ix", "--pool", "10", "--method", "platt")
    stored = json.loads((folder / "ix" / "stop-rule.json").read_text())["made_for"]
    assert (stored["reranker"], stored["reranker_weights"]) == (COHERE, "")
    assert stored["retriever"] == "hybrid with added scores at fusion 0.3"
    adaptive = ("search", "red cat", "--index", "ix", "--pool", "auto")
    assert shell(*adaptive, "--json").json()["pool_size"] == 10
    assert (
        "hybrid with added scores at fusion 0.3, and this search has hybrid with added scores:"
        in shell(*adaptive, "--fusion", "0.5", code=3).err
    )
    started = []
    start = pytest.importorskip("shortlist.server.start", reason="the server extra is not installed")
    monkeypatch.setattr(start, "start", started.append)
    shell("serve", "--index", "ix")
    assert (started[0].config.reranker, started[0].config.fusion) == (COHERE, 0.3)
