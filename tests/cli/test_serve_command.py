"""`shortlist serve` and `shortlist mcp`: their options reach the server."""

from __future__ import annotations

import socket
from dataclasses import asdict
from pathlib import Path

import pytest

import shortlist
from command_line import error_of, run
from shortlist import SearchConfig
from shortlist.server.options import RequestLimits, ServeOptions

start = pytest.importorskip("shortlist.server.start", reason="the server extra is not installed")

LIMITS = {
    "max_body": ("--max-body", 100, 100),
    "max_documents": ("--max-documents", 7, 7),
    "max_inputs": ("--max-inputs", 8, 8),
    "max_characters": ("--max-characters", 9, 9),
    "model_names": ("--model-name", "any", ("any",)),
    "auto_truncate": ("--auto-truncate", None, True),
}
OTHERS = {
    "index": ("--index", "ix", "ix"),
    "state": ("--state", "fits", Path("fits")),
    "boosts": ("--boost", "ix=2", {"ix": 2.0}),
    "queries": ("--queries", "q.csv", Path("q.csv")),
    "host": ("--host", "0.0.0.0", "0.0.0.0"),
    "port": ("--port", 0, 0),
    "api_keys": ("--api-keys", "keys", Path("keys")),
    "allow_hosts": ("--allow-host", "example.org", ("example.org",)),
    "allow_origins": ("--allow-origin", "https://example.org", ("https://example.org",)),
    "queue_pairs": ("--queue", 50, 50),
    "cache_bytes": ("--cache-mb", 2, 2 * 1024 * 1024),
    "effort_under_load": ("--effort-under-load", "low", "low"),
    "mcp": ("--mcp", None, True),
    "drain": ("--drain", 1.5, 1.5),
    "trace": ("--trace", None, True),
    "trace_texts": ("--trace-texts", None, True),
    "log_texts": ("--log-texts", None, True),
    "log_level": ("--log-level", "debug", "debug"),
}
SEARCH = {
    "retriever": ("--retriever", "chroma:notes@./chroma", "chroma:notes@./chroma"),
    "fields": ("--field", "text=body", {"text": "body"}),
    "words": ("--words", None, True),
    "bi_encoder": ("--bi-encoder", "hashed-64", "hashed-64"),
    "pool_encoder": ("--pool-encoder", "hashed-64", "hashed-64"),
    "reranker": ("--reranker", "fakes:WordReranker", "fakes:WordReranker"),
    "rerank": ("--rerank", None, True),
    "precision": ("--precision", "exact", "exact"),
    "device": ("--device", "cpu", "cpu"),
    "threads": ("--threads", 1, 1),
    "fusion": ("--fusion", 0.25, 0.25),
    "blend": ("--blend", 2, 2.0),
    "weights": ("--weight", "dense=3", {"dense": 3}),
    "progressive": ("--no-progressive", None, False),
    "pool_size": ("--pool", "auto", "auto"),
    "top_k": ("--top", 4, 4),
    "tail": ("--tail", None, True),
    "min_score": ("--min-score", -2.5, -2.5),
    "min_probability": ("--min-probability", 0.2, 0.2),
    "index_options": ("--index-option", "shards=6", {"shards": 6}),
    "duplicates": ("--duplicates", None, True),
    "per_document": ("--per-document", 2, 2),
    "mmr": ("--mmr", 0.5, 0.5),
    "expand": ("--expand", "rm3", "rm3"),
    "gate": ("--gate", None, True),
}


def words(table):
    return [str(part) for option, value, _ in table.values() for part in (option, value) if part is not None]


@pytest.fixture
def serve(monkeypatch, tmp_path):
    """Run `shortlist serve` up to the start of the server, and return its options and what was printed."""
    started = []
    monkeypatch.setattr(start, "start", started.append)

    def invoke(*options):
        printed = run("serve", *options, cwd=tmp_path)
        return started.pop(), printed

    return invoke


def test_the_defaults_are_those_of_the_server(serve):
    assert serve()[0] == ServeOptions()


def test_every_option_reaches_the_server(serve):
    options, _ = serve(*words(LIMITS), *words(OTHERS), *words(SEARCH))
    assert asdict(options.limits) == {name: value for name, (_, _, value) in LIMITS.items()}
    assert {name: getattr(options, name) for name in OTHERS} == {name: value for name, (_, _, value) in OTHERS.items()}
    of_add = {"precompute": None, "language": None, "effort": None, "efforts": None}
    assert asdict(options.config) == {name: value for name, (_, _, value) in SEARCH.items()} | of_add
    assert set(OTHERS) | {"config", "limits"} == set(asdict(ServeOptions())), "a new option of the server has no flag"
    assert set(LIMITS) == set(asdict(RequestLimits()))


def test_settings_of_the_file_are_the_defaults_of_requests_and_the_command_line_wins(serve, tmp_path):
    file = tmp_path / "shortlist.toml"
    file.write_text('[search]\npool_size = "auto"\ntop_k = 2\nmin_score = 1.0\n')
    options, printed = serve()
    assert options.config == SearchConfig(pool_size="auto", top_k=2, min_score=1.0)
    assert printed.err == ""
    assert serve("--pool", "9", "--top", "3")[0].config == SearchConfig(pool_size=9, top_k=3, min_score=1.0)
    options, printed = serve("--blend", "0.5")
    assert options.config.min_score is None
    assert printed.err == "min_score of shortlist.toml is ignored: it is valid for another blend\n"


def test_bad_options_are_errors_of_one_line(tmp_path):
    assert "--log-level is 'loud'" in error_of("serve", "--log-level", "loud", cwd=tmp_path)
    assert "--top is 9 and --pool is 7" in error_of("serve", "--pool", "7", "--top", "9", cwd=tmp_path)


def test_a_port_in_use_is_an_error_before_the_models_load(tmp_path, monkeypatch):
    monkeypatch.setattr(start, "build", lambda *_: pytest.fail("the models load"))
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        message = error_of("serve", "--port", str(port), cwd=tmp_path, code=1)
    assert f"port {port} of 127.0.0.1 is in use: use another port (--port)" in message


def test_a_port_that_was_taken_while_the_models_loaded_gives_the_same_exit_code(tmp_path, monkeypatch):
    monkeypatch.setattr(start, "check_address", lambda *_: None)
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = str(other.getsockname()[1])
        shown = run("serve", "--port", port, "--no-rerank", "--bi-encoder", "hashed-32", cwd=tmp_path, code=1)
    assert "error: the server cannot listen: the log has the reason" in shown.err


def test_mcp_opens_the_index_with_the_search_options(tmp_path, monkeypatch):
    pytest.importorskip("mcp", reason="the mcp extra is not installed")
    with shortlist.open(tmp_path / "ix", create=True, config=SearchConfig(bi_encoder="hashed-32")) as index:
        index.add([{"id": "1", "text": "one"}])
    opened = []

    class Server:
        def run(self, transport):
            opened.append(transport)

    def make_server(tools, version):
        opened.append(tools)
        return Server()

    monkeypatch.setattr("shortlist.mcp.make_server", make_server)
    own = {
        name: row
        for name, row in SEARCH.items()
        if name not in {"retriever", "fields", "words", "bi_encoder", "pool_encoder", "pool_size"}
    }
    run("mcp", "--index", "ix", *words(own), cwd=tmp_path)
    tools, transport = opened
    assert transport == "stdio"
    config = asdict(tools._index.config)
    assert {name: config[name] for name in own} == {name: value for name, (_, _, value) in own.items()}
