"""What is special about Chroma: its metrics, a server, and folders that other code made."""

from __future__ import annotations

import gc
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx
import numpy as np
import pytest

from shortlist.errors import InvalidInput, MissingExtra, StoreNotFound, StoreRefused, StoreUnreachable
from shortlist.stores.diagnose import diagnose
from shortlist.stores.kinds import load_store
from standin_store import Refused, standin_store

chromadb = pytest.importorskip("chromadb")

VECTORS = [[1.0, 0.0], [0.6, 0.8], [0.0, 1.0]]


def vector(*numbers):
    return np.array(numbers, dtype=np.float32)


def collection(client, vectors=VECTORS, metadatas=None, documents=("red cat", "blue dog", "garden"), **options):
    made = client.create_collection("notes", embedding_function=None, **options)
    made.add(
        ids=[f"k{place}" for place in range(len(vectors))],
        embeddings=vectors,
        documents=None if documents is None else list(documents),
        metadatas=metadatas,
    )
    return made


@pytest.fixture
def client():
    client = chromadb.EphemeralClient()
    yield client
    for made in client.list_collections():
        client.delete_collection(made.name)


@pytest.mark.parametrize(
    ("space", "scale", "expected"),
    [
        ("l2", 1, [1, 0.6, 0]),
        ("ip", 1, [1, 0.6, 0]),
        ("cosine", 1, [1, 0.6, 0]),
        ("cosine", 3, [1, 0.6, 0]),
        ("ip", 3, [3, 1.8, 0]),
        ("l2", 3, [-4, -6.4, -10]),
    ],
)
def test_scores_of_each_metric(client, space, scale, expected):
    collection(client, [[scale * x, scale * y] for x, y in VECTORS], configuration={"hnsw": {"space": space}})
    store = load_store("chroma:notes", client=client)
    answer = store.nearest(vector(1, 0), 5)
    assert [passage.id for passage, _ in answer] == ["k0", "k1", "k2"]
    assert [score for _, score in answer] == pytest.approx(expected, abs=1e-4)
    assert store.similarities(vector(1, 0), ["k0", "k1", "k2"]) == pytest.approx(expected, abs=1e-4)


def test_the_metric_of_a_collection_without_one_is_l2(client):
    collection(client, [[3.0, 0.0], [0.0, 1.0]], documents=["far", "near"])
    answer = load_store("chroma:notes", client=client).nearest(vector(1, 0.1), 5)
    assert [passage.text for passage, _ in answer] == ["near", "far"]


def test_texts_in_the_metadata(client):
    metadatas = [{"page": f"text {place}", "source": "x"} for place in range(3)]
    collection(client, documents=None, metadatas=metadatas)
    with pytest.raises(InvalidInput, match=r"its fields are (page, source|source, page)\."):
        load_store("chroma:notes", client=client)
    store = load_store("chroma:notes", {"text": "page"}, client)
    assert [passage.text for passage, _ in store.nearest(vector(1, 0), 1)] == ["text 0"]


def test_a_field_id_of_the_metadata_is_the_id_only_if_it_is_given(client):
    collection(client, metadatas=[{"id": place + 10, "text": "other"} for place in range(3)])
    store = load_store("chroma:notes", client=client)
    assert store.nearest(vector(1, 0), 1)[0][0].metadata == {"id": 10, "text": "other"}
    store = load_store("chroma:notes", {"id": "id", "text": "document"}, client)
    passage = store.nearest(vector(1, 0), 1)[0][0]
    assert (passage.id, passage.text, passage.metadata) == ("10", "red cat", {"text": "other"})
    np.testing.assert_allclose(store.vectors(["11", "10"]), VECTORS[1::-1])


def test_an_empty_collection(client):
    client.create_collection("notes", embedding_function=None)
    store = load_store("chroma:notes", client=client)
    assert (len(store), store.sample(), list(store.passages())) == (0, None, [])
    assert store.nearest(vector(1, 0), 5) == []


def test_more_rows_than_a_page(client):
    vectors = np.random.default_rng(0).standard_normal((700, 2)).tolist()
    collection(client, vectors, documents=[f"text {place}" for place in range(700)])
    store = load_store("chroma:notes", client=client)
    assert {passage.id for passage in store.passages()} == {f"k{place}" for place in range(700)}
    keys = [f"k{place}" for place in range(699, -1, -1)]
    np.testing.assert_allclose(store.vectors(keys), vectors[::-1], rtol=1e-5)


def test_an_unknown_collection_lists_the_collections(client):
    collection(client)
    with pytest.raises(StoreNotFound, match="there is no collection 'nothing'; the store has notes"):
        load_store("chroma:nothing", client=client)


def test_a_filter_names_the_fields_of_the_metadata_alone(client):
    collection(client, metadatas=[{"year": 2020 + place} for place in range(3)])
    store = load_store("chroma:notes", client=client)
    for field in ("document_id", "title", "id"):
        (note,) = diagnose(store, {field: "x"})
        assert (note.code, note.values["fields"]) == ("filter_unknown_field", ["year"])
    with pytest.raises(InvalidInput, match="cannot answer document=x: its filters read the metadata, and no document"):
        store.nearest(vector(1, 0), 5, {"document": "x"})


def test_a_folder_without_a_store_is_not_made(tmp_path):
    with pytest.raises(StoreNotFound, match=r"has no chroma\.sqlite3, so it is no Chroma store"):
        load_store(f"chroma:notes@{tmp_path / 'new'}")
    assert not (tmp_path / "new").exists()


def test_a_folder_that_the_program_has_open(tmp_path):
    collection(chromadb.PersistentClient(str(tmp_path)))
    assert len(load_store(f"chroma:notes@{tmp_path}")) == 3


def free_port():
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        return server.getsockname()[1]


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """The URL of a real server of Chroma."""
    port, folder = free_port(), tmp_path_factory.mktemp("server")
    chroma = Path(sys.executable).parent / "chroma"
    process = subprocess.Popen(
        [chroma, "run", "--path", folder, "--port", str(port), "--host", "127.0.0.1"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    url = f"http://127.0.0.1:{port}"
    for _ in range(300):
        try:
            if httpx.get(f"{url}/api/v2/heartbeat", timeout=1).status_code == 200:
                break
        except httpx.TransportError:
            time.sleep(0.1)
    else:
        process.kill()
        pytest.skip("the server of Chroma does not start here")
    yield url
    process.terminate()
    process.wait(10)


@pytest.mark.slow
def test_a_server(server):
    with chromadb.HttpClient(port=int(server.rpartition(":")[2])) as client:
        collection(client, metadatas=[{"year": 2020 + place} for place in range(3)])
    store = load_store(f"chroma:notes@{server}")
    answer = store.nearest(vector(1, 0), 5, {"year": ["2020", 2021]})
    assert [(passage.id, score) for passage, score in answer] == [("k0", pytest.approx(1)), ("k1", pytest.approx(0.6))]
    assert len(list(store.passages())) == len(store) == 3
    assert store.similarities(vector(1, 0), ["k2", "k1"]) == pytest.approx([0, 0.6])
    with pytest.raises(StoreNotFound, match="the store has notes"):
        load_store(f"chroma:nothing@{server}")
    with pytest.raises(StoreRefused, match="dimension"):
        store._backend.nearest(vector(1, 0, 0), 5, [])
    store.close()


def test_a_server_that_is_down():
    with pytest.raises(StoreUnreachable, match=r"does not answer at 127\.0\.0\.1:\d+ \(ConnectError.*start the server"):
        load_store(f"chroma:notes@http://127.0.0.1:{free_port()}")


def test_a_server_that_stops_between_two_searches(monkeypatch, client):
    collection(client)
    store = load_store("chroma:notes", client=client)
    monkeypatch.setattr(
        store._backend._collection, "query", lambda **_: (_ for _ in ()).throw(httpx.ReadTimeout("late"))
    )
    with pytest.raises(StoreUnreachable, match="ReadTimeout: late"):
        store.nearest(vector(1, 0), 5)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_server_that_refuses_the_key(monkeypatch):
    monkeypatch.setenv("CHROMA_API_KEY", "ck-very-secret")

    def answer(request):
        if "heartbeat" in request.path:
            return {}
        raise Refused(403, {"error": "AuthorizationError", "message": "Forbidden"})

    with (
        standin_store(answer) as server,
        pytest.raises(StoreRefused, match=r"Forbidden.*set CHROMA_API_KEY") as error,
    ):
        load_store(f"chroma:notes@{server.url}")
    message = str(error.value)
    del error
    gc.collect()  # the client of Chroma does not close its connection if it is refused
    assert server.seen[-1].headers["x-chroma-token"] == "ck-very-secret"
    assert "ck-very-secret" not in message


def test_without_chroma_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "chromadb", None)
    with pytest.raises(MissingExtra, match=r"pip install 'shortlist\[chroma\]'"):
        load_store("chroma:notes@./chroma")
