"""Errors and requests of Weaviate, against a stand-in."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from shortlist.encoders.hashed import HashedEncoder
from shortlist.errors import InvalidInput, StoreNotFound, StoreRefused, StoreUnreachable
from shortlist.stores.kinds import load_store
from shortlist.types import Passage

weaviate = pytest.importorskip("weaviate")
grpc = pytest.importorskip("grpc")

from standin_weaviate import TYPES, Collection, StandInWeaviate  # noqa: E402

ENCODER = HashedEncoder(16)
NOTES = [
    Passage("00000000-0000-0000-0000-000000000001", "the red cat", metadata={"lang": "en"}),
    Passage("00000000-0000-0000-0000-000000000002", "a red dog", metadata={"lang": "EN us"}),
]
VECTOR = ENCODER.encode_queries(["red cat"])[0]


@pytest.fixture
def server(monkeypatch):
    monkeypatch.delenv("WEAVIATE_API_KEY", raising=False)
    standin = StandInWeaviate()
    standin.collections["Notes"] = Collection(NOTES, ENCODER.encode_passages([note.text for note in NOTES]))
    standin.start()
    yield standin
    standin.stop()


@pytest.fixture
def store(server, opened):
    return opened(f"weaviate:Notes@{server.url}")


def ids(answer):
    return [passage.id for passage, _ in answer]


def test_the_id_of_the_object_is_the_id_if_no_property_is(server, opened):
    server.types = {name: kind for name, kind in TYPES.items() if name != "passage_id"}
    store = opened(f"weaviate:Notes@{server.url}")
    assert ids(store.nearest(VECTOR, 5)) == [note.id for note in NOTES]
    assert store.vectors([NOTES[1].id]).shape == (1, 16)
    for unknown in ("x", "00000000-0000-0000-0000-000000000009"):
        with pytest.raises(InvalidInput, match="no vector for the passage"):
            store.vectors([unknown])


def test_a_filter_compares_the_whole_text(store, server):
    assert ids(store.nearest(VECTOR, 5, {"lang": "en"})) == [NOTES[0].id]
    assert server.searches[-1].filters.target.property == "lang"


def test_a_filter_on_an_unknown_property_is_refused(store):
    with pytest.raises(InvalidInput, match="has no field 'nothing'"):
        store.nearest(VECTOR, 5, {"nothing": 1})
    assert store.nearest(VECTOR, 5, {"year": "about 2020"}) == []


def test_a_missing_collection_names_the_others(server, opened):
    with pytest.raises(StoreNotFound, match="there is no collection 'Nothing'; the collections are Notes"):
        opened(f"weaviate:Nothing@{server.url}")


def test_a_missing_key_is_named(server, opened):
    server.key = "secret"
    with pytest.raises(StoreRefused, match="set WEAVIATE_API_KEY"):
        opened(f"weaviate:Notes@{server.url}")


def test_the_key_is_sent_over_both_ways(server, opened, monkeypatch):
    server.key = "secret"
    monkeypatch.setenv("WEAVIATE_API_KEY", "secret")
    store = opened(f"weaviate:Notes@{server.url}")
    assert len(store.nearest(VECTOR, 5)) == 2
    server.key = "other"
    with pytest.raises(StoreRefused, match="set WEAVIATE_API_KEY") as error:
        store.nearest(VECTOR, 5)
    assert "secret" not in str(error.value)


def test_a_cloud_cluster_needs_a_key(monkeypatch):
    monkeypatch.delenv("WEAVIATE_API_KEY", raising=False)
    with pytest.raises(StoreRefused, match="needs a key"):
        load_store("weaviate:Notes@https://cluster.weaviate.cloud")


def test_a_server_that_is_down_is_unreachable():
    with pytest.raises(StoreUnreachable, match="does not answer"):
        load_store("weaviate:Notes@http://127.0.0.1:1")


def test_a_path_is_no_server():
    with pytest.raises(InvalidInput, match="write the URL of the server"):
        load_store("weaviate:Notes@./notes")


@pytest.mark.parametrize(
    ("code", "error", "message"),
    [
        ("UNAVAILABLE", StoreUnreachable, "write its gRPC port"),
        ("RESOURCE_EXHAUSTED", StoreUnreachable, "overloaded"),
        ("PERMISSION_DENIED", StoreRefused, "WEAVIATE_API_KEY"),
        ("INVALID_ARGUMENT", StoreRefused, "the reason"),
    ],
)
def test_statuses_of_grpc_become_errors(store, server, monkeypatch, code, error, message):
    monkeypatch.setattr("weaviate.retry.time", SimpleNamespace(sleep=lambda seconds: None))
    server.refuse = (getattr(grpc.StatusCode, code), "the reason")
    with pytest.raises(error, match=message):
        store.matching("red", 5)


def test_a_wrong_dimension_is_refused(store):
    with pytest.raises(InvalidInput, match="16 finite numbers"):
        store.nearest(np.ones(3, np.float32), 5)


def test_a_client_of_the_user_stays_open(server):
    port = int(server.http.url.rpartition(":")[2])
    with weaviate.connect_to_local("127.0.0.1", port, server.port, skip_init_checks=True) as client:
        store = load_store("weaviate:Notes", client=client)
        store.close()
        assert client.collections.exists("Notes")
