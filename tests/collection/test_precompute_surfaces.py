"""Every surface searches with the stored states of an index, through one place. The model is tiny and real."""

from __future__ import annotations

import asyncio

import pytest
from starlette.testclient import TestClient

import shortlist
import tiny
from hashed import HASHED
from shortlist import CrossEncoder, QuerySet
from shortlist.collection.states import States
from shortlist.mcp.server import make_server
from shortlist.mcp.tools import Tools

TEXTS = ["the red cat sat", "a dog runs", "no local file", "the server", "a blue server file"]
QUERY = "red server"


@pytest.fixture
def index(tmp_path):
    """An index with states of the tiny model."""
    folder = tmp_path / "model"
    folder.mkdir()
    model = CrossEncoder(str(tiny.staged(folder, drop=True, window=128, apart=True)), precision="exact")
    config = shortlist.SearchConfig(bi_encoder=HASHED, weights={"dense": 0.01})
    with shortlist.open(tmp_path / "index", create=True, config=config, reranker=model) as opened:
        opened.add(({"id": f"d{place}", "text": text} for place, text in enumerate(TEXTS)), precompute=True)
        yield opened


@pytest.fixture
def looked_up(monkeypatch):
    """The number of states that each look-up returns."""
    counts = []
    lookup = States.lookup

    def counted(states, hashes):
        result = lookup(states, hashes)
        counts.append(sum(state is not None for state in result))
        return result

    monkeypatch.setattr(States, "lookup", counted)
    return counts


def test_a_search_in_python(index, looked_up):
    assert index.search(QUERY).scored == len(TEXTS)
    assert looked_up == [len(TEXTS)]


def test_a_progressive_search_drops_the_same_passages(index):
    progressive = index.search(QUERY, progressive=True)
    index.add([], precompute=False)
    plain = index.search(QUERY, progressive=True)
    assert (progressive.dropped, progressive.scored) == (plain.dropped, plain.scored)
    assert progressive.scored < len(TEXTS)


def test_over_http_and_to_an_agent(index, looked_up):
    with TestClient(shortlist.asgi(index)) as client:
        assert client.post("/search", json={"query": QUERY}).json()["scored"] == len(TEXTS)
    assert sum(looked_up) == len(TEXTS)
    server = make_server(Tools(index), "0")
    answer = asyncio.run(server.call_tool("search", {"query": QUERY}))
    assert (answer.structured_content["scored"], sum(looked_up)) == (len(TEXTS), 2 * len(TEXTS))


def test_evaluate_and_tune(index, looked_up):
    queries = QuerySet("made up", {"1": QUERY, "2": "a dog"}, {"1": {"d4": 1}, "2": {"d1": 1}})
    shortlist.evaluate(index, queries)
    assert looked_up == [len(TEXTS)] * 2
    shortlist.tune(index, queries, sizes=(5,))
    assert len(looked_up) > 2


def test_scores_are_close_to_those_from_the_text(index):
    from_states = {hit.id: hit.rerank_score for hit in index.search(QUERY)}
    index.add([], precompute=False)
    from_text = {hit.id: hit.rerank_score for hit in index.search(QUERY)}
    spread = max(from_text.values()) - min(from_text.values())
    assert all(abs(from_states[key] - from_text[key]) < spread / 2 for key in from_text)
    assert from_states != from_text
