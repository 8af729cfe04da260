"""The tools for agents over HTTP, with the SDK's own client."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from itertools import pairwise

import httpx
import pytest
from standins import FakePairs, until

import shortlist
from fakes import WordReranker
from shortlist import SearchConfig
from shortlist.mcp import Tools
from shortlist.server.agents import PATH, ServedTools, agents_of

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
        ("search", {"query": "tax", "filter": {}}, "search has no argument 'filter': its arguments are query, top_k, "),
        ("search", {"query": "tax", "top_k": "3"}, "the argument 'top_k' must be a whole number, not the text '3'"),
        ("search", {"query": "tax", "rerank": "no"}, "the argument 'rerank' must be true or false, not the text 'no'"),
        ("search", {"query": "tax", "queries": "a"}, "the argument 'queries' must be an array, not the text 'a'"),
        ("search", {"query": ["tax"]}, "the argument 'query' must be a text, not an array"),
        ("search", {"query": "tax", "effort": "max"}, "the argument 'effort' must be 'low', 'mid' or 'high', not"),
        ("rerank", {"query": "tax", "documents": []}, "documents is empty"),
        ("explain", {"query": " ", "id": "0#0"}, "the query is empty"),
        ("explain", {"query": "word " * 65, "id": "0#0"}, "has 65 words, and at most 64"),
        ("explain", {"query": "tax", "id": "none"}, "there is no passage 'none'"),
        ("explain", {"query": "tax", "id": "0#0", "other": "0#0"}, "id and other are both '0#0'"),
        ("explain", {"query": "tax"}, "the argument 'id' is required"),
        ("sources", {"limit": 0}, "limit is 0: use 1 to 1000"),
        ("sources", {"offset": -1}, "offset is -1"),
        ("sources", {"page": 1}, "sources has no argument 'page': its arguments are limit, offset, contains"),
        ("sources", {"limit": "2"}, "the argument 'limit' must be a whole number, not the text '2'"),
        ("sources", {"limit": 2.5}, "the argument 'limit' must be a whole number, not the number 2.5"),
        ("passage", {"id": 3}, "the argument 'id' must be a text, not the number 3"),
        ("rerank", {"query": "tax", "documents": ["a", 2]}, "item 1 (counted from 0) of the argument 'documents' must"),
        ("rerank", {"query": "tax", "documents": ["a"], "top_k": 0}, "top_k is 0"),
        ("search", {"query": "tax", "per_document": 10**12}, "per_document is 1000000000000: use at most"),
        ("rerank", {"query": "tax", "documents": ["a"] * 1001}, "at most 1000"),
    ],
)
def test_bad_arguments_are_errors_of_the_tool(index, tool, arguments, message):
    (answer,) = asyncio.run(called(index, (tool, arguments)))
    assert answer.is_error
    assert message in answer.content[0].text
    assert "pydantic" not in answer.content[0].text
    assert "validation error" not in answer.content[0].text


def test_texts_are_never_read_as_json_and_null_counts_as_not_given(index):
    """Some clients can send an array or an object as its JSON text alone."""
    listed, ranked, narrow, null = asyncio.run(
        called(
            index,
            ("sources", {"contains": "[1]", "limit": None}),
            ("rerank", {"query": "tax", "documents": '["cats sleep", "a tax"]', "top_k": None}),
            ("search", {"query": "tax", "where": '{"year": 2021}'}),
            ("rerank", {"query": None, "documents": ["a"]}),
        )
    )
    assert listed.structured_content["sources"] == []
    assert [row["document"] for row in ranked.structured_content["results"]] == ["a tax", "cats sleep"]
    assert [hit["document_id"] for hit in narrow.structured_content["hits"]] == ["1"]
    assert "the argument 'query' is required" in null.content[0].text


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


def test_explain_and_sources_answer_as_over_standard_input(index):
    alone = Tools(index, names=index.shown_names())
    calls = (
        ("explain", {"query": QUERY, "id": "1#0"}),
        ("explain", {"query": QUERY, "id": "3#0", "other": "4#0"}),
        ("sources", {"limit": 1}),
    )
    first, second, listed = (answer.structured_content for answer in asyncio.run(called(index, *calls)))
    assert first == alone.explain(QUERY, "1#0")
    assert second == alone.explain(QUERY, "3#0", "4#0")
    assert listed == alone.sources(limit=1)
    assert (first["hit"]["rank"], first["other"], second["id"]) == (2, "4#0", "3#0")


def test_a_server_without_an_index_still_reranks(index):
    from shortlist.server.build import assemble
    from shortlist.server.components import Components

    with pytest.raises(shortlist.ShortlistError, match="this server has no index"):
        asyncio.run(ServedTools(Components()).search("tax", None, {}))
    with pytest.raises(shortlist.ShortlistError, match="no reranker"):
        asyncio.run(ServedTools(Components()).rerank("tax", ["a"], None))
    with pytest.raises(shortlist.ShortlistError, match="cannot find passages by id"):
        asyncio.run(ServedTools(Components()).passage("a", 0))
    with pytest.raises(shortlist.ShortlistError, match="this server has no list of sources"):
        asyncio.run(ServedTools(Components()).sources(5, 0, None))
    with pytest.raises(shortlist.ShortlistError, match="this server has no index"):
        asyncio.run(ServedTools(Components()).explain("tax", "a", None))
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


LONG = [f"{'word ' * 60}{number}" for number in range(300)]


def test_no_client_waits_for_two_turns_of_another(tmp_path):
    """50 clients wait while the model is busy. Between two turns of a client, each other client has one turn at most.

    A turn is a part of one round of the model. One client sends much more than a round, and the others a few passages.
    """
    from shortlist.server.app import create_app
    from shortlist.server.build import assemble
    from shortlist.server.options import ServeOptions

    reranker = FakePairs()
    config = SearchConfig(bi_encoder="hashed-64", weights={"dense": 0.0}, pool_size=20, top_k=3)
    with shortlist.open(tmp_path / "many", create=True, config=config, reranker=reranker) as opened:
        opened.add({"id": str(n), "text": f"note {n} about tax"} for n in range(60))
        components = assemble(opened, ServeOptions(cache_bytes=0))
        app = create_app(components, mcp=True)
        queries = [f"client {number} about tax" for number in range(1, 50)]

        async def ask(client, tool, arguments):
            call = {**CALL, "params": {"name": tool, "arguments": arguments}}
            return (await client.post(PATH, json=call, headers=HEADERS)).json()["result"]

        async def all_of_them():
            transport = httpx.ASGITransport(app=app)
            async with (
                agents_of(app),
                httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8800") as client,
            ):
                reranker.gate.close()
                busy = asyncio.ensure_future(components.scorer.score("busy", ["a"]))
                await until(lambda: reranker.gate.entered == 1)
                calls = [ask(client, "rerank", {"query": "long", "documents": LONG})]
                calls += [ask(client, "search", {"query": query}) for query in queries]
                waiting = [asyncio.ensure_future(call) for call in calls]
                await until(lambda: components.scorer.waiting == 50, waiting)
                reranker.gate.open()
                await busy
                return await asyncio.gather(*waiting)

        try:
            answers = asyncio.run(all_of_them())
        finally:
            reranker.gate.open()
            components.close()
    assert [answer["isError"] for answer in answers] == [False] * 50
    rounds = [{pair.query for pair in call} for call in reranker.calls[1:]]
    turns = {query: [number for number, served in enumerate(rounds) if query in served] for query in ("long", *queries)}
    assert len(turns["long"]) > 2
    for query, own in turns.items():
        for start, end in pairwise([-1, *own]):
            between = Counter(other for served in rounds[start + 1 : end] for other in served)
            assert max(between.values(), default=0) <= 1, (query, start, end, between)
    last_short = max(own[-1] for query, own in turns.items() if query != "long")
    assert turns["long"][-1] > last_short


def test_explanations_of_fifty_clients_leave_threads_for_a_search(tmp_path):
    """An explanation waits for the queues in a thread. The threads of searches are others."""
    from shortlist.server.build import assemble
    from shortlist.server.explaining import compared
    from shortlist.server.options import ServeOptions

    reranker = FakePairs()
    config = SearchConfig(bi_encoder="hashed-64", weights={"dense": 0.0})
    with shortlist.open(tmp_path / "few", create=True, config=config, reranker=reranker) as opened:
        opened.add({"id": str(n), "text": text} for n, text in enumerate(PASSAGES))
        components = assemble(opened, ServeOptions(cache_bytes=0))

        async def all_of_them():
            reranker.gate.close()
            queries = [f"{QUERY} {number}" for number in range(50)]
            comparing = [asyncio.ensure_future(compared(components, query, *PASSAGES[:2])) for query in queries]
            await until(lambda: components.scorer.depth == 2 * len(queries))
            search = asyncio.ensure_future(ServedTools(components).search(QUERY, None, {}))
            await until(lambda: components.scorer.depth == 2 * len(queries) + len(PASSAGES))
            reranker.gate.open()
            return await asyncio.gather(search, *comparing)

        try:
            answer, *explanations = asyncio.run(all_of_them())
        finally:
            reranker.gate.open()
            components.close()
    assert answer["scored"] == len(PASSAGES)
    assert [len(explanation.words) for explanation in explanations] == [5] * 50


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
    from shortlist.server.build import assemble
    from shortlist.server.options import RequestLimits, ServeOptions

    components = assemble(index, ServeOptions(limits=RequestLimits(max_documents=3)))
    try:
        with pytest.raises(shortlist.ShortlistError, match="pool_size is 4, and at most 3 is allowed"):
            asyncio.run(ServedTools(components).search("tax", None, {"pool_size": 4}))
        assert asyncio.run(ServedTools(components).search("tax", None, {}))["pool_size"] == 3
    finally:
        components.close()
