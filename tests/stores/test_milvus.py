"""What is special about Milvus, against Milvus Lite."""

from __future__ import annotations

from functools import partial

import pytest

from server_makers import milvus
from shortlist.encoders.hashed import HashedEncoder
from shortlist.errors import InvalidInput, StoreNotFound, StoreRefused, StoreUnreachable
from shortlist.retrievers import Hybrid
from shortlist.stores.kinds import load_store
from shortlist.types import Passage

pymilvus = pytest.importorskip("pymilvus")
pytest.importorskip("milvus_lite")

ENCODER = HashedEncoder(64)
VECTORS = {"a": [1.0, 0.0], "b": [0.6, 0.8]}


@pytest.fixture
def client(tmp_path):
    client = pymilvus.MilvusClient(str(tmp_path / "notes.db"))
    yield client
    client.close()


def collection(client, fields, rows, *, vectors=("vector",), metric="COSINE", dynamic=False):
    schema = client.create_schema(enable_dynamic_field=dynamic)
    for name, kind, options in fields:
        schema.add_field(name, getattr(pymilvus.DataType, kind), **options)
    indexes = client.prepare_index_params()
    for name in vectors:
        schema.add_field(name, pymilvus.DataType.FLOAT_VECTOR, dim=2)
        indexes.add_index(name, index_type="FLAT", metric_type=metric)
    client.create_collection("notes", schema=schema, index_params=indexes)
    client.insert("notes", rows)


TEXT = ("text", "VARCHAR", {"max_length": 100})
NUMBERED = ("pk", "INT64", {"is_primary": True})


def test_fields_of_every_type_are_filtered(client):
    fields = [
        NUMBERED,
        TEXT,
        ("tags", "ARRAY", {"element_type": pymilvus.DataType.VARCHAR, "max_capacity": 4, "max_length": 20}),
        ("open", "BOOL", {}),
        ("size", "DOUBLE", {}),
    ]
    rows = [
        {"pk": 1, "text": "red", "tags": ["x", "y"], "open": True, "size": 1.5, "vector": VECTORS["a"]},
        {"pk": 2, "text": "blue", "tags": [], "open": False, "size": 2.0, "vector": VECTORS["b"]},
    ]
    collection(client, fields, rows)
    store = load_store("milvus:notes", client=client)
    for where in ({"tags": "x"}, {"open": True}, {"size": "1.5"}, {"pk": [1, 7]}, {"text": "red", "open": "true"}):
        assert [passage.id for passage, _ in store.nearest(store.vectors(["1"])[0], 5, where)] == ["1"]
    assert store.nearest(store.vectors(["1"])[0], 5, {"open": "perhaps"}) == []
    with pytest.raises(InvalidInput, match="has no field 'nothing'; its fields are open, pk, size, tags, text"):
        store.nearest(store.vectors(["1"])[0], 5, {"nothing": 1})


@pytest.mark.parametrize(("metric", "scores"), [("COSINE", [1, 0.6]), ("IP", [1, 0.6]), ("L2", [1, 0.6])])
def test_every_metric_gives_cosines(client, metric, scores):
    collection(
        client,
        [NUMBERED, TEXT],
        [{"pk": 1, "text": "red", "vector": VECTORS["a"]}, {"pk": 2, "text": "blue", "vector": VECTORS["b"]}],
        metric=metric,
    )
    store = load_store("milvus:notes", client=client)
    assert [score for _, score in store.nearest(store.vectors(["1"])[0], 5)] == pytest.approx(scores)
    assert (store.exact, store.has_words, len(store)) == (True, False, 2)


def test_several_vectors_need_a_name(client):
    rows = [{"pk": 1, "text": "red", "small": VECTORS["a"], "other": VECTORS["b"]}]
    collection(client, [NUMBERED, TEXT], rows, vectors=("small", "other"))
    with pytest.raises(InvalidInput, match="has the vectors 'small', 'other'"):
        load_store("milvus:notes", client=client)
    store = load_store("milvus:notes", {"vector": "other"}, client=client)
    assert store.vectors(["1"])[0].tolist() == pytest.approx(VECTORS["b"])
    assert next(iter(store.passages())).metadata == {}


def test_every_row_is_listed(client):
    rows = [{"pk": number, "text": f"red {number}", "vector": VECTORS["a"]} for number in range(1500)]
    collection(client, [NUMBERED, TEXT], rows)
    assert len({passage.id for passage in load_store("milvus:notes", client=client).passages()}) == 1500


def test_a_missing_collection_names_the_others(client):
    collection(client, [NUMBERED, TEXT], [])
    with pytest.raises(StoreNotFound, match="no collection 'nothing'; there are: notes"):
        load_store("milvus:nothing", client=client)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(StoreNotFound, match="there is no file"):
        load_store(f"milvus:notes@{tmp_path / 'nothing.db'}")
    assert not (tmp_path / "nothing.db").exists()


def test_a_server_that_is_down_is_unreachable():
    with pytest.raises(StoreUnreachable, match="does not answer") as error:
        load_store("milvus:notes@http://user:secret@127.0.0.1:1")
    assert "secret" not in str(error.value)


def test_a_wrong_token_is_named():
    from shortlist.stores.milvus import _error

    error = _error("milvus:notes", 65535, "auth check failure, please check username and password are correct")
    assert isinstance(error, StoreRefused)
    assert "MILVUS_TOKEN" in str(error)


def test_hybrid_retrieval_sends_no_row_twice(tmp_path, monkeypatch):
    passages = [Passage(f"p{place:02}", f"{'red' if place % 2 else 'blue'} number {place}") for place in range(40)]
    vectors = ENCODER.encode_passages([passage.text for passage in passages])
    store = milvus("COSINE", words=True)(tmp_path, passages, vectors)
    client, requests = store._backend._client, []
    own = {name: getattr(client, name) for name in ("search", "query")}

    def spied(name, *arguments, **options):
        answer = own[name](*arguments, **options)
        requests.append((options["output_fields"], len(answer[0] if name == "search" else answer)))
        return answer

    for name in own:
        monkeypatch.setattr(client, name, partial(spied, name))
    hits = Hybrid(store, ENCODER, depth=10).retrieve("red", 15)
    (near, near_count), (words, words_count), (rest, rest_count) = requests
    assert ("text" in near, words, "vector" in rest) == (True, ["id"], True)
    assert (near_count, words_count) == (15, 15)
    both = sum("bm25" in hit.signals for hit in hits)
    assert rest_count < words_count or both == len(hits)
    scores = dict(zip([passage.id for passage in passages], vectors @ ENCODER.encode_queries(["red"])[0], strict=True))
    assert [hit.signals["dense"] for hit in hits] == pytest.approx([scores[hit.id] for hit in hits], abs=1e-4)
