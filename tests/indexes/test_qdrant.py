"""What is special about an index on Qdrant: its requests, failures of the server, and collections of others."""

from __future__ import annotations

import time

import numpy as np
import pytest

from hashed import HASHED, add, documents
from server_indexes import in_memory, standin_qdrant
from shortlist import registry
from shortlist.encoders.hashed import HashedEncoder
from shortlist.errors import (
    IndexMismatch,
    IndexWriteFailed,
    InvalidInput,
    MissingExtra,
    NotAnIndex,
    StoreRefused,
    StoreUnreachable,
)
from shortlist.indexes.embedded import EmbeddedEngine
from shortlist.indexes.qdrant import QdrantEngine, batches, calls, index
from shortlist.indexes.qdrant.options import QdrantOptions
from shortlist.registry import load_retriever
from shortlist.retrievers import Hybrid
from shortlist.types import Passage
from standin_store import Refused

pytest.importorskip("qdrant_client")
from qdrant_client import QdrantClient, models

ENCODER = HashedEncoder(32)
NOTES = [Passage(f"p{n}", f"{'red ' * (n % 4)}note {n} about cats and topic {n % 7}") for n in range(60)]


@pytest.fixture
def server():
    with standin_qdrant() as server:
        yield server


@pytest.fixture
def no_waits(monkeypatch):
    """Record the waits between attempts, and do not wait."""
    waits = []
    monkeypatch.setattr(calls.QdrantCalls.__init__, "__kwdefaults__", {"owns": True, "sleep": waits.append})
    return waits


def name_of(server):
    return f"qdrant:notes@{server.url}"


def open_index(server, **options):
    return registry.INDEXES.open(name_of(server), options=options)


def filled(server, passages=NOTES, **options):
    """An index with these passages."""
    collection = registry.INDEXES.create(name_of(server), HASHED, ENCODER.dimension, options)
    collection.index.add(passages, ENCODER.encode_passages([passage.content for passage in passages]))
    return collection


def query(text):
    return ENCODER.encode_queries([text])[0]


def bodies(server, path):
    return [request.body for request in server.seen if request.path == path]


def test_answers_equal_those_of_a_folder(server, tmp_path):
    vectors = ENCODER.encode_passages([note.content for note in NOTES])
    folder = EmbeddedEngine().create(tmp_path, dimension=32)
    folder.add(NOTES, vectors)
    with filled(server) as collection:
        for text in ("red cats", "topic 3", "note 17 about red"):
            own, other = (Hybrid(each, ENCODER).retrieve(text, 20) for each in (collection.index, folder))
            assert [hit.id for hit in own] == [hit.id for hit in other]
            for hit, same in zip(own, other, strict=True):
                assert hit.signals == pytest.approx(same.signals, abs=1e-5)
        np.testing.assert_array_equal(collection.index.vectors(["p3", "p1"]), folder.vectors(["p3", "p1"]))
        assert collection.index.average_length == folder.average_length
    folder.close()


def test_both_lists_take_one_request(server):
    with filled(server) as collection:
        before = len(server.seen)
        near, words = collection.index.both(query("red"), "red", 5)
        assert [request.path for request in server.seen[before:]] == ["/collections/notes/points/query/batch"]
        assert near == collection.index.nearest(query("red"), 5)
        assert words == collection.index.matching("red", 5)
        assert collection.index.both(query("red"), "the of", 5) == (near, [])


def test_the_id_of_a_point_depends_on_the_id_of_the_passage(server):
    with filled(server, NOTES[:3]) as collection:
        collection.index.add(NOTES[:3], ENCODER.encode_passages([note.content for note in NOTES[:3]]))
        assert len(collection.index) == 3
        ids = [str(point.id) for point in server.qdrant.client.scroll("notes")[0]]
        assert all(key[14] == "5" for key in ids)  # UUIDv5


def test_a_new_file_takes_four_write_requests(server, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for key in "ab":
        (tmp_path / f"{key}.md").write_text(f"note {key}")
        before = len(server.seen)
        add(f"{key}.md", name_of(server))
    changes = [request for request in server.seen[before:] if request.method == "PUT"]
    locks = [request for request in changes if b'"lock"' in request.raw]
    assert (len(changes) - len(locks), len(locks)) == (4, 2)
    assert not [request for request in server.seen[before:] if request.path.endswith("/delete")]


def test_large_batches_are_divided(server, monkeypatch):
    monkeypatch.setattr(batches, "NUMBERS", 32 * 25)
    filled(server).close()
    sizes = [len(body["batch"]["ids"]) for body in bodies(server, "/collections/notes/points") if "batch" in body]
    assert sizes == [25, 25, 10]
    monkeypatch.setattr(batches, "CHARACTERS", 200)
    passages = [Passage(f"q{n}", "x" * size) for n, size in enumerate([150, 60, 500, 10, 10])]
    with open_index(server) as collection:
        before = len(server.seen)
        collection.index.add(passages, ENCODER.encode_passages([passage.content for passage in passages]))
        sizes = [len(request.body["batch"]["ids"]) for request in server.seen[before:] if request.method == "PUT"]
        assert sizes == [1, 1, 1, 2]
        assert len(collection.index) == 65


def test_the_options_of_a_new_index(server):
    filled(server, shards=6, replicas=3, write_consistency=2).close()
    made = {body["path"]: body for body in ({"path": r.path, **r.body} for r in server.seen if r.method == "PUT")}
    notes, records = made["/collections/notes"], made["/collections/notes.shortlist"]
    assert (notes["shard_number"], notes["replication_factor"], notes["write_consistency_factor"]) == (6, 3, 2)
    assert (records["shard_number"], records["replication_factor"], records["write_consistency_factor"]) == (1, 3, 2)
    assert notes["vectors"] == {"dense": {"size": 32, "distance": "Dot"}}
    assert notes["sparse_vectors"] == {"bm25": {"modifier": "idf"}}
    schema = server.qdrant.schemas
    assert (set(schema["notes"]), "row.source" in schema["notes.shortlist"]) == ({"words", "fields"}, True)
    for given in ({"shards": 6}, {"replicas": 3, "write_consistency": 2}, {"timeout": 5}):
        registry.INDEXES.open(name_of(server), options=given, check=True).close()
    with pytest.raises(InvalidInput, match=r"shards is 2, and qdrant:notes@.* was made with 6: leave out shards"):
        registry.INDEXES.open(name_of(server), options={"shards": 2}, check=True)
    registry.INDEXES.open(name_of(server), options={"shards": 2}).close()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"shard": 2}, "'shard' is unknown; the options are shards, replicas, write_consistency, exact, ef, timeout"),
        ({"shards": 0}, "shards must be a whole number of at least 1, not 0"),
        ({"replicas": "two"}, "replicas must be a whole number of at least 1, not 'two'"),
        ({"exact": 1}, "exact must be true or false, not 1"),
        ({"write_consistency": 2}, "write_consistency is 2, and replicas is 1"),
    ],
)
def test_bad_options(options, message):
    with pytest.raises(InvalidInput, match=message) as caught:
        QdrantOptions.of(options)
    assert caught.value.field == "index_options"


def test_options_of_a_server_are_refused_for_a_folder(tmp_path):
    with pytest.raises(InvalidInput, match="shards is for a server"):
        registry.INDEXES.create(f"qdrant:notes@{tmp_path / 'q'}", HASHED, ENCODER.dimension, {"shards": 2})
    with pytest.raises(InvalidInput, match=r"'shards' is for an index on a server, and .* is a folder: leave it out"):
        registry.INDEXES.create(tmp_path / "i", HASHED, ENCODER.dimension, {"shards": 2})


def params_of(server):
    return bodies(server, "/collections/notes/points/query/batch")[-1]["searches"][0]["params"]


def test_search_is_exact_up_to_a_size_and_approximate_above(server, monkeypatch):
    filled(server).close()
    for options, size, expected in (
        ({}, 60, {"exact": True}),
        ({}, 59, {"exact": False, "hnsw_ef": 256}),
        ({"ef": 64}, 59, {"exact": False, "hnsw_ef": 64}),
        ({"exact": False}, 60, {"exact": False, "hnsw_ef": 256}),
        ({"exact": True}, 59, {"exact": True}),
    ):
        monkeypatch.setattr(index, "EXACT_UP_TO", size)
        with open_index(server, **options) as collection:
            collection.index.nearest(query("red"), 5)
            assert params_of(server) == expected
            assert collection.index.exact == expected["exact"]
            assert Hybrid(collection.index, ENCODER).prefix_depth == (100 if expected["exact"] else 0)
    with open_index(server, ef=64, exact=False) as collection:
        collection.index.nearest(query("red"), 100)
        assert params_of(server)["hnsw_ef"] == 100


def test_a_huge_k_is_limited_to_the_number_of_passages(server):
    with filled(server) as collection:
        assert len(collection.index.nearest(query("red"), 10**12)) == 60
        assert bodies(server, "/collections/notes/points/query/batch")[-1]["searches"][0]["limit"] == 60


BUSY = (503, {"status": {"error": "busy"}}, {})
SLOW = (429, {"status": {"error": "too many"}}, {"Retry-After": "7"})


def test_passing_failures_are_repeated(server, no_waits):
    with filled(server) as collection:
        server.script += [BUSY, SLOW]
        assert len(collection.index) == 60
        assert no_waits == [0.2, 7.0]
        del no_waits[:]
        server.script += [BUSY] * 5
        collection.index.delete(["p0"])
        assert no_waits == [0.5, 1.0, 2.0, 4.0, 8.0]
        assert len(collection.index) == 59


def test_failures_that_stay_are_errors(server, no_waits):
    with filled(server) as collection:
        server.script += [BUSY] * 3
        with pytest.raises(StoreUnreachable, match=r"is overloaded or failing .*busy.*try again later"):
            len(collection.index)
        server.script += [(429, {"status": {"error": "too many"}}, {"Retry-After": "900"})]
        with pytest.raises(StoreUnreachable, match="too many"):
            len(collection.index)
        server.script += [(500, {"status": {"error": "No space left on device"}}, {})] * 6
        with pytest.raises(IndexWriteFailed, match=r"No space left on device.*Earlier commits are intact"):
            collection.index.delete(["p1"])
        server.script += [(400, {"status": {"error": "Wrong input: bad vector"}}, {})]
        with pytest.raises(IndexWriteFailed, match="bad vector"):
            collection.index.delete(["p1"])
        server.script += [(400, {"status": {"error": "Wrong input: bad filter"}}, {})]
        with pytest.raises(StoreRefused, match="bad filter"):
            len(collection.index)
        assert len(collection.index) == 60


@pytest.mark.parametrize("status", [401, 403])
def test_a_key_that_is_not_accepted(server, no_waits, status, monkeypatch):
    monkeypatch.setenv("QDRANT_API_KEY", "qk-secret")
    monkeypatch.setattr("warnings.warn", lambda *_, **__: None)  # the client warns of a key without TLS
    with filled(server) as collection:
        assert {request.headers["api-key"] for request in server.seen} == {"qk-secret"}
        refusal = (status, {"status": {"error": "forbidden"}}, {})
        server.script += [refusal]
        with pytest.raises(StoreRefused, match=r"forbidden.*; set QDRANT_API_KEY to a valid key"):
            collection.index.nearest(query("red"), 3)
        server.script += [refusal]
        with pytest.raises(StoreRefused, match=r"forbidden.*; set QDRANT_API_KEY to a valid key") as caught:
            collection.index.delete(["p1"])
        assert "secret" not in str(caught.value)
    assert no_waits == []


def test_an_answer_that_takes_too_long(server, no_waits):
    filled(server).close()
    answer = server.answer

    def slow(request):
        if request.path.endswith("count"):
            time.sleep(1.2)
        return answer(request)

    server.answer = slow
    with pytest.raises(StoreUnreachable, match=r"does not answer .*Timeout"):
        open_index(server, timeout=1)
    assert no_waits == [0.2, 0.6]


def test_a_server_that_is_down(server, no_waits):
    filled(server).close()
    with open_index(server) as collection:
        server.shutdown()
        server.server_close()
        with pytest.raises(StoreUnreachable, match=r"does not answer \(ConnectError.*start the server"):
            collection.index.nearest(query("red"), 3)
        assert no_waits == [0.2, 0.6]
    del no_waits[:]
    with pytest.raises(StoreUnreachable, match=f"{name_of(server)} does not answer"):
        open_index(server)
    assert no_waits == []  # a wrong address fails at once


def test_an_old_server_is_refused():
    with standin_qdrant(version="1.15.4") as server, pytest.raises(StoreRefused, match=r"version 1\.15\.4.*1\.16 or"):
        open_index(server)


def test_a_collection_of_others_is_never_changed(server):
    client = server.qdrant.client
    client.create_collection("notes", models.VectorParams(size=32, distance=models.Distance.COSINE))
    point = models.PointStruct(id=1, vector=query("red").tolist(), payload={"text": "red", "id": "x"})
    client.upsert("notes", [point])
    message = "shortlist did not make the collection 'notes', and does not change it. Search it as a retriever, or give"
    for act in (lambda: open_index(server), lambda: filled(server), lambda: add(documents("a"), name_of(server))):
        with pytest.raises(NotAnIndex, match=message):
            act()
    assert not client.collection_exists("notes.shortlist")
    assert [(record.id, record.payload) for record in client.scroll("notes")[0]] == [(1, point.payload)]
    assert load_retriever(name_of(server), encoder=ENCODER).retrieve("red", 1)[0].id == "x"


def test_records_of_others_are_never_changed(server):
    client = server.qdrant.client
    client.create_collection("notes.shortlist", {})
    with pytest.raises(NotAnIndex, match=r"the collection 'notes\.shortlist' belongs to something else"):
        filled(server)
    assert not client.collection_exists("notes")


def test_the_records_of_an_index_are_no_index(server):
    filled(server).close()
    with pytest.raises(NotAnIndex, match="did not make"):
        registry.INDEXES.open(f"qdrant:notes.shortlist@{server.url}")


def test_a_removed_index_leaves_nothing_to_the_next_one(server):
    add(documents("a", "b"), name_of(server))
    server.qdrant.client.delete_collection("notes")
    assert add(documents("a"), name_of(server)).documents_written == 1
    with open_index(server) as collection:
        assert collection.ledger.ids() == ["a"]


def test_a_collection_with_other_vectors_is_damaged(server):
    server.qdrant.client.create_collection(
        "notes",
        {"other": models.VectorParams(size=3, distance=models.Distance.DOT)},
        metadata={"shortlist": {"encoder": HASHED, "dimension": 32, "engine": "qdrant", "format_version": 1}},
    )
    with pytest.raises(NotAnIndex, match="no collection 'notes' with vectors of length 32"):
        open_index(server)


@pytest.mark.parametrize(
    ("manifest", "message"),
    [
        ({"encoder": HASHED}, "the manifest of .* is damaged"),
        ({"encoder": HASHED, "dimension": 32, "engine": "qdrant", "format_version": 9}, "has index format 9"),
    ],
)
def test_a_manifest_that_cannot_be_used(server, manifest, message):
    server.qdrant.client.create_collection("notes", {}, metadata={"shortlist": manifest})
    with pytest.raises((NotAnIndex, IndexMismatch), match=message):
        open_index(server)


def test_the_place_is_needed(monkeypatch):
    for name in ("qdrant:notes", "qdrant:notes@:memory:"):
        with pytest.raises(InvalidInput, match="needs the place of the index: write qdrant:notes@http"):
            registry.INDEXES.open(name)
    with pytest.raises(InvalidInput, match=r"in memory needs its client: load_retriever\(NAME, client=client\)"):
        registry.INDEXES.open("qdrant:notes@:memory:")


def test_a_missing_client_names_the_extra(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "qdrant_client", None)
    with pytest.raises(MissingExtra, match=r"pip install 'shortlist\[qdrant\]'"):
        QdrantEngine().connect("qdrant:notes", "notes", "http://127.0.0.1:1", {})


def test_the_folder_of_a_local_client_is_not_made_by_a_search(tmp_path):
    with pytest.raises(NotAnIndex, match="there is no index"):
        registry.INDEXES.open(f"qdrant:notes@{tmp_path / 'q'}")
    assert not (tmp_path / "q").exists()


def test_a_given_client_stays_open():
    client = QdrantClient(":memory:")
    site = QdrantEngine(client).connect("notes", "notes", "", {})
    site.prepare()
    made = site.create({"encoder": HASHED}, dimension=32)
    made.close()
    site.close()
    assert client.collection_exists("notes")
    assert in_memory().connect("notes", "notes", "", {}).manifest() is None


def test_the_names_of_metadata_take_one_request(server):
    passages = [Passage(f"p{n}", "red", metadata={f"field{n % 3}": n}) for n in range(9)]
    with filled(server, passages) as collection:
        assert collection.index.fields() == {"field0", "field1", "field2"}


def test_a_lost_collection_is_an_error(server):
    with filled(server) as collection:
        server.qdrant.client.delete_collection("notes")
        with pytest.raises(NotAnIndex, match=r"has lost a collection .*doesn't exist.*: build the index again"):
            len(collection.index)


def test_a_refusal_of_the_records_is_no_missing_index(server):
    def refuse(request):
        if request.path == "/collections/notes":
            raise Refused(400, {"status": {"error": "Bad request"}})
        return answer(request)

    answer, server.answer = server.answer, refuse
    with pytest.raises(StoreRefused, match="Bad request"):
        open_index(server)
