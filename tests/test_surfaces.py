"""Every option on every surface: the same index, query and option give the same answer everywhere."""

from __future__ import annotations

import asyncio
import functools
import json
from pathlib import Path

import pytest
from starlette.testclient import TestClient

import shortlist
from shortlist import SearchConfig, config, registry
from shortlist.cli.app import exit_code
from shortlist.mcp.server import make_server
from shortlist.mcp.tools import Tools
from shortlist.search.filters.conditions import SYMBOLS
from shortlist.search.gate import Gate
from shortlist.search.probability import Platt
from shortlist.search.stopping import StopRule

QUERY = "a store for vectors that needs no server"
TEXTS = [
    "Harbour is a vector database server: start the server, then connect to the server.",
    "Tern keeps its vectors in a file inside your program; no server is needed.",
    "Pebble is a library. It stores vectors on disk, without any server process.",
    "The server room is cooled to eighteen degrees.",
    "A vector has a length and a direction.",
    "Our store opens at nine and closes at six.",
    "Bread needs flour, water, salt and time.",
    "Cats sleep for most of the day.",
    "Our store opens at nine, and closes at six!",
]
EFFORTS = {"low": {"pool_size": 3}}
BASE = {"bi_encoder": "hashed-64", "weights": {"dense": 3.0}, "efforts": EFFORTS}
OPTIONS = {
    "nothing": {},
    "top_k": {"top_k": 2},
    "pool_size": {"pool_size": 3},
    "pool_size auto": {"pool_size": "auto", "top_k": 2},
    "min_score": {"min_score": 1.0},
    "min_score that nothing reaches": {"min_score": 99.0},
    "min_probability": {"min_probability": 0.6},
    "tail": {"tail": True, "pool_size": 3, "top_k": 6},
    "where": {"where": {"kind": ["store", "room"]}},
    "where without a match": {"where": {"kind": "none"}},
    "where with operators": {"where": {"kind": {"nin": ["store", "room"]}, "price": {"gte": 2, "lt": 5}}},
    "where as texts": {"where": ["kind!=store", "kind^=m", "date<=2024-01"]},
    "where as a text": {"where": "kind~=STORE"},
    "blend": {"blend": 0.0},
    "progressive": {"progressive": True},
    "rerank": {"rerank": False},
    "duplicates": {"duplicates": True, "top_k": 9},
    "per_document": {"per_document": 1, "top_k": 9},
    "mmr": {"mmr": 0.2},
    "gate": {"gate": True},
    "effort": {"effort": "low"},
    "expand": {"expand": "rm3", "pool_size": 4},
    "queries": {"queries": ["a warm loaf of bread"], "pool_size": 3},
    "rerank_query": {"rerank_query": "how to bake bread"},
}
TEXTS_OF_CALL = ("where", "queries", "rerank_query")
"""What belongs to one call, and is no setting."""
OWN = {"shop": {"price": 5}}
KINDS = ["store", "store", "store", "room", "maths", "shop", "food", "animal", "shop"]


@pytest.fixture(scope="module", autouse=True)
def loaded_reranker():
    """Load the packaged reranker once for all surfaces."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(registry, "load_reranker", functools.lru_cache(registry.load_reranker))
        yield


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with an index, and with a stop rule and a curve for its weights."""
    folder = tmp_path_factory.mktemp("surfaces")
    with shortlist.open(folder / "index", create=True, config=SearchConfig(**BASE)) as index:
        index.add(
            {
                "id": f"d{place}",
                "text": text,
                "metadata": {"kind": kind, **OWN.get(kind, {"price": place, "date": f"2024-0{place // 4 + 1}-11"})},
            }
            for place, (text, kind) in enumerate(zip(TEXTS, KINDS, strict=True))
        )
        fits = index.searcher.fits
        fits.save_stop_rule(StopRule(8, 2, -100.0, 2), BASE["weights"], {})
        fits.save_gate(Gate("cosine_margin", 0.0, 50), BASE["weights"], {})
        fits.save_calibration(Platt(1.0, 0.0), BASE["weights"], {})
    return folder


def in_python(folder, option):
    with shortlist.open(folder / "index", config=SearchConfig(**BASE)) as index:
        return index.search(QUERY, **option).to_dict()


def through_config(folder, option):
    call, settings = divided(option)
    with shortlist.open(folder / "index", config=SearchConfig(**BASE).override(settings)) as index:
        return index.search(QUERY, **call).to_dict()


def divided(option):
    """What belongs to the call, and the settings."""
    call = {name: value for name, value in option.items() if name in TEXTS_OF_CALL}
    return call, {name: value for name, value in option.items() if name not in TEXTS_OF_CALL}


def texts_of(where):
    """The conditions of a filter as the command line has them."""
    if not isinstance(where, dict):
        return [where] if isinstance(where, str) else where
    conditions = []
    for field, content in where.items():
        for operator, values in (content if isinstance(content, dict) else {"in": content}).items():
            symbol = SYMBOLS[operator]
            listed = values if isinstance(values, list) else [values]
            conditions += [f"{field}{symbol}{value}" for value in listed]
    return conditions


def flags(option):
    names = {"top_k": "--top", "pool_size": "--pool", "rerank": "--no-rerank"}
    words = []
    for name, value in option.items():
        if name == "where":
            words += [f"--where={condition}" for condition in texts_of(value)]
        elif name == "queries":
            words += [f"--also={text}" for text in value]
        elif isinstance(value, bool):
            words.append(names.get(name, f"--{name}"))
        else:
            words.append(f"{names.get(name, '--' + name.replace('_', '-'))}={value}")
    return words


def on_the_command_line(folder, option, monkeypatch, capsys, settings=None):
    monkeypatch.chdir(folder)
    config.write({"efforts": EFFORTS, **(settings or {})}, folder)
    base = [] if settings is not None else ["--weight=dense=3.0"]
    try:
        code = exit_code(["search", QUERY, "--index", "index", "--json", *base, *flags(option)])
    finally:
        (folder / config.FILE).unlink(missing_ok=True)
    output = capsys.readouterr()
    assert code == 0, output.err
    return json.loads(output.out)


def through_the_file(folder, option, monkeypatch, capsys):
    call, settings = divided(option)
    return on_the_command_line(folder, call, monkeypatch, capsys, {"weights": BASE["weights"], **settings})


def over_http(folder, option):
    with (
        shortlist.open(folder / "index", config=SearchConfig(**BASE)) as index,
        TestClient(shortlist.asgi(index)) as client,
    ):
        answer = client.post("/search", json={"query": QUERY, **option})
        assert answer.status_code == 200, answer.text
        return answer.json()


def as_a_default_of_the_server(folder, option):
    call, settings = divided(option)
    with (
        shortlist.open(folder / "index", config=SearchConfig(**BASE).override(settings)) as index,
        TestClient(shortlist.asgi(index)) as client,
    ):
        return client.post("/search", json={"query": QUERY, **call}).json()


def to_an_agent(folder, option):
    with shortlist.open(folder / "index", config=SearchConfig(**BASE)) as index:
        server = make_server(Tools(index), "0")
        answer = asyncio.run(server.call_tool("search", {"query": QUERY, **option}))
    assert not answer.is_error, answer
    return answer.structured_content


def facts(answer):
    """What must be the same: everything but the times, and what a surface adds."""
    return {
        "hits": [
            (
                hit["id"],
                hit["rank"],
                round(hit["score"], 3),
                hit["rerank_score"] is None,
                hit["retrieval_rank"],
                hit["probability"] is None,
                hit["text"],
                hit["source"],
                hit["duplicates"],
            )
            for hit in answer["hits"]
        ],
        "notes": sorted(note["code"] for note in answer["notes"]),
        **{name: answer[name] for name in ("query", "status", "pool_size", "scored", "dropped", "left_out", "weights")},
        **{
            name: answer[name]
            for name in ("min_score", "min_probability", "truncated", "queries", "rerank_query", "effort")
        },
    }


SURFACES = {
    "config": through_config,
    "command line": on_the_command_line,
    "shortlist.toml": through_the_file,
    "HTTP": over_http,
    "server default": as_a_default_of_the_server,
    "MCP": to_an_agent,
}


@pytest.fixture(scope="module")
def expected(folder):
    answers = {}

    def of(name):
        if name not in answers:
            answers[name] = facts(in_python(folder, OPTIONS[name]))
        return answers[name]

    return of


@pytest.mark.parametrize("surface", SURFACES)
@pytest.mark.parametrize("option", OPTIONS)
def test_the_answer_is_the_same(folder, expected, option, surface, monkeypatch, capsys):
    search = SURFACES[surface]
    terminal = {"monkeypatch": monkeypatch, "capsys": capsys} if search.__code__.co_argcount > 2 else {}
    assert facts(search(folder, OPTIONS[option], **terminal)) == expected(option)


def test_the_options_change_the_answer(folder, expected):
    """Without this, a surface that ignores every option would pass.

    A progressive search scores at least ten passages to the end, and there are nine: only the rounding may differ.
    """
    plain = expected("nothing")
    for option in OPTIONS:
        if option not in ("nothing", "progressive"):
            assert expected(option) != plain, option


def test_the_file_has_the_names_of_the_settings(folder):
    file = config.write({"top_k": 3, "min_score": 1.5}, folder)
    assert config.read(folder) == {"top_k": 3, "min_score": 1.5}
    assert file.read_text() == "[search]\ntop_k = 3\nmin_score = 1.5\n"
    file.unlink()


def test_the_page_offers_every_option():
    page = Path(shortlist.__file__).parent / "server" / "page"
    text = "\n".join(file.read_text(encoding="utf-8") for file in page.iterdir() if file.suffix in {".js", ".html"})
    names = {name for option in OPTIONS.values() for name in option}
    assert not [name for name in names if name not in text]
