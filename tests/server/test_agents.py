"""The tools for agents over HTTP, with the SDK's own client."""

from __future__ import annotations

import asyncio
import contextlib

import httpx
import pytest

import shortlist
from fakes import WordReranker
from shortlist import SearchConfig
from shortlist.server.agents import PATH

pytest.importorskip("mcp.server", reason="the mcp extra is not installed")

PASSAGES = ["cats sleep", "tax is due", "a tax", "red bread", "when tax is due in april"]
QUERY = "when is tax due"


@pytest.fixture
def index(tmp_path):
    config = SearchConfig(bi_encoder="hashed-64", weights={"dense": 0.0})
    with shortlist.open(tmp_path / "index", create=True, config=config, reranker=WordReranker()) as opened:
        opened.add({"id": str(n), "text": text, "metadata": {"year": 2020 + n}} for n, text in enumerate(PASSAGES))
        yield opened


@contextlib.asynccontextmanager
async def serving(searched, **options):
    """An HTTP client of the application over a search."""
    app = shortlist.asgi(searched, **{"mcp": True, **options})
    transport = httpx.ASGITransport(app=app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8800") as client,
    ):
        yield client


@contextlib.asynccontextmanager
async def agent_of(client):
    from mcp import ClientSession
    from mcp.client.streamable_http import streamable_http_client

    async with (
        streamable_http_client(f"http://127.0.0.1:8800{PATH}", http_client=client) as (read, write, *_),
        ClientSession(read, write) as session,
    ):
        await session.initialize()
        yield session


async def called(index, *calls):
    async with serving(index) as client, agent_of(client) as agent:
        return [await agent.call_tool(*call) for call in calls]


def test_the_sdks_client_searches_and_reranks(index):
    found, narrow, ranked = asyncio.run(
        called(
            index,
            ("search", {"query": QUERY, "top_k": 2}),
            ("search", {"query": "tax", "where": {"year": 2021}}),
            ("rerank", {"query": QUERY, "documents": PASSAGES[:3], "top_k": 2}),
        )
    )
    assert [hit["text"] for hit in found.structured_content["hits"]] == ["when tax is due in april", "tax is due"]
    assert [hit["document_id"] for hit in narrow.structured_content["hits"]] == ["1"]
    results = ranked.structured_content["results"]
    assert [(result["index"], result["rank"], result["document"]) for result in results] == [
        (1, 1, "tax is due"), (2, 2, "a tax"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("tool", "arguments", "message"),
    [
        ("search", {"query": " "}, "the query is empty"),
        ("search", {"query": "tax", "pool_size": 5000}, "use 1 to 1000"),
        ("search", {"query": "tax", "top_k": 9, "pool_size": 5}, "top_k is 9 and pool_size is 5"),
        ("search", {"query": "tax", "filter": {}}, "filter"),
        ("rerank", {"query": "tax", "documents": []}, "documents is empty"),
        ("rerank", {"query": "tax", "documents": ["a"], "top_k": 0}, "top_k is 0"),
        ("rerank", {"query": "tax", "documents": ["a"] * 1001}, "at most 1000"),
    ],
)
def test_bad_arguments_are_errors_of_the_tool(index, tool, arguments, message):
    (answer,) = asyncio.run(called(index, (tool, arguments)))
    assert answer.is_error
    assert message in answer.content[0].text


def test_an_agent_reads_around_a_hit(index, tmp_path):
    text = "\n\n".join(f"# Part {n}\n\n" + f"word{n} " * 150 for n in range(4))
    index.add({"id": "long", "text": text})
    around, alone, unknown = asyncio.run(
        called(
            index,
            ("passage", {"id": "long#1"}),
            ("passage", {"id": "0#0", "neighbours": 3}),
            ("passage", {"id": "long#99"}),
        )
    )
    assert [row["id"] for row in around.structured_content["passages"]] == ["long#0", "long#1", "long#2"]
    assert [row["text"] for row in alone.structured_content["passages"]] == ["cats sleep"]
    assert "there is no passage 'long#99'" in unknown.content[0].text


def test_a_server_without_an_index_still_reranks(index):
    from shortlist.server.agents import ServedTools
    from shortlist.server.build import assemble
    from shortlist.server.components import Components

    with pytest.raises(shortlist.ShortlistError, match="this server has no index"):
        asyncio.run(ServedTools(Components()).search("tax", None, {}))
    with pytest.raises(shortlist.ShortlistError, match="no reranker"):
        asyncio.run(ServedTools(Components()).rerank("tax", ["a"], None))
    with pytest.raises(shortlist.ShortlistError, match="cannot find passages by id"):
        asyncio.run(ServedTools(Components()).passage("a", 0))
    components = assemble(index)
    try:
        answer = asyncio.run(ServedTools(components).rerank(QUERY, PASSAGES, 1))
    finally:
        components.close()
    assert answer["results"][0]["document"] == "when tax is due in april"


def test_without_the_option_there_is_no_route(index):
    async def status():
        async with serving(index, mcp=False) as client:
            return (await client.post(PATH, json={})).status_code

    assert asyncio.run(status()) == 404


def test_fifty_agents_share_the_models_and_all_get_their_own_answers(tmp_path):
    config = SearchConfig(bi_encoder="hashed-64", weights={"dense": 0.0})
    texts = [f"note {n} about topic{n}" for n in range(50)]
    with shortlist.open(tmp_path / "many", create=True, config=config, reranker=WordReranker()) as opened:
        opened.add({"id": str(n), "text": text} for n, text in enumerate(texts))

        async def all_of_them():
            async with serving(opened) as client:

                async def one(number):
                    async with agent_of(client) as agent:
                        return await agent.call_tool("search", {"query": f"about topic{number}", "top_k": 1})

                return await asyncio.gather(*map(one, range(50)))

        answers = asyncio.run(all_of_them())
    assert [answer.structured_content["hits"][0]["document_id"] for answer in answers] == [str(n) for n in range(50)]


CALL = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "tools/call",
    "params": {"name": "search", "arguments": {"query": QUERY, "top_k": 1}},
}
HEADERS = {"Accept": "application/json, text/event-stream"}


def test_keys_and_host_names_guard_the_tools(index):
    from shortlist.server.app import create_app
    from shortlist.server.build import assemble
    from shortlist.server.middleware.keys import Keys
    from shortlist.server.operations import Operations, operated
    from shortlist.server.run import lifespan_of

    operations = Operations(keys=Keys(["a-key-of-16-signs"]), hosts=frozenset({"127.0.0.1"}))
    components = assemble(index, operations=operations)
    app = create_app(components, mcp=True)

    async def statuses():
        transport = httpx.ASGITransport(app=operated(app, operations))
        async with (
            lifespan_of(components, operations, components.close)(app),
            httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8800") as client,
        ):
            key = {"Authorization": "Bearer a-key-of-16-signs"}
            sent = [HEADERS, {**HEADERS, **key}, {**HEADERS, **key, "Host": "evil.example"}]
            return [(await client.post(PATH, json=CALL, headers=headers)).status_code for headers in sent]

    assert asyncio.run(statuses()) == [401, 200, 421]


def test_requests_need_no_session(index):
    """Any of several servers behind a proxy can answer."""

    async def posted():
        async with serving(index) as client:
            return await client.post(PATH, json=CALL, headers=HEADERS)

    answer = asyncio.run(posted())
    assert answer.status_code == 200
    assert answer.json()["result"]["structuredContent"]["hits"][0]["text"] == "when tax is due in april"


def test_the_limits_of_the_server_hold_for_agents(index):
    from shortlist.server.agents import ServedTools
    from shortlist.server.build import assemble
    from shortlist.server.options import RequestLimits, ServeOptions

    components = assemble(index, ServeOptions(limits=RequestLimits(max_documents=3)))
    try:
        with pytest.raises(shortlist.ShortlistError, match="pool_size is 4, and at most 3 is allowed"):
            asyncio.run(ServedTools(components).search("tax", None, {"pool_size": 4}))
        assert asyncio.run(ServedTools(components).search("tax", None, {}))["pool_size"] == 3
    finally:
        components.close()
