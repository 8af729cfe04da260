"""Hosted rerankers from the command line, on a real index, against a stand-in service on loopback."""

from __future__ import annotations

import json

import numpy as np
import pytest
from typer.testing import CliRunner

from shortlist.cli.app import app
from shortlist.encoders.hashed import HashedEncoder
from shortlist.errors import HostedRefused, HostedUnavailable, NotFitted
from shortlist.evaluation.saved import load
from shortlist.indexes.embedded import EmbeddedIndex
from shortlist.rerankers import hosted
from shortlist.types import Passage
from standin_vendor import cohere, standin_vendor, worth
from worlds import WORDS

QUERIES = 6


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("made")
    draw = np.random.default_rng(5)
    encoder = HashedEncoder(16)
    corpus = [Passage(f"p{i}", " ".join(draw.choice(WORDS, 5)) + f" n{i}", f"p{i}") for i in range(20)]
    with EmbeddedIndex.create(folder / "ix", encoder_name=encoder.name, dimension=16) as index:
        index.add(corpus, encoder.encode_passages([one.content for one in corpus]))
    rows = [{"query": f"{corpus[n].text} {n}", "relevant": [f"p{n}"]} for n in range(QUERIES)]
    (folder / "q.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    many = [{"query": f"{one.text} {n}", "relevant": [one.id]} for n in range(3) for one in corpus]
    (folder / "many.jsonl").write_text("".join(json.dumps(row) + "\n" for row in many))
    hard = [{**row, "relevant": [f"p{(n + n % 3) % 20}"]} for n, row in enumerate(many)]
    (folder / "hard.jsonl").write_text("".join(json.dumps(row) + "\n" for row in hard))
    return folder


@pytest.fixture
def shell(folder, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("CO_API_KEY", "sk-secret")
    monkeypatch.setattr(hosted, "FIRST_WAIT", 0.0)

    def run(*arguments, code=0):
        named = [str(folder / one) if (folder / one).exists() else one for one in arguments]
        done = CliRunner().invoke(app, named)
        if isinstance(done.exception, Exception) and not isinstance(done.exception, SystemExit):
            run.said = done.output
            raise done.exception
        assert done.exit_code == code, done.output
        assert "sk-secret" not in done.output
        return done.output

    with standin_vendor(cohere) as server:
        monkeypatch.setenv("CO_API_URL", server.url)
        run.server = server
        yield run


def test_search_ranks_by_the_service_own_score(shell):
    shown = json.loads(
        shell("search", "red cat", "--index", "ix", "--cross-encoder", "cohere:rerank-v3.5", "--pool", "9", "--json")
    )
    assert shown["weights"] == {}
    scores = [hit["rerank_score"] for hit in shown["hits"]]
    assert scores == sorted(scores, reverse=True) == [hit["score"] for hit in shown["hits"]]
    assert scores == [worth("red cat", hit["text"]) for hit in shown["hits"]]
    path, body, headers = shell.server.seen[0]
    assert (path, body["model"], headers["authorization"]) == ("/v2/rerank", "rerank-v3.5", "Bearer sk-secret")
    text = shell("search", "red cat", "--index", "ix", "--cross-encoder", "cohere:rerank-v3.5")
    assert "  score +" in text
    assert "cuts to its window not told; final score = score" in " ".join(text.split())


def test_rerank_takes_one(shell, tmp_path):
    (tmp_path / "c.txt").write_text("one\ntwo\nthree\n")
    shown = shell("rerank", "ask", str(tmp_path / "c.txt"), "--cross-encoder", f"compatible:m@{shell.server.url}")
    assert shown.startswith("  1  was ")
    assert "cuts to its window not told" in shown


def test_a_hosted_set_up_stands_beside_one_without_reranking(shell, tmp_path):
    options = ("--set-up", "none:rerank=false", "--set-up", "api:cross-encoder=cohere:rerank-v3.5,pool=7")
    shown = shell("evaluate", "q.jsonl", "--index", "ix", *options, "--save", "two.json")
    assert "set-ups compared" in shown
    found = load(tmp_path / "two.json")
    assert found[1].about["cross-encoder"] == "cohere:rerank-v3.5"
    assert all(outcome.scored == 7 for outcome in found[1].outcomes)


def test_a_call_that_fails_in_the_middle_keeps_what_was_measured(shell, tmp_path):
    asked = ("evaluate", "q.jsonl", "--index", "ix", "--cross-encoder", "cohere:rerank-v3.5", "--pool", "5")
    ok = (200, None, {})
    shell.server.script = [ok, ok, ok, *[(503, {"message": "overloaded"}, {})] * 4]
    with pytest.raises(HostedUnavailable, match="overloaded"):
        shell(*asked)
    assert "what was measured is in shortlist-evaluate.*.partial.jsonl, and the same command goes on" in shell.said
    calls = len(shell.server.seen)
    assert "3 queries were measured by an interrupted run" in shell(*asked)
    assert len(shell.server.seen) == calls + QUERIES - 3
    assert not list(tmp_path.glob("*.partial.jsonl"))


def test_a_missing_key_stops_before_anything_is_measured(shell, monkeypatch):
    monkeypatch.delenv("VOYAGE_API_KEY", raising=False)
    options = ("--set-up", "a:cross-encoder=cohere:x", "--set-up", "b:cross-encoder=voyage:rerank-2.5")
    with pytest.raises(HostedRefused, match="set VOYAGE_API_KEY"):
        shell("evaluate", "q.jsonl", "--index", "ix", *options)
    assert not shell.server.seen


def test_tune_names_the_cross_encoder_in_the_file_and_search_follows(shell, tmp_path):
    asked = ("--index", "ix", "--cross-encoder", "cohere:rerank-v3.5", "--sizes", "5,10", "--timed", "1")
    shown = shell("tune", "hard.jsonl", *asked, "--write")
    assert "one pass at 10; every smaller pool read off it" in shown
    assert 'cross-encoder = "cohere:rerank-v3.5"' in (tmp_path / "shortlist.toml").read_text()
    assert json.loads(shell("search", "red cat", "--index", "ix", "--rerank", "--json"))["reranked"]
    assert shell.server.seen[-1][1]["query"] == "red cat"


def test_a_listwise_one_is_run_at_each_size(shell, monkeypatch):
    monkeypatch.setenv("JINA_API_KEY", "sk-secret")
    name = f"jina:jina-reranker-v3@{shell.server.url}"
    shown = shell("tune", "q.jsonl", "--index", "ix", "--cross-encoder", name, "--sizes", "5,10", "--timed", "1")
    assert "scores a pool as a whole: one run at each size" in shown


def test_passages_are_cut_for_the_bi_encoder_where_the_window_is_not_known(shell, tmp_path):
    (tmp_path / "a.txt").write_text("word " * 900)
    shown = shell(
        "add", str(tmp_path / "a.txt"), "--index", "new", "--cross-encoder", "cohere:x", "--bi-encoder", "hashed-16"
    )
    assert "passages" in shown


def test_the_file_names_it_for_calibrate_why_and_a_server(shell, folder, tmp_path, monkeypatch):
    name = "cohere:rerank-v3.5"
    (tmp_path / "shortlist.toml").write_text(f'[search]\ncross-encoder = "{name}"\nfusion = 0.3\n')
    words = json.loads(shell("why", "red cat", "p0", "p1", "--index", "ix", "--json"))
    assert len(words["words"]) == 2
    assert {path for path, _, _ in shell.server.seen} == {"/v2/rerank"}
    shell("calibrate", "many.jsonl", "--index", "ix", "--pool", "10", "--method", "platt")
    stored = json.loads((folder / "ix" / "stop-rule.json").read_text())["fitted_for"]
    assert (stored["cross-encoder"], stored["cross-encoder weights"]) == (name, "")
    assert stored["retriever"] == "hybrid at fusion 0.3"
    found = json.loads(shell("search", "red cat", "--index", "ix", "--pool", "auto", "--json"))
    assert found["pool_size"] == 10
    with pytest.raises(NotFitted, match=r"hybrid at fusion 0\.3 and this search has hybrid:"):
        shell("search", "red cat", "--index", "ix", "--pool", "auto", "--fusion", "0.5")
    started = []
    start = pytest.importorskip("shortlist.server.start", reason="the server extra is not installed")
    monkeypatch.setattr(start, "start", started.append)
    shell("serve", "--index", "ix")
    models = started[0].models
    assert (models.cross_encoder, models.fusion) == (name, 0.3)
