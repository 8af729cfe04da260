"""What is special about Qdrant: names of vectors, BM25, nested payloads, and a server."""

from __future__ import annotations

import uuid

import numpy as np
import pytest

from shortlist.encoders.hashed import HashedEncoder
from shortlist.errors import InvalidInput, StoreNotFound, StoreRefused, StoreUnreachable
from shortlist.registry import store_retriever
from shortlist.retrievers import Hybrid
from shortlist.stores.diagnose import diagnose
from shortlist.stores.kinds import load_store
from standin_qdrant import answers
from standin_store import Refused, standin_store
from store_makers import bm25_terms

pytest.importorskip("qdrant_client")
from qdrant_client import QdrantClient, models

ENCODER = HashedEncoder(64)
TEXTS = ["the red cat", "a blue dog", "a red dog and a cat"]
VECTORS = ENCODER.encode_passages(TEXTS)
SIZE = models.VectorParams(size=64, distance=models.Distance.COSINE)
IDF = models.SparseVectorParams(modifier=models.Modifier.IDF)


def query(text):
    return ENCODER.encode_queries([text])[0]


def ids(answer):
    return [passage.id for passage, _ in answer]


def client_of(vectors=SIZE, sparse=None, payloads=None, vector=None, keys=(0, 1, 2)):
    """A client in memory with the three texts."""
    client = QdrantClient(":memory:")
    client.create_collection("notes", vectors, sparse_vectors_config=sparse)
    vector = vector or (lambda place: VECTORS[place].tolist())
    payloads = payloads or [{"text": text, "year": 2020 + place} for place, text in enumerate(TEXTS)]
    client.upsert(
        "notes", [models.PointStruct(id=key, vector=vector(n), payload=payloads[n]) for n, key in enumerate(keys)]
    )
    return client


def sparse_of(text):
    terms = bm25_terms(text)
    return models.SparseVector(indices=terms.indices, values=terms.values)


def hybrid_client(**options):
    def vector(place):
        return {"dense": VECTORS[place].tolist(), "words": sparse_of(TEXTS[place])}

    return client_of({"dense": SIZE}, {"words": IDF}, vector=vector, **options)


def test_ids_of_the_store_are_numbers_or_uuids():
    keys = [str(uuid.uuid5(uuid.NAMESPACE_URL, text)) for text in TEXTS]
    for given in ((3, 1, 2), keys):
        store = load_store("qdrant:notes", client=client_of(keys=given))
        assert ids(store.nearest(query("red cat"), 3)) == [str(given[n]) for n in (0, 2, 1)]
        np.testing.assert_allclose(store.vectors([str(given[1])])[0], VECTORS[1], atol=1e-6)
        with pytest.raises(InvalidInput, match="no vector for the passage 'x'"):
            store.vectors(["x"])


def test_a_vector_among_several_is_named():
    vectors = {"image": SIZE, "own": SIZE}
    client = client_of(vectors, vector=lambda n: {"image": VECTORS[2 - n].tolist(), "own": VECTORS[n].tolist()})
    with pytest.raises(InvalidInput, match="has the vectors 'image', 'own'"):
        load_store("qdrant:notes", client=client)
    for name, best in (("own", "0"), ("image", "2")):
        store = load_store("qdrant:notes", {"vector": name}, client)
        assert ids(store.nearest(query("the red cat"), 1)) == [best]
        assert store.similarities(query("the red cat"), [best]) == pytest.approx([1])


def test_bm25_is_searched_with_the_terms_of_qdrant():
    store = load_store("qdrant:notes", client=hybrid_client())
    assert ids(store.matching("Which dogs are BLUE?", 5)) == ["1", "2"]
    assert store.matching("the of and", 5) == []
    assert ids(store.matching("cat", 5, {"year": 2022})) == ["2"]
    retriever = store_retriever(store, ENCODER)
    assert type(retriever) is Hybrid
    assert [hit.id for hit in retriever.retrieve("the of and", 3)]


def test_the_points_of_hits_are_remembered(monkeypatch):
    payloads = [{"text": text, "id": f"k{place}"} for place, text in enumerate(TEXTS)]
    client = hybrid_client(payloads=payloads)
    store = load_store("qdrant:notes", client=client)
    scrolls = []
    scroll = client.scroll
    monkeypatch.setattr(client, "scroll", lambda *given, **named: scrolls.append(given) or scroll(*given, **named))
    before = store.similarities(query("red cat"), ["k2", "k0"])
    assert len(scrolls) == 1
    assert ids(store.nearest(query("red cat"), 5)) == ["k0", "k2", "k1"]
    assert store.similarities(query("red cat"), ["k2", "k0"]) == pytest.approx(before)
    assert len(scrolls) == 1
    with pytest.raises(InvalidInput, match="no vector for the passage 'x'"):
        store.vectors(["k0", "x"])


def test_other_sparse_vectors_are_no_words():
    def vector(place):
        return {"": VECTORS[place].tolist(), "splade": models.SparseVector(indices=[1, 5, 9], values=[0.5, 1.0, 0.2])}

    assert not load_store("qdrant:notes", client=client_of(SIZE, {"splade": IDF}, vector=vector)).has_words
    plain = models.SparseVectorParams()

    def without_idf(place):
        return {"": VECTORS[place].tolist(), "bm25": sparse_of(TEXTS[place])}

    assert not load_store("qdrant:notes", client=client_of(SIZE, {"bm25": plain}, vector=without_idf)).has_words


def test_the_payload_of_langchain():
    payloads = [
        {"page_content": text, "metadata": {"year": 2020 + n, "tags": ["x", f"t{n}"]}} for n, text in enumerate(TEXTS)
    ]
    store = load_store("qdrant:notes", client=client_of(payloads=payloads))
    assert store.nearest(query("red cat"), 1)[0][0].metadata == {"year": 2020, "tags": ["x", "t0"]}
    for where in ({"year": "2021"}, {"tags": "t1"}, {"metadata.year": 2021}, {"year": 2021.0, "tags": ["t1", "y"]}):
        assert ids(store.nearest(query("red cat"), 5, where)) == ["1"]


@pytest.mark.parametrize("field", ["a b", "ü", "x-y", "deep.er"])
def test_a_filter_on_a_field_of_any_name(field):
    payloads = [
        {"text": text, "deep": {"er": 5 if not n else 0}, "a b": n, "ü": n, "x-y": n} for n, text in enumerate(TEXTS)
    ]
    store = load_store("qdrant:notes", client=client_of(payloads=payloads))
    assert ids(store.nearest(query("red cat"), 5, {field: 5 if field == "deep.er" else 0})) == ["0"]


def test_a_field_that_no_row_has_is_an_error_with_the_fields():
    store = load_store("qdrant:notes", {"text": "body"}, client_of())
    with pytest.raises(InvalidInput, match=r"has no text in its field 'body'; its fields are text, year$"):
        store.nearest(query("red"), 3)


def test_a_note_names_the_fields_of_the_payload_alone():
    store = load_store("qdrant:notes", client=client_of())
    for field in ("document_id", "title", "id"):
        (note,) = diagnose(store, {field: "x"})
        assert (note.code, note.values["fields"]) == ("filter_unknown_field", ["year"])


def test_a_number_of_the_payload_may_be_a_whole_or_a_broken_one():
    payloads = [{"text": text, "n": value} for text, value in zip(TEXTS, (2020, 2020.0, "2020"), strict=True)]
    store = load_store("qdrant:notes", client=client_of(payloads=payloads))
    for value in (2020, 2020.0, "2020"):
        assert set(ids(store.nearest(query("red"), 5, {"n": value}))) == {"0", "1", "2"}


def test_a_collection_that_gives_no_cosine_is_refused():
    client = client_of(models.VectorParams(size=64, distance=models.Distance.MANHATTAN))
    with pytest.raises(InvalidInput, match="compares vectors by Manhattan: only Cosine, Dot, Euclid"):
        load_store("qdrant:notes", client=client)


def test_an_empty_collection():
    client = QdrantClient(":memory:")
    client.create_collection("notes", SIZE)
    store = load_store("qdrant:notes", client=client)
    assert (len(store), store.sample(), list(store.passages())) == (0, None, [])
    assert store.nearest(query("red"), 5) == []


def test_more_points_than_a_page():
    client = QdrantClient(":memory:")
    client.create_collection("notes", models.VectorParams(size=2, distance=models.Distance.DOT))
    points = [models.PointStruct(id=n, vector=[n, 1], payload={"text": f"t{n}", "id": f"k{n}"}) for n in range(1200)]
    client.upsert("notes", points)
    store = load_store("qdrant:notes", client=client)
    assert {passage.id for passage in store.passages()} == {f"k{n}" for n in range(1200)}
    assert store.vectors([f"k{n}" for n in range(1200)]).tolist() == [[n, 1] for n in range(1200)]
    assert [score for _, score in store.nearest(np.array([1, 0], np.float32), 3)] == [1199, 1198, 1197]


def test_an_unknown_collection_or_folder(tmp_path):
    with pytest.raises(StoreNotFound, match="there is no collection 'nothing'; the store has notes"):
        load_store("qdrant:nothing", client=client_of())
    with pytest.raises(StoreNotFound, match=r"has no meta\.json"):
        load_store(f"qdrant:notes@{tmp_path / 'new'}")
    assert not (tmp_path / "new").exists()
    with pytest.raises(InvalidInput, match=r'load_retriever\("qdrant:notes", client=client\)'):
        load_store("qdrant:notes@:memory:")


def test_a_client_of_the_user_stays_open():
    client = client_of()
    load_store("qdrant:notes", client=client).close()
    assert client.count("notes").count == 3


def test_a_server(monkeypatch):
    monkeypatch.setenv("QDRANT_API_KEY", "qk-very-secret")
    client = hybrid_client()
    with standin_store(answers(client)) as server, pytest.MonkeyPatch.context() as patch:
        patch.setattr("warnings.warn", lambda *_, **__: None)  # the client warns of a key without TLS
        store = load_store(f"qdrant:notes@{server.url}")
        assert not store.exact
        before = len(server.seen)
        near, words = store.both(query("red cat"), "red cat", 3, {"year": [2020, "2022"]})
        assert [request.path for request in server.seen[before:]] == ["/collections/notes/points/query/batch"]
        local = load_store("qdrant:notes", client=client)
        for answer, expected in zip(
            (near, words), local.both(query("red cat"), "red cat", 3, {"year": [2020, "2022"]}), strict=False
        ):
            assert ids(answer) == ids(expected)
            assert [score for _, score in answer] == pytest.approx([score for _, score in expected], abs=1e-5)
        assert ids(words) == ["0", "2"]
        assert sorted(passage.text for passage in store.passages()) == sorted(TEXTS)
        assert (len(store), store.similarities(query("red cat"), ["1"])) == (3, pytest.approx([0.0]))
        assert all(request.headers["api-key"] == "qk-very-secret" for request in server.seen)
        with pytest.raises(StoreNotFound, match="the store has notes"):
            load_store(f"qdrant:nothing@{server.url}")
        store.close()


def refused(status):
    def answer(request):
        raise Refused(status, {"status": {"error": "Must provide an API key or an Authorization bearer token"}})

    return answer


@pytest.mark.parametrize("status", [401, 403])
def test_a_server_that_refuses_the_key(monkeypatch, status):
    monkeypatch.delenv("QDRANT_API_KEY", raising=False)
    with (
        standin_store(refused(status)) as server,
        pytest.raises(StoreRefused, match=r"API key.*set QDRANT_API_KEY to a valid key"),
    ):
        load_store(f"qdrant:notes@{server.url}")


def test_a_server_that_is_down():
    with standin_store(lambda request: {}) as server:
        url = server.url
    with pytest.raises(StoreUnreachable, match=f"qdrant:notes@{url} does not answer.*start the server"):
        load_store(f"qdrant:notes@{url}")
