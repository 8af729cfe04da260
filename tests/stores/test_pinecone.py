"""Errors and requests of Pinecone, against a stand-in."""

from __future__ import annotations

import httpx
import numpy as np
import pytest

from shortlist.encoders.hashed import HashedEncoder
from shortlist.errors import InvalidInput, StoreNotFound, StoreRefused, StoreUnreachable
from shortlist.stores.kinds import load_store
from shortlist.types import Passage
from standin_pinecone import KEY, Index, StandInPinecone
from standin_store import standin_store

ENCODER = HashedEncoder(16)
NOTES = [Passage(f"n{number:03}", f"red cat {number}", metadata={"year": number}) for number in range(150)]
VECTOR = ENCODER.encode_queries(["red cat"])[0]


@pytest.fixture(params=[False, True], ids=["vectors", "documents"])
def documents(request):
    return request.param


@pytest.fixture
def server(documents, monkeypatch):
    pinecone = StandInPinecone()
    vectors = ENCODER.encode_passages([note.text for note in NOTES])
    pinecone.indexes["notes"] = Index(NOTES, vectors, documents=documents)
    pinecone.indexes["other"] = Index(NOTES[:3], vectors[:3], documents=documents, namespace="ten ants")
    with standin_store(pinecone) as server:
        pinecone.host = server.url.removeprefix("http://")
        monkeypatch.setenv("PINECONE_CONTROLLER_HOST", server.url)
        monkeypatch.setenv("PINECONE_API_KEY", KEY)
        yield server


def test_every_row_is_listed_over_several_pages(server, opened):
    store = opened("pinecone:notes")
    assert {passage.id for passage in store.passages()} == {note.id for note in NOTES}
    assert len(store) == 150
    assert store.vectors([note.id for note in NOTES]).shape == (150, 16)


def test_a_namespace_follows_the_name_of_the_index(server, opened):
    store = opened("pinecone:other/ten ants")
    assert (len(store), len(store.nearest(VECTOR, 5))) == (3, 3)


def test_the_host_may_be_given(server, opened):
    store = opened(f"pinecone:notes/ten ants@{server.url}/host/other/")
    assert store.name.startswith("pinecone:notes/ten ants@http://127.0.0.1")
    assert len(store) == 3


def test_a_missing_index_names_the_others(server, opened):
    with pytest.raises(StoreNotFound, match="there is no index 'nothing'; the indexes are notes, other"):
        opened("pinecone:nothing")


def test_a_missing_key_is_named(server, opened, monkeypatch):
    monkeypatch.delenv("PINECONE_API_KEY")
    with pytest.raises(StoreRefused, match="needs a key: set PINECONE_API_KEY"):
        opened("pinecone:notes")


@pytest.mark.parametrize("key", ["wrong", "wröng", "a\nb"])
def test_a_wrong_key_is_named(server, opened, monkeypatch, key):
    monkeypatch.setenv("PINECONE_API_KEY", key)
    with pytest.raises(StoreRefused, match=r"PINECONE_API_KEY") as error:
        opened("pinecone:notes")
    assert key not in str(error.value)


def test_pinecone_that_is_down_is_unreachable(opened, monkeypatch):
    monkeypatch.setenv("PINECONE_API_KEY", KEY)
    monkeypatch.setenv("PINECONE_CONTROLLER_HOST", "http://127.0.0.1:1")
    with pytest.raises(StoreUnreachable, match="does not answer"):
        opened("pinecone:notes")


def test_a_rate_limit_ends_the_search(server, opened):
    store = opened("pinecone:notes")
    server.script = [(429, {"code": 8, "message": "Request rate limit exceeded"}, {"Retry-After": "60"})]
    with pytest.raises(StoreUnreachable, match="429: Request rate limit exceeded; the store requests a wait of 60 s"):
        store.nearest(VECTOR, 5)


def test_a_wrong_dimension_and_a_large_k_are_refused(server, opened):
    store = opened("pinecone:notes")
    with pytest.raises(InvalidInput, match="16 finite numbers"):
        store.nearest(np.ones(3, np.float32), 5)
    with pytest.raises(InvalidInput, match="at most 10000"):
        store.nearest(VECTOR, 10_001)


def test_only_a_document_index_searches_words(server, opened, documents):
    store = opened("pinecone:notes")
    assert store.has_words is documents
    if documents:
        assert [passage.id for passage, _ in store.matching("Which 7?", 5)] == ["n007"]
        with pytest.raises(InvalidInput, match="cannot filter the field 'text'"):
            store.matching("red", 5, {"text": "red cat 7"})


def test_a_client_of_the_user_stays_open(server):
    headers = {"Api-Key": KEY, "X-Pinecone-Api-Version": "2026-07"}
    with httpx.Client(headers=headers) as client:
        store = load_store("pinecone:notes", client=client)
        store.close()
        assert client.get(f"{server.url}/indexes").status_code == 200
