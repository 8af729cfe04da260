"""Several collections behind one server, and keys that may search some of them."""

from __future__ import annotations

import asyncio

import pytest
from starlette.testclient import TestClient

import shortlist
from fakes import WordReranker
from shortlist import SearchConfig
from shortlist.errors import InvalidInput
from shortlist.server.app import create_app
from shortlist.server.build import assemble
from shortlist.server.middleware.keys import Keys, read_keys
from shortlist.server.operations import Operations, operated
from shortlist.server.options import ServeOptions
from shortlist.server.start import start

HASHED = SearchConfig(bi_encoder="hashed-64")
TEXTS = {
    "docs": ["tax is due in april", "a tax form"],
    "faq": ["when is tax due", "refunds take days"],
    "secret": ["the tax that nobody knows is due", "a hidden tax"],
}
ALL, SOME, NONE = "a-key-for-everything", "a-key-for-two-of-them", "a-key-for-nothing-here"


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    folder = tmp_path_factory.mktemp("made")
    for name, texts in TEXTS.items():
        with shortlist.open(folder / name, create=True, config=HASHED) as index:
            index.add([{"id": f"p{n}", "text": text} for n, text in enumerate(texts)])
    return folder


@pytest.fixture
def components(folders):
    with shortlist.open([folders / name for name in TEXTS], reranker=WordReranker()) as opened:
        parts = assemble(opened)
        yield parts
        parts.close()


@pytest.fixture
def client(components):
    """A client of a server with three keys: a call with `key` sends one."""
    keys = Keys([ALL, SOME, NONE], {SOME: frozenset({"docs", "faq"}), NONE: frozenset({"gone"})})
    app = operated(create_app(components), Operations(keys=keys))
    http = TestClient(app, raise_server_exceptions=False)

    def call(path, body=None, key=ALL):
        headers = {"Authorization": f"Bearer {key}"}
        return http.get(path, headers=headers) if body is None else http.post(path, json=body, headers=headers)

    return call


def found(answer):
    assert answer.status_code == 200, answer.text
    return {hit["collection"] for hit in answer.json()["hits"]}


def test_a_request_without_names_searches_all_collections(client):
    answer = client("/search", {"query": "tax is due", "top_k": 6})
    assert found(answer) == {"docs", "faq", "secret"}
    assert answer.json()["hits"][0]["id"] in ("docs:p0#0", "faq:p0#0", "secret:p0#0")


def test_a_request_names_some(client):
    assert found(client("/search", {"query": "tax is due", "collections": ["faq", "secret"]})) == {"faq", "secret"}


def test_a_key_sees_its_collections_alone(client):
    assert found(client("/search", {"query": "tax is due"}, SOME)) == {"docs", "faq"}
    assert found(client("/search", {"query": "tax is due", "collections": ["docs"]}, SOME)) == {"docs"}
    rows = client("/collections", key=SOME).json()["collections"]
    assert [(row["name"], row["passages"], row["bi_encoder"]) for row in rows] == [
        ("docs", 2, "hashed-64"),
        ("faq", 2, "hashed-64"),
    ]
    assert [row["name"] for row in client("/collections").json()["collections"]] == list(TEXTS)
    about = client("/page/about", key=SOME).json()
    assert (about["collections"], about["passages"]) == (["docs", "faq"], 4)
    assert client("/page/about").json()["passages"] == 6


@pytest.mark.parametrize("name", ["secret", "nothing"])
def test_a_collection_without_access_is_refused_as_one_that_does_not_exist(client, name):
    refused = client("/search", {"query": "tax", "collections": ["docs", name]}, SOME)
    assert refused.status_code == 403
    message = "this API key has no access to one of the requested collections"
    assert refused.json() == {"error": "forbidden", "message": message, "field": "collections"}


def test_a_key_without_any_collection_is_refused(client):
    refused = client("/search", {"query": "tax"}, NONE)
    assert refused.status_code == 403
    assert not any(name in refused.text for name in TEXTS)
    assert client("/collections", key=NONE).json() == {"collections": []}
    ranked = client("/v2/rerank", {"model": "fake", "query": "tax", "documents": ["tax"]}, NONE)
    assert ranked.status_code != 403, "reranking needs no collection"


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["x"], "there is no collection 'x': the collections are docs, faq, secret"),
        ([], "at least one collection, each once"),
        (["docs", "docs"], "at least one collection, each once"),
    ],
)
def test_names_that_cannot_be_used(client, names, message):
    refused = client("/search", {"query": "tax", "collections": names})
    assert refused.status_code == 422
    assert message in refused.json()["message"]
    assert refused.json()["field"] == "collections"


def test_why_and_the_context_read_passages_of_the_keys_collections(client):
    ids = {"query": "tax is due", "id_a": "docs:p0#0", "id_b": "faq:p1#0"}
    assert client("/why", ids, SOME).json()["rerank_margin"] > 0
    refused = client("/why", {**ids, "id_b": "secret:p0#0"}, SOME)
    assert refused.status_code == 404
    assert "the index has no passage 'secret:p0#0'" in refused.json()["message"]
    assert client("/why", {**ids, "id_b": "secret:p0#0"}).status_code == 200
    answer = client("/search", {"query": "tax is due", "top_k": 2, "context": True}, SOME).json()
    assert len(answer["context"]["blocks"]) == 2


def test_the_curve_finds_passages_of_the_keys_collections_alone(client):
    hits = client("/search", {"query": "tax", "top_k": 9}).json()["hits"]
    secret = next(hit["id"] for hit in hits if hit["collection"] == "secret")
    public = next(hit["id"] for hit in hits if hit["collection"] == "docs")
    queries = [{"query": "tax", "relevant": {secret: 1, public: 1}}]
    everything = client("/tune-curve", {"queries": queries}).json()
    assert (everything["recall"][-1], everything["unknown"]) == (1.0, 0)
    some = client("/tune-curve", {"queries": queries}, SOME).json()
    lost = client(
        "/tune-curve", {"queries": [{"query": "tax", "relevant": {"secret:none": 1, public: 1}}]}, SOME
    ).json()
    assert (some["recall"][-1], some["unknown_ids"]) == (0.5, [secret])
    assert {**some, "unknown_ids": []} == {**lost, "unknown_ids": []}
    named = client("/tune-curve", {"queries": queries, "collections": ["secret"]}).json()
    assert named["recall"][-1] == 0.5
    for collections in (["secret"], ["unheard-of"]):
        assert client("/tune-curve", {"queries": queries, "collections": collections}, SOME).status_code == 403


def test_judgments_of_other_collections_are_hidden(components, folders):
    from dataclasses import replace

    labels = {"tax": {"secret:p0#0": 1, "docs:p0#0": 1}, "hidden": {"secret:p1#0": 1}}
    keys = Keys([ALL, SOME], {SOME: frozenset({"docs"})})
    http = TestClient(operated(create_app(replace(components, labels=labels)), Operations(keys=keys)))
    headers = {"Authorization": f"Bearer {SOME}"}
    assert http.get("/page/about", headers=headers).json()["judged"] == ["tax"]
    labelled = http.post("/search", json={"query": "tax"}, headers=headers).json()["labels"]
    assert labelled == {"relevant": {"docs:p0#0": 1}}


def test_one_index_has_the_name_of_its_folder(folders):
    with shortlist.open(folders / "docs", reranker=WordReranker()) as index:
        parts = assemble(index)
        try:
            keys = Keys([ALL, SOME, NONE], {SOME: frozenset({"docs"}), NONE: frozenset({"faq"})})
            http = TestClient(operated(create_app(parts), Operations(keys=keys)))
            codes = {}
            for key in (ALL, SOME, NONE):
                headers = {"Authorization": f"Bearer {key}"}
                answer = http.post("/search", json={"query": "tax", "collections": ["docs"]}, headers=headers)
                codes[key] = answer.status_code
                if answer.status_code == 200:
                    assert answer.json()["hits"][0]["collection"] is None
                ids = {"query": "tax due", "id_a": "p0#0", "id_b": "p1#0"}
                assert http.post("/why", json=ids, headers=headers).status_code == (404 if key == NONE else 200)
            assert codes == {ALL: 200, SOME: 200, NONE: 403}
        finally:
            parts.close()


def test_a_search_without_a_name_has_no_collections():
    search = shortlist.Search(lambda query, k: [{"id": "a", "text": "tax"}], WordReranker())
    with TestClient(shortlist.asgi(search)) as http:
        refused = http.post("/search", json={"query": "tax", "collections": ["a"]})
        assert refused.status_code == 422
        assert "has no name: leave out collections" in refused.json()["message"]
        assert http.get("/collections").json() == {"collections": []}


def test_the_key_file_names_collections(tmp_path):
    file = tmp_path / "keys"
    file.write_text(f"# ours\n{ALL}\n{SOME} docs, faq\n{NONE}\tsecret\n")
    keys = read_keys(file, {})
    assert keys.collections(ALL) is None
    assert keys.collections(SOME) == {"docs", "faq"}
    assert keys.collections(NONE) == {"secret"}
    keys.check(["docs", "faq", "secret"])
    with pytest.raises(InvalidInput, match="an API key names the collection 'secret': the collections are docs, faq"):
        keys.check(["docs", "faq"])
    with pytest.raises(InvalidInput, match="this server has no named collection"):
        keys.check([])


@pytest.mark.parametrize(
    ("text", "variable", "message"),
    [
        (f"{SOME} docs faq\n", "", "put commas between the collections"),
        (f"{SOME} docs\n{SOME} faq\n", "", "has one key twice, with different collections"),
        (f"{SOME} docs\n{SOME}\n", "", "has one key twice, with different collections"),
        (f"{SOME} docs\n", SOME, "have one key, with and without collections"),
    ],
)
def test_key_files_that_could_let_a_key_see_more(tmp_path, text, variable, message):
    file = tmp_path / "keys"
    file.write_text(text)
    with pytest.raises(InvalidInput, match=message) as caught:
        read_keys(file, {"SHORTLIST_API_KEYS": variable})
    assert SOME not in str(caught.value)


def test_a_key_for_an_unknown_collection_stops_the_server_at_its_start(folders, tmp_path):
    file = tmp_path / "keys"
    file.write_text(f"{SOME} docs,typo\n")
    config = HASHED.override({"reranker": None})
    options = ServeOptions(config=config, index=[folders / "docs", folders / "faq"], port=0, api_keys=file)
    with pytest.raises(InvalidInput, match="names the collection 'typo': the collections are docs, faq"):
        start(options)
    with shortlist.open(folders / "docs") as index:
        assert len(index) == 2, "the server has closed its indexes"


def test_agents_search_the_collections_of_their_key(folders):
    pytest.importorskip("mcp.server", reason="the mcp extra is not installed")
    httpx = pytest.importorskip("httpx")
    from shortlist.server.run import lifespan_of

    keys = Keys([ALL, SOME], {SOME: frozenset({"docs", "faq"})})

    async def answers(parts):
        operations = Operations(keys=keys, hosts=frozenset({"127.0.0.1"}))
        app = create_app(parts, mcp=True)
        transport = httpx.ASGITransport(app=operated(app, operations))
        async with (
            lifespan_of(parts, operations, lambda: None)(app),
            httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8800") as http,
        ):

            async def tool(key, name, **arguments):
                call = {"jsonrpc": "2.0", "id": 1, "method": "tools/call"}
                body = {**call, "params": {"name": name, "arguments": arguments}}
                headers = {"Accept": "application/json, text/event-stream", "Authorization": f"Bearer {key}"}
                return (await http.post("/mcp", json=body, headers=headers)).json()["result"]

            return [
                await tool(ALL, "search", query="tax is due", top_k=6),
                await tool(SOME, "search", query="tax is due", top_k=6),
                await tool(ALL, "search", query="tax is due", collections=["faq"]),
                await tool(SOME, "search", query="tax", collections=["secret"]),
                await tool(SOME, "passage", id="secret:p0#0"),
                await tool(ALL, "passage", id="secret:p0#0", neighbours=0),
            ]

    with shortlist.open([folders / name for name in TEXTS], reranker=WordReranker()) as opened:
        parts = assemble(opened)
        try:
            every, some, one, refused, hidden, passage = asyncio.run(answers(parts))
        finally:
            parts.close()
    collections = [{hit["collection"] for hit in answer["structuredContent"]["hits"]} for answer in (every, some, one)]
    assert collections == [set(TEXTS), {"docs", "faq"}, {"faq"}]
    assert refused["isError"]
    assert "no access" in refused["content"][0]["text"]
    assert hidden["isError"]
    assert passage["structuredContent"]["passages"][0]["id"] == "secret:p0#0"
