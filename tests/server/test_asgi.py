"""`shortlist.asgi`, and the components of a server."""

from __future__ import annotations

import subprocess
import sys
import threading

import pytest
from starlette.testclient import TestClient

import shortlist
from fakes import ListRetriever, WordReranker
from shortlist import Search, SearchConfig
from shortlist.errors import InvalidInput
from shortlist.server.build import assemble, build
from shortlist.server.operations import Operations
from shortlist.server.options import RequestLimits, ServeOptions

BODY = {"model": "words", "query": "tax", "documents": ["cats", "a tax"]}
HASHED = SearchConfig(bi_encoder="hashed-32")


def test_a_search_gives_searches_and_reranking_in_one_thread():
    threads = set()

    class Recording(WordReranker):
        def score(self, query, texts):
            threads.add(threading.current_thread().name)
            return super().score(query, texts)

    searcher = Search(ListRetriever(["cats", "a tax"]), Recording(), SearchConfig(top_k=1))
    with TestClient(shortlist.asgi(searcher)) as client:
        assert client.post("/search", json={"query": "tax"}).json()["hits"][0]["text"] == "a tax"
        assert client.post("/v2/rerank", json=BODY).json()["results"][0]["index"] == 1
        assert client.post("/v1/embeddings", json={"model": "m", "input": "a"}).status_code == 503
        assert client.get("/page/about").json()["index"] is True
    assert threads == {"shortlist-model"}


def test_the_answer_counts_rows_that_repeat_an_id():
    searcher = Search(lambda query, k: [("a", "cats"), ("a", "dogs"), ("b", "a tax")], WordReranker())
    with TestClient(shortlist.asgi(searcher)) as client:
        [note] = client.post("/search", json={"query": "tax"}).json()["notes"]
    assert note == {
        "code": "repeated_rows",
        "count": 1,
        "message": "1 row of the retriever left out: an earlier row has the same id",
    }


def test_an_open_index_gives_embeddings_and_ids_too(tmp_path):
    with shortlist.open(tmp_path / "index", create=True, config=HASHED, reranker=WordReranker()) as index:
        index.add([{"id": "a", "text": "cats"}, {"id": "b", "text": "a tax"}])
        with TestClient(shortlist.asgi(index)) as client:
            ids = [hit["id"] for hit in client.post("/search", json={"query": "tax"}).json()["hits"]]
            assert client.post("/why", json={"query": "tax", "id_a": ids[0], "id_b": ids[1]}).status_code == 200
            assert len(client.post("/embed", json={"inputs": "tax"}).json()[0]) == 32
        assert len(index) == 2


def test_the_threads_end_with_the_application():
    components = assemble(Search(ListRetriever(["a"]), WordReranker()))
    assert components.alive()
    components.close()
    assert not components.alive()


def test_anything_else_is_refused():
    with pytest.raises(InvalidInput, match="neither a Search nor an open index"):
        shortlist.asgi(ListRetriever(["a"]))


def test_without_the_extra_the_error_has_the_pip_command():
    code = "import sys; sys.modules['fastapi'] = None; import shortlist; shortlist.asgi(None)"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert "MissingExtra: " in result.stderr
    assert "pip install 'shortlist[server]'" in result.stderr


def test_judged_queries_have_the_ids_of_passages(tmp_path):
    config = SearchConfig(bi_encoder="hashed-32", reranker=None)
    with shortlist.open(tmp_path / "index", create=True, config=config) as index:
        index.add([{"id": "a", "text": "cats"}, {"id": "b", "text": "a tax"}])
    queries = tmp_path / "queries.csv"
    queries.write_text("query,relevant\nwhen is tax due,b\ndo cats sleep,a\n")
    components = build(ServeOptions(config=config, index=tmp_path / "index", queries=queries), Operations())
    assert components.labels == {"when is tax due": {"b#0": 1}, "do cats sleep": {"a#0": 1}}
    components.close()
    shortlist.open(tmp_path / "index", config=config).close()  # the index is free again


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (ServeOptions(config=HASHED, queue_pairs=3), "a queue of 3 passages"),
        (ServeOptions(config=HASHED, queries="judged.csv"), "also set index"),
    ],
)
def test_options_that_contradict_each_other(options, message):
    with pytest.raises(InvalidInput, match=message):
        build(options, Operations())


def test_without_an_index_a_server_reranks_and_embeds():
    config = SearchConfig(bi_encoder="hashed-32", reranker="fakes:WordReranker")
    limits = RequestLimits(max_documents=2)
    components = build(ServeOptions(config=config, limits=limits, queue_pairs=2), Operations())
    assert components.search is None
    assert (components.scorer.name, components.encoder.name) == ("words", "hashed-32")
    components.close()
