"""The tools for agents: with the SDK's own client over standard input and output, and alone."""

from __future__ import annotations

import asyncio
import sys

import pytest

import shortlist
from fakes import WordReranker
from shortlist import SearchConfig
from shortlist.cli.app import exit_code
from shortlist.errors import InvalidInput, NotFitted
from shortlist.mcp import MAX_DOCUMENTS, MAX_POOL, Tools
from shortlist.redaction import Names, unknown_passage
from shortlist.types import Note

pytest.importorskip("mcp.server", reason="the mcp extra is not installed")

PASSAGES = ["cats sleep", "tax is due", "a tax", "red bread", "when tax is due in april"]
QUERY = "when is tax due"
OPTIONS = (
    "top_k",
    "pool_size",
    "min_score",
    "min_probability",
    "rerank",
    "blend",
    "progressive",
    "tail",
    "duplicates",
    "per_document",
    "mmr",
    "expand",
    "effort",
    "gate",
    "queries",
    "rerank_query",
)


class Skipping(WordReranker):
    name = "/home/someone/ce"

    def skip_reason(self, query):
        return Note("rerank_skipped", reason="query_too_long", tokens=99, longest=9, reranker=self.name)


@pytest.fixture
def tools(tmp_path):
    """Makes the tools over a small index, with a reranker that counts shared words."""
    indexes = []

    def make(reranker=None, names=None, texts=PASSAGES, **config):
        settings = SearchConfig(bi_encoder="hashed-64", **config)
        folder = tmp_path / f"index{len(indexes)}"
        index = shortlist.open(folder, create=True, config=settings, reranker=reranker or WordReranker())
        indexes.append(index)
        source = "/home/someone/docs/tax"
        index.add(
            {"id": f"{source}/{place}.md", "text": text, "metadata": {"year": 2020 + place}}
            for place, text in enumerate(texts)
        )
        return Tools(index, names=names)

    yield make
    for index in indexes:
        index.close()


def messages(answer):
    return [note["message"] for note in answer["notes"]]


def texts_of(answer):
    return [hit["text"] for hit in answer["hits"]]


def test_search_returns_the_ranking_with_both_stages(tools):
    toolset = tools(weights={"dense": 0.0})
    answer = toolset.search(QUERY, options={"top_k": 2})
    assert texts_of(answer) == ["when tax is due in april", "tax is due"]
    assert [hit["rank"] for hit in answer["hits"]] == [1, 2]
    assert answer["hits"][0]["rerank_score"] == 1.0
    assert (answer["scored"], answer["status"], answer["notes"]) == (5, "ok", [])


def test_a_skipped_query_has_its_reason(tools):
    answer = tools(Skipping(), names=Names()).search(QUERY)
    assert answer["status"] == "skipped"
    assert messages(answer) == ["not reranked: the query has 99 tokens, and ce was trained on queries of up to 9"]


def test_weak_passages_are_left_out_and_counted(tools):
    toolset = tools(weights={"dense": 0.0}, min_score=0.7, top_k=3)
    answer = toolset.search(QUERY)
    assert texts_of(answer) == ["when tax is due in april", "tax is due"]
    assert messages(answer) == ["1 of 3 hits left out below min_score 0.7"]
    nothing = toolset.search(QUERY, options={"min_score": 2})
    assert nothing["hits"] == []
    assert "no good answer: the best passage has score 1.000, below min_score 2" in messages(nothing)


def test_an_empty_answer_has_its_reason(tools):
    assert messages(tools(texts=[]).search("tax"))[0].startswith("the index is empty")
    assert messages(tools().search("tax", {"year": 1900}))[0].startswith(
        "no passage matches the filter year=1900: some values of year are 20"
    )


def test_no_folder_of_the_machine_reaches_the_agent(tools):
    names = Names(("/home/someone/docs",))
    (row,) = tools(names=names).passage("tax/1.md#0", 2)["passages"]
    assert (row["id"], row["text"], row["metadata"]["year"]) == ("tax/1.md#0", "tax is due", 2021)
    (row,) = tools().passage("/home/someone/docs/tax/1.md#0")["passages"]
    assert row["text"] == "tax is due"
    answer = tools(names=names).search(QUERY, {"document_id": "tax/1.md"})
    assert "someone" not in str(answer)
    (hit,) = answer["hits"]
    assert hit["document_id"] == hit["source"] == "tax/1.md"
    whole = tools().search(QUERY, {"document_id": "/home/someone/docs/tax/1.md"})
    assert whole["hits"][0]["source"] == "/home/someone/docs/tax/1.md"


@pytest.mark.parametrize("name", ["pool_size", "top_k"])
@pytest.mark.parametrize("size", [MAX_POOL + 1, 10**25, 0])
def test_sizes_have_a_bound(tools, name, size):
    with pytest.raises(InvalidInput, match=f"{name} is {size}: use 1 to {MAX_POOL}"):
        tools().search("tax", options={name: size})


def test_a_single_size_fits_the_other(tools):
    toolset = tools(pool_size=4, top_k=3)
    answer = toolset.search("tax")
    assert (answer["pool_size"], len(answer["hits"])) == (4, 3)
    assert len(toolset.search("tax", options={"pool_size": 2})["hits"]) == 2
    assert toolset.search("tax", options={"top_k": 100})["pool_size"] == 100
    with pytest.raises(InvalidInput, match="top_k is 3 and pool_size is 2"):
        toolset.search("tax", options={"top_k": 3, "pool_size": 2})


def test_rerank_returns_places_in_the_given_list(tools):
    toolset = tools()
    answer = toolset.rerank(QUERY, PASSAGES, top_k=2)
    assert [(result["rank"], result["index"]) for result in answer["results"]] == [(1, 4), (2, 1)]
    assert answer["results"][0]["document"] == PASSAGES[4]
    assert answer["notes"] == []
    assert toolset.rerank("q", [])["results"] == []
    with pytest.raises(InvalidInput, match="at most 1000"):
        toolset.rerank("q", ["a"] * (MAX_DOCUMENTS + 1))


def test_rerank_scores_a_query_that_a_search_would_skip_and_warns(tools):
    answer = tools(Skipping(), names=Names()).rerank(QUERY, PASSAGES)
    assert len(answer["results"]) == len(PASSAGES)
    assert messages(answer) == [
        "the scores are uncertain, and a search would not rerank: the query has 99 tokens, and ce was trained on "
        "queries of up to 9"
    ]


def test_messages_do_not_name_the_folder_of_the_index(tools, tmp_path):
    toolset = tools(names=Names((), str(tmp_path / "index0")))
    with pytest.raises(NotFitted) as error:
        toolset.search("tax", options={"min_probability": 0.5})
    assert str(tmp_path) in str(error.value)
    assert str(tmp_path) not in toolset.message(error.value)


def test_rerank_needs_a_reranker(tmp_path):
    config = SearchConfig(bi_encoder="hashed-64", rerank=False)
    with (
        shortlist.open(tmp_path / "index", create=True, config=config) as index,
        pytest.raises(InvalidInput, match="no reranker"),
    ):
        Tools(index).rerank("tax", ["a"])


def test_explain_compares_with_the_hit_above_and_has_the_scores_of_both(tools):
    toolset = tools(weights={"dense": 0.0})
    best, second = toolset.search(QUERY)["hits"][:2]
    answer = toolset.explain(QUERY, second["id"])
    assert (answer["id"], answer["other"], answer["pool"]) == (second["id"], best["id"], 5)
    assert (answer["hit"]["rank"], answer["other_hit"]["rank"]) == (2, 1)
    assert answer["hit"]["rerank_score"] == second["rerank_score"]
    effects = {word["word"]: word["rerank"] for word in answer["words"]}
    assert list(effects) == ["when", "is", "tax", "due"]
    assert min(effects, key=effects.get) == "when"  # the best hit has this word, and the second lacks it
    assert toolset.explain(QUERY, best["id"])["other"] == second["id"]
    last = toolset.search(QUERY, options={"top_k": 5})["hits"][4]
    assert toolset.explain(QUERY, last["id"], best["id"])["other_hit"]["rank"] == 1


def test_explain_reports_a_passage_that_stage_one_lost(tools):
    toolset = tools(pool_size=2, top_k=2, names=Names(("/home/someone/docs",)))
    shown = {hit["id"] for hit in toolset.search(QUERY)["hits"]}
    lost = next(f"tax/{place}.md#0" for place in range(5) if f"tax/{place}.md#0" not in shown)
    answer = toolset.explain(QUERY, lost)
    assert (answer["id"], answer["hit"], answer["other_hit"]["rank"]) == (lost, None, 1)
    assert "the passage is not in the pool of 2 passages" in messages(answer)[-1]
    assert "someone" not in str(answer)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((" ", "a"), "the query is empty"),
        (("word " * 65, "a"), "the query has 65 words, and at most 64 are allowed"),
        ((QUERY, "nothing#0"), "there is no passage 'nothing#0'"),
        ((QUERY, "/home/someone/docs/tax/1.md#0", "nothing#0"), "there is no passage 'nothing#0'"),
        ((QUERY, "/home/someone/docs/tax/1.md#0", "/home/someone/docs/tax/1.md#0"), "id and other are both"),
    ],
)
def test_explain_refuses_what_it_cannot_compare(tools, arguments, message):
    with pytest.raises(InvalidInput, match=message):
        tools().explain(*arguments)


def test_explain_needs_two_passages(tools):
    with pytest.raises(InvalidInput, match="no other hit to compare with"):
        tools(texts=["tax"]).explain("tax", "/home/someone/docs/tax/0.md#0")


def test_sources_come_in_pages(tools, tmp_path):
    (tmp_path / "notes").mkdir()
    for name in ("b.txt", "a.txt", "Tax.txt"):
        (tmp_path / "notes" / name).write_text(f"a text of {name}")
    with shortlist.open(tmp_path / "ix", create=True, config=SearchConfig(bi_encoder="hashed-64")) as index:
        index.add(tmp_path / "notes")
        index.add({"id": "x", "text": "from Python"})
        toolset = Tools(index, names=index.shown_names())
        first, second = toolset.sources(limit=3), toolset.sources(limit=3, offset=3)
        assert [row["name"] for row in first["sources"]] == [":memory:", "notes/Tax.txt", "notes/a.txt"]
        assert [row["name"] for row in second["sources"]] == ["notes/b.txt"]
        assert (first["next_offset"], second["next_offset"]) == (3, None)
        assert (first["total"], first["documents"], first["passages"]) == (4, 4, 4)
        assert {row["kind"] for row in first["sources"]} == {"memory", "txt"}
        assert [row["name"] for row in toolset.sources(contains="tAX")["sources"]] == ["notes/Tax.txt"]
        assert toolset.sources(offset=9)["sources"] == []
        assert toolset.sources(contains=str(tmp_path))["total"] == 0  # folders do not show
        for page, message in (((0, 0), "limit is 0: use 1 to 1000"), ((1, -1), "offset is -1: use 0 or more")):
            with pytest.raises(InvalidInput, match=message):
                toolset.sources(*page)


def test_a_retriever_without_an_index_has_no_sources():
    with shortlist.open("foreign_parts:rows") as opened, pytest.raises(InvalidInput, match="no list of sources"):
        Tools(opened).sources()


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """How the SDK's client starts `shortlist mcp` over an index on disk."""
    from mcp import StdioServerParameters
    from mcp.client.stdio import get_default_environment

    folder = tmp_path_factory.mktemp("served")
    with shortlist.open(folder / "index", create=True, config=SearchConfig(bi_encoder="hashed-64")) as index:
        index.add(
            {"id": f"{folder}/{place}.txt", "text": text, "metadata": {"year": 2020 + place}}
            for place, text in enumerate(PASSAGES)
        )
    environment = {**get_default_environment(), "PYTHONPATH": ":".join(path for path in sys.path if path)}
    return StdioServerParameters(
        command=sys.executable, args=["-m", "shortlist", "mcp", "--index", str(folder / "index")], env=environment
    )


def test_the_sdks_own_client_searches_and_reranks(served):
    from mcp import Client

    calls = {
        "answer": ("search", {"query": QUERY, "top_k": 3, "pool_size": 5}),
        "large": ("search", {"query": "tax", "pool_size": 10**25}),
        "contradiction": ("search", {"query": "tax", "top_k": 9, "pool_size": 5}),
        "unknown": ("search", {"query": "tax", "filter": {"year": 2022}}),
        "old": ("search", {"query": "tax", "k": 2}),
        "narrow": ("search", {"query": "tax", "where": {"year": 2022}}),
        "adaptive": ("search", {"query": "tax", "pool_size": "auto"}),
        "progressive": ("search", {"query": QUERY, "progressive": True}),
        "ranked": ("rerank", {"query": QUERY, "documents": PASSAGES[:3]}),
        "explained": ("explain", {"query": QUERY, "id": "0.txt#0"}),
        "listed": ("sources", {}),
        "old_page": ("sources", {"page": 2}),
        "lost": ("explain", {"query": QUERY, "id": "none"}),
    }

    async def talk():
        async with Client(served, read_timeout_seconds=120) as client:
            tools = (await client.list_tools()).tools
            results = {name: await client.call_tool(*call) for name, call in calls.items()}
            return {tool.name: tool for tool in tools}, results

    offered, results = asyncio.run(talk())
    assert set(offered) == {"search", "passage", "explain", "sources", "rerank"}
    schema = offered["search"].input_schema
    assert offered["search"].annotations.read_only_hint is True
    assert set(schema["properties"]) == {"query", "where", "collections", *OPTIONS}
    assert schema["required"] == ["query"]
    assert schema["additionalProperties"] is False
    errors = {name: result.content[0].text for name, result in results.items() if result.is_error}
    assert set(errors) == {"large", "contradiction", "unknown", "old", "old_page", "lost"}
    assert "use 1 to 1000" in errors["large"]
    assert "top_k is 9 and pool_size is 5" in errors["contradiction"]
    assert "filter" in errors["unknown"]
    answers = {name: result.structured_content for name, result in results.items() if not result.is_error}
    assert [hit["rank"] for hit in answers["answer"]["hits"]] == [1, 2, 3]
    assert {hit["source"] for hit in answers["answer"]["hits"]} <= {f"{place}.txt" for place in range(5)}
    assert all(isinstance(hit["rerank_score"], float) for hit in answers["answer"]["hits"])
    assert answers["answer"]["scored"] == 5
    assert [hit["document_id"] for hit in answers["narrow"]["hits"]] == ["2.txt"]
    assert [note["code"] for note in answers["adaptive"]["notes"]] == ["no_stop_rule"]
    assert answers["progressive"]["status"] == "ok"
    assert [row["name"] for row in answers["listed"]["sources"]] == [":memory:"]
    assert answers["explained"]["hit"]["rank"] >= 1
    assert [word["word"] for word in answers["explained"]["words"]] == QUERY.split()
    assert {result["index"] for result in answers["ranked"]["results"]} == {0, 1, 2}


def test_without_the_sdk_the_command_names_the_pip_line(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "mcp.server", None)
    assert exit_code(["mcp"]) == 4
    assert "pip install 'shortlist[mcp]'" in capsys.readouterr().err


def test_an_unknown_id_has_the_form_of_several_collections_and_no_name_of_one():
    """The key of a request may not search every collection, so the message names none."""
    alone = unknown_passage("a.md#0", Names())
    assert alone == "there is no passage 'a.md#0': use the id of a hit of a search"
    several = Names(parts={"secret": Names(), "other": Names()})
    for shown in ("a.md#0", "secret:a.md#0"):
        message = unknown_passage(shown, several)
        assert message.startswith(f"there is no passage {shown!r}: with several collections, an id is COLLECTION:ID")
        assert "other" not in message
