"""Several collections on the command line."""

from __future__ import annotations

import pytest

import shortlist
from command_line import run
from shortlist import SearchConfig

TEXTS = {"docs": ["tax is due in april", "a tax form"], "faq": ["when is tax due", "refunds take days"]}


@pytest.fixture
def shell(tmp_path):
    """Run a command in a folder with two indexes."""
    for name, texts in TEXTS.items():
        with shortlist.open(tmp_path / name, create=True, config=SearchConfig(bi_encoder="hashed-32")) as index:
            index.add([{"id": f"p{n}", "text": text} for n, text in enumerate(texts)])

    def invoke(*arguments, code=0):
        return run(*arguments, cwd=tmp_path, code=code)

    return invoke


def test_a_search_over_two_indexes(shell):
    both = ("search", "tax is due", "--index", "docs", "--index", "q=faq", "--no-rerank", "--top", "4")
    answer = shell(*both, "--json").json()
    assert {hit["collection"] for hit in answer["hits"]} == {"docs", "q"}
    assert {hit["id"] for hit in answer["hits"]} == {f"{name}:p{n}#0" for name in ("docs", "q") for n in range(2)}
    shown = shell(*both).text
    assert "id docs:p0#0" in shown
    assert "id q:p0#0" in shown


def test_boosts_give_fewer_places(shell):
    options = ("--no-rerank", "--pool", "2", "--top", "2", "--json")
    command = ("search", "tax is due", "--index", "docs", "--index", "faq", *options)
    assert [hit["collection"] for hit in shell(*command, "--boost", "docs=0.3").json()["hits"]] == ["faq", "faq"]
    for boost, message in (("docs", "write key=value"), ("docs=x", "write NAME=X"), ("docs=0", "above 0")):
        assert message in shell(*command, "--boost", boost, code=2).err
    assert "there is no collection 'x'" in shell(*command, "--boost", "x=1", code=2).err


def test_errors(shell):
    twice = shell("search", "tax", "--index", "docs", "--index", "./docs", "--no-rerank", code=2)
    assert "two collections are named 'docs'" in twice.err
    alone = shell("search", "tax", "--index", "docs", "--boost", "docs=1", "--no-rerank", code=2)
    assert "boosts compare collections" in alone.err
    store = ("--retriever", "chroma:notes@./chroma")
    assert (
        "name the store as a collection"
        in shell("search", "tax", "--index", "docs", "--index", "faq", *store, code=2).err
    )


def test_one_index_stays_as_it_was(shell):
    hits = shell("search", "tax is due", "--index", "docs", "--no-rerank", "--json").json()["hits"]
    assert [(hit["id"], hit["collection"]) for hit in hits] == [("p0#0", None), ("p1#0", None)]


def test_a_server_gets_all_of_them(shell, monkeypatch, tmp_path):
    started = []
    start = pytest.importorskip("shortlist.server.start", reason="the server extra is not installed")
    monkeypatch.setattr(start, "start", started.append)
    shell("serve", "--index", "docs", "--index", "q=faq", "--boost", "q=0.5")
    assert (started[0].index, started[0].boosts) == (("docs", "q=faq"), {"q": 0.5})
    shell("serve", "--index", "docs")
    assert started[1].index == "docs"
    shell("serve")
    assert started[2].index is None


def test_a_server_refuses_boosts_without_collections(shell):
    pytest.importorskip("shortlist.server.start", reason="the server extra is not installed")
    for index in ((), ("--index", "docs")):
        refused = shell("serve", *index, "--boost", "docs=1", "--no-rerank", code=2)
        assert "boosts compare collections: name several indexes" in refused.err


@pytest.mark.parametrize(
    "arguments",
    [
        ("add", "x"),
        ("list",),
        ("remove", "x"),
        ("watch", "x"),
        ("export", "x.jsonl"),
        ("why", "q", "x", "y"),
        ("evaluate", "q.csv"),
        ("tune", "q.csv"),
        ("calibrate", "q.csv"),
        ("queries", "convert", "q.csv", "out.csv"),
    ],
)
def test_a_command_for_one_index_refuses_a_second(shell, arguments):
    twice = shell(*arguments, "--index", "docs", "--index=faq", code=2)
    assert "--index is given twice: this command takes one index" in twice.err
    thrice = shell(*arguments, *["--index", "docs"] * 3, code=2)
    assert "--index is given 3 times" in thrice.err
