"""The tools for agents: over standard input and output with the SDK's own client, and by themselves."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import pytest
from shortlist.search.pipeline import Shortlist

from fakes import ListRetriever, WordReranker
from shortlist.cli.app import app
from shortlist.collection.manifest import Manifest
from shortlist.errors import InvalidInput
from shortlist.mcp import MOST_CANDIDATES, MOST_POOL, Tools
from shortlist.redaction import Names
from shortlist.registry import OpenIndex
from shortlist.types import Hit, Passage

pytest.importorskip("mcp.server", reason="the mcp extra is not installed")

PASSAGES = ["cats sleep", "tax is due", "a tax", "red bread", "when tax is due in april"]


class NoFolder:
    """Stands in for the index of an `OpenIndex` that is only searched."""

    folder = Path("nowhere")
    manifest = Manifest("hashed-64", 64, 10.0)

    held = 5

    def __len__(self):
        return self.held

    def nearest(self, vector, k, where=None):
        return [(Passage("p1", "cats sleep"), 1.0)]

    def close(self) -> None: ...


class EmptyFolder(NoFolder):
    held = 0


class Declining(WordReranker):
    def declines(self, query):
        return "the query is too long for it"


def tools(reranker=None, **kwargs) -> Tools:
    used = WordReranker() if reranker is None else reranker
    return Tools(OpenIndex(NoFolder(), Shortlist(ListRetriever(PASSAGES), used)), used, **kwargs)


def test_search_gives_both_stages():
    found = tools().search("when is tax due", k=2)
    assert [passage.id for passage in found.passages] == ["p5", "p2"]
    assert [passage.rank for passage in found.passages] == [1, 2]
    assert found.passages[0].retrieval_rank == 5
    assert found.passages[0].rerank_score == 1.0
    assert found.scored == 5
    assert found.note == ""


def test_the_note_says_that_it_was_declined():
    found = tools(Declining()).search("when is tax due", k=2)
    assert [passage.id for passage in found.passages] == ["p1", "p2"]
    assert "retriever's order: the query is too long for it" in found.note


def test_passages_below_the_least_logit_are_left_out_and_counted():
    found = tools(least_logit=0.7).search("when is tax due", k=3)
    assert [passage.id for passage in found.passages] == ["p5", "p2"]
    assert found.note == "Left out for a logit below 0.7: 1 of 3 passages."
    nothing = tools(least_logit=2).search("when is tax due", k=3)
    assert nothing.passages == []
    assert "nothing good" in nothing.note.lower()


def test_passages_below_the_threshold_are_left_out_and_counted():
    found = tools(threshold=0.7).search("when is tax due", k=3)
    assert [passage.id for passage in found.passages] == ["p5", "p2"]
    assert found.note == "1 left out below final score 0.7."
    nothing = tools(threshold=2).search("when is tax due", k=3)
    assert nothing.passages == []
    assert nothing.note == "No good answer: the best final score is 1.000, below 2."


def test_the_note_says_that_nothing_matched():
    empty = OpenIndex(NoFolder(), Shortlist(ListRetriever([]), WordReranker()))
    assert "no passage matches" in Tools(empty, WordReranker()).search("tax").note.lower()
    empty = OpenIndex(EmptyFolder(), Shortlist(ListRetriever([]), WordReranker()))
    assert "The index is empty" in Tools(empty, WordReranker()).search("tax").note


class OnDisk(ListRetriever):
    def __init__(self):
        super().__init__([])
        self.where = None

    def retrieve(self, query, k, where=None):
        self.where = where
        source = "/home/someone/docs/tax/a.md"
        return [Hit(Passage(f"{source}#0", "tax", source, metadata={"source": source}), 1.0, 1, 1.0, 1)]


def test_no_folder_of_the_host_reaches_the_agent():
    retriever, declining = OnDisk(), Declining()
    declining.name = "/home/someone/ce"
    declining.declines = lambda query: f"{declining.name} leaves it"
    opened = OpenIndex(NoFolder(), Shortlist(retriever, declining))
    found = Tools(opened, declining, names=Names(("/home/someone/docs",))).search("tax", where={"source": "tax/a.md"})
    assert "someone" not in str(found)
    (passage,) = found.passages
    assert passage.id == "tax/a.md#0"
    assert passage.source == passage.metadata["source"] == "tax/a.md"
    assert "ce leaves it" in found.note
    assert retriever.where == {"source": ["tax/a.md", "/home/someone/docs/tax/a.md"]}
    assert Tools(opened, declining).search("tax").passages[0].source == "/home/someone/docs/tax/a.md"


@pytest.mark.parametrize("size", [MOST_POOL + 1, 10**25, 0])
def test_a_pool_has_a_bound(size):
    with pytest.raises(InvalidInput, match=f"pool_size is {size}: ask for 1 to {MOST_POOL}"):
        tools().search("tax", pool_size=size)


def test_a_size_alone_makes_the_other_fit():
    found = tools(sizes=(4, 3)).search("tax")
    assert (found.pool_size, len(found.passages)) == (4, 3)
    assert len(tools(sizes=(4, 3)).search("tax", pool_size=2).passages) == 2
    assert tools(sizes=(4, 3)).search("tax", k=100).pool_size == 100
    for sizes in ({"k": 3, "pool_size": 2}, {"k": 0}):
        with pytest.raises(InvalidInput, match="k is"):
            tools().search("tax", **sizes)


def test_rerank_gives_places_in_the_list_that_came_in():
    answer = tools().rerank("when is tax due", PASSAGES, k=2)
    assert [(one.rank, one.index) for one in answer.candidates] == [(1, 4), (2, 1)]
    assert tools().rerank("q", []).note == "No candidates were given."
    assert answer.note == ""
    declined = tools(Declining()).rerank("when is tax due", PASSAGES)
    assert len(declined.candidates) == len(PASSAGES)
    assert declined.note == "The query is too long for it: scored all the same; a search would keep stage one's order."
    with pytest.raises(InvalidInput, match="at most 1000"):
        tools().rerank("q", ["a"] * (MOST_CANDIDATES + 1))


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """An index on disk, and how the SDK's client starts `shortlist mcp` over it."""
    from mcp import StdioServerParameters
    from mcp.client.stdio import get_default_environment

    from shortlist.encoders.hashed import HashedEncoder
    from shortlist.indexes.embedded import EmbeddedIndex
    from shortlist.types import Passage

    folder = tmp_path_factory.mktemp("served") / "index"
    encoder = HashedEncoder(64)
    passages = [
        Passage(f"p{place}", text, f"d{place}", metadata={"source": f"{folder}/{place}.txt", "year": 2020 + place})
        for place, text in enumerate(PASSAGES)
    ]
    with EmbeddedIndex.create(folder, encoder_name=encoder.name, dimension=encoder.dimension) as index:
        index.add(passages, encoder.encode_passages(PASSAGES))
    environment = {**get_default_environment(), "PYTHONPATH": ":".join(path for path in sys.path if path)}
    return StdioServerParameters(
        command=sys.executable, args=["-m", "shortlist", "mcp", "--index", str(folder)], env=environment
    )


def test_the_sdks_own_client_searches_and_reranks_over_stdio(served):
    from mcp import Client

    async def talk():
        async with Client(served, read_timeout_seconds=60) as client:
            listed = (await client.list_tools()).tools
            found = await client.call_tool("search", {"query": "when is tax due", "k": 3, "pool_size": 5})
            huge = await client.call_tool("search", {"query": "tax", "pool_size": 10**25})
            wrong = await client.call_tool("search", {"query": "tax", "k": 9, "pool_size": 5})
            unknown = await client.call_tool("search", {"query": "tax", "filter": {"year": 2022}})
            narrow = await client.call_tool("search", {"query": "tax", "where": {"year": 2022}})
            ranked = await client.call_tool("rerank", {"query": "when is tax due", "candidates": PASSAGES[:3]})
            return {tool.name: tool for tool in listed}, found, wrong, huge, unknown, narrow, ranked

    listed, found, wrong, huge, unknown, narrow, ranked = asyncio.run(talk())
    assert set(listed) == {"search", "rerank"}
    assert listed["search"].annotations.read_only_hint is True
    assert set(listed["search"].input_schema["properties"]) == {"query", "k", "pool_size", "where"}
    assert listed["search"].input_schema["required"] == ["query"]
    answer = found.structured_content
    assert found.is_error is False
    assert [passage["rank"] for passage in answer["passages"]] == [1, 2, 3]
    assert {passage["source"] for passage in answer["passages"]} <= {f"{place}.txt" for place in range(5)}
    assert all(isinstance(passage["rerank_score"], float) for passage in answer["passages"])
    assert answer["scored"] == 5
    assert wrong.is_error is True
    assert "k is 9 and pool_size 5" in wrong.content[0].text
    assert unknown.is_error is True
    assert "filter" in unknown.content[0].text
    assert listed["search"].input_schema["additionalProperties"] is False
    assert huge.is_error is True
    assert "ask for 1 to 1000" in huge.content[0].text
    assert [passage["id"] for passage in narrow.structured_content["passages"]] == ["p2"]
    assert {one["index"] for one in ranked.structured_content["candidates"]} == {0, 1, 2}


def test_without_the_sdk_the_command_says_the_pip_line(monkeypatch):
    from typer.testing import CliRunner

    monkeypatch.setitem(sys.modules, "mcp.server", None)
    result = CliRunner().invoke(app, ["mcp"])
    assert "pip install 'shortlist[mcp]'" in str(result.exception)
