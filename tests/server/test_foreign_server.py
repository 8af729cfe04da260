"""The server, the page's facts and the tools for agents over a store and over a retriever of your own."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace

import pytest
from starlette.testclient import TestClient

import foreign_parts
import shortlist as sl
from foreign_parts import ENCODER, STORE
from shortlist.mcp.tools import Tools
from shortlist.server.app import create_app
from shortlist.server.build import build
from shortlist.server.operations import Operations
from shortlist.server.options import ServeOptions
from word_queries import WORDS, PointwiseWords

OWN = "foreign_parts:rows"
CONFIG = sl.SearchConfig(bi_encoder=ENCODER, reranker="word_queries:PointwiseWords")


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    foreign_parts.install(monkeypatch)
    return tmp_path


@pytest.fixture
def serve():
    """Make a client of the server that `shortlist serve` starts over a retriever."""
    components = []

    def make(retriever, seconds=None, **options):
        built = build(ServeOptions(config=CONFIG.override({"retriever": retriever}), **options), Operations())
        components.append(built)
        limited = built if seconds is None else replace(built, retrieve_seconds=seconds)
        return TestClient(create_app(limited), raise_server_exceptions=False)

    yield make
    foreign_parts.RELEASE.set()
    for built in components:
        built.close()
    foreign_parts.RELEASE.clear()


@pytest.mark.parametrize("retriever", [STORE, OWN])
def test_search_and_the_page_need_no_index(retriever, serve):
    client = serve(retriever)
    answer = client.post("/search", json={"query": WORDS[4], "top_k": 2}).json()
    assert (answer["hits"][0]["id"], answer["status"], len(answer["hits"])) == (WORDS[4], "ok", 2)
    assert [note["code"] for note in answer["notes"]] == ["reranker_alone"]
    facts = client.get("/page/about").json()
    assert (facts["index"], facts["passages"]) == (True, 30 if retriever == STORE else None)
    assert facts["retriever"] == ("fake:words" if retriever == STORE else OWN)
    assert client.get("/").status_code == 200
    assert client.post("/v1/embeddings", json={"input": "text", "model": ENCODER}).status_code == 200


def test_a_filter_reaches_the_store_or_is_refused(serve):
    body = {"query": WORDS[0], "where": {"half": "second"}}
    hits = serve(STORE).post("/search", json=body).json()["hits"]
    assert {hit["metadata"]["half"] for hit in hits} == {"second"}
    answer = serve(OWN).post("/search", json=body)
    assert (answer.status_code, answer.json()["field"]) == (422, "where")
    assert "cannot filter" in answer.json()["message"]


def test_a_store_that_cannot_filter_refuses(serve, monkeypatch):
    foreign_parts.install(monkeypatch, filters=False)
    answer = serve(STORE).post("/search", json={"query": "q", "where": {"half": "second"}})
    assert (answer.status_code, answer.json()["field"]) == (422, "where")


def test_why_finds_passages_among_the_hits(serve):
    for retriever in (STORE, OWN):
        client = serve(retriever)
        body = {"query": f"{WORDS[0]} word", "id_a": WORDS[0], "id_b": WORDS[1]}
        assert client.post("/why", json=body).json()["rerank_margin"] > 0
        answer = client.post("/why", json={**body, "id_b": "absent"})
        assert (answer.status_code, answer.json()["error"]) == (404, "not_found")


def test_absolute_paths_are_shortened_and_still_found(serve, monkeypatch):
    passages = [replace(passage, id=f"/home/me/{passage.id}.md") for passage in foreign_parts.PASSAGES]
    foreign_parts.install(monkeypatch, passages=passages)
    client = serve(STORE)
    assert client.post("/search", json={"query": WORDS[0]}).json()["hits"][0]["id"] == f"{WORDS[0]}.md"
    body = {"query": WORDS[0], "id_a": f"{WORDS[0]}.md", "id_b": f"{WORDS[1]}.md"}
    assert client.post("/why", json=body).status_code == 200


def test_a_failure_of_stage_one_is_no_failure_of_the_server(serve, monkeypatch):
    answer = serve("foreign_parts:failing").post("/search", json={"query": "q"})
    assert (answer.status_code, answer.json()["error"]) == (502, "upstream")
    assert "no route" not in answer.text
    foreign_parts.install(monkeypatch, failure=foreign_parts.REFUSED)
    answer = serve(STORE).post("/search", json={"query": "q"})
    assert (answer.status_code, answer.json()["error"]) == (502, "upstream")
    foreign_parts.install(monkeypatch, failure=foreign_parts.UNREACHABLE)
    answer = serve(STORE).post("/search", json={"query": "q"})
    assert (answer.status_code, answer.json()["error"]) == (503, "unavailable")


def test_a_retriever_that_does_not_answer_is_given_up(serve):
    answer = serve("foreign_parts:blocked", seconds=0.05).post("/search", json={"query": "q"})
    assert (answer.status_code, answer.json()["error"]) == (503, "unavailable")
    assert "did not answer within 0.05 s" in answer.json()["message"]


@pytest.mark.parametrize("options", [{}, {"lists": False}])
def test_judged_queries_mark_relevant_passages(options, serve, here, monkeypatch):
    foreign_parts.install(monkeypatch, **options)
    rows = [{"query": word, "relevant": [f"doc-{word}"]} for word in WORDS]
    (here / "q.jsonl").write_text("\n".join(map(json.dumps, rows)))
    answer = serve(STORE, queries=here / "q.jsonl").post("/search", json={"query": WORDS[0]}).json()
    assert answer["labels"] == {"relevant": {WORDS[0]: 1}}


def test_an_open_retriever_as_an_application():
    with sl.open(STORE, config=CONFIG) as opened, TestClient(sl.asgi(opened)) as client:
        assert client.post("/search", json={"query": WORDS[0]}).json()["hits"][0]["id"] == WORDS[0]


@pytest.mark.parametrize("retriever", [STORE, OWN])
def test_tools_for_agents(retriever):
    with sl.open(retriever, config=CONFIG, reranker=PointwiseWords()) as opened:
        tools = Tools(opened, names=opened.shown_names())
        assert tools.search(WORDS[0])["hits"][0]["id"] == WORDS[0]
        assert tools.rerank(WORDS[0], [WORDS[1], WORDS[0]])["results"][0]["index"] == 1


def test_an_agent_reads_the_error_of_a_retriever():
    mcp = pytest.importorskip("shortlist.mcp.server", reason="the mcp extra is not installed")
    pytest.importorskip("mcp", reason="the mcp extra is not installed")
    with sl.open("foreign_parts:failing", config=CONFIG, reranker=PointwiseWords()) as opened:
        server = mcp.make_server(Tools(opened), "0")
        with pytest.raises(Exception, match="foreign_parts:failing failed: ConnectionError: no route"):
            asyncio.run(server.call_tool("search", {"query": "q"}))
