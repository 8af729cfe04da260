"""Functions that put passages into a store, one for each kind: the contract suite runs over all of them."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from fake_store import FakeBackend
from shortlist.stores.kinds import load_store
from shortlist.stores.open_store import OpenStore
from shortlist.stores.sqlite import driver, load_vec
from shortlist.types import Passage

Vectors = NDArray[np.float32]
Make = Callable[[Path, Sequence[Passage], Vectors], OpenStore]


@dataclass(frozen=True, slots=True)
class Maker:
    """How a test makes a store of a kind.

    `packages` must be installed. `words` is True if the store can be searched by words, `lists` if a field can hold a
    list, and `repeats` if two rows can have one id. `flags` is True if true and false are values of their own.
    """

    kind: str
    make: Make
    packages: tuple[str, ...] = ()
    words: bool = True
    lists: bool = True
    repeats: bool = False
    filters: bool = True


def fake(folder: Path, passages: Sequence[Passage], vectors: Vectors) -> OpenStore:
    return OpenStore(FakeBackend(passages, vectors))


def by_distance(folder: Path, passages: Sequence[Passage], vectors: Vectors) -> OpenStore:
    return OpenStore(FakeBackend(passages, vectors, metric="l2"))


def by_product(folder: Path, passages: Sequence[Passage], vectors: Vectors) -> OpenStore:
    return OpenStore(FakeBackend(passages, vectors, metric="dot"))


def sqlite_connection(file: Path) -> sqlite3.Connection:
    connection = driver().connect(file)
    if not load_vec(connection):
        pytest.skip("this Python cannot load sqlite-vec")
    return connection


def notes_table(connection: sqlite3.Connection, passages: Sequence[Passage], *, full_text: bool = True) -> None:
    connection.execute(
        "create table notes(id text, text text, title text, document_id text, year integer, lang text, "
        "open boolean, size real, metadata text)"
    )
    own = ("year", "lang", "open", "size")
    rows = [
        (
            *(note.id, note.text, note.title, note.document_id, *(note.metadata.get(name) for name in own)),
            json.dumps({name: value for name, value in note.metadata.items() if name not in own}),
        )
        for note in passages
    ]
    connection.executemany("insert into notes values(?,?,?,?,?,?,?,?,?)", rows)
    if full_text:
        connection.execute("create virtual table notes_fts using fts5(title, text, content='notes')")
        connection.execute("insert into notes_fts(notes_fts) values('rebuild')")


def blob(vector: Vectors) -> bytes:
    return np.ascontiguousarray(vector, dtype="<f4").tobytes()


def sqlite_with_vec0(metric: str) -> Make:
    def make(folder: Path, passages: Sequence[Passage], vectors: Vectors) -> OpenStore:
        connection = sqlite_connection(folder / "notes.db")
        notes_table(connection, passages)
        size = vectors.shape[1]
        connection.execute(f"create virtual table vec_notes using vec0(embedding float[{size}]{metric})")
        rows = [(place, blob(vector)) for place, vector in enumerate(vectors, start=1)]
        connection.executemany("insert into vec_notes(rowid, embedding) values(?, ?)", rows)
        connection.commit()
        connection.close()
        return load_store(f"sqlite:notes@{folder / 'notes.db'}")

    return make


def sqlite_with_blobs(folder: Path, passages: Sequence[Passage], vectors: Vectors) -> OpenStore:
    connection = sqlite_connection(folder / "notes.db")
    notes_table(connection, passages)
    connection.execute("alter table notes add column embedding blob")
    rows = [(blob(vector), place) for place, vector in enumerate(vectors, start=1)]
    connection.executemany("update notes set embedding = ? where rowid = ?", rows)
    connection.commit()
    connection.close()
    return load_store(f"sqlite:notes@{folder / 'notes.db'}")


def sqlite_with_one_vec0(folder: Path, passages: Sequence[Passage], vectors: Vectors) -> OpenStore:
    """One vec0 table that holds the texts itself."""
    connection = sqlite_connection(folder / "notes.db")
    connection.execute(
        f"create virtual table notes using vec0(id text primary key, embedding float[{vectors.shape[1]}] "
        "distance_metric=cosine, +text text, +title text, +document_id text, +metadata text)"
    )
    for note, vector in zip(passages, vectors, strict=True):
        row = (note.id, blob(vector), note.text, note.title, note.document_id, json.dumps(note.metadata))
        connection.execute(
            "insert into notes(id, embedding, text, title, document_id, metadata) values(?, ?, ?, ?, ?, ?)", row
        )
    connection.commit()
    connection.close()
    return load_store(f"sqlite:notes@{folder / 'notes.db'}")


def chroma_metadata(note: Passage) -> dict[str, object] | None:
    own = {"document_id": note.document_id, **({"title": note.title} if note.title else {})}
    return {**own, **note.metadata}


def chroma(configuration: dict[str, object] | None, metadata: dict[str, object] | None = None) -> Make:
    def make(folder: Path, passages: Sequence[Passage], vectors: Vectors) -> OpenStore:
        import chromadb

        client = chromadb.PersistentClient(str(folder))
        collection = client.create_collection(
            "notes", embedding_function=None, configuration=configuration, metadata=metadata
        )
        collection.add(
            ids=[note.id for note in passages],
            embeddings=vectors.tolist(),
            documents=[note.text for note in passages],
            metadatas=[chroma_metadata(note) for note in passages],
        )
        return load_store(f"chroma:notes@{folder}")

    return make


def qdrant(distance: str, using: str, *, words: bool = False, own_ids: bool = True, memory: bool = True) -> Make:
    def make(folder: Path, passages: Sequence[Passage], vectors: Vectors) -> OpenStore:
        from qdrant_client import QdrantClient, models

        client = QdrantClient(":memory:") if memory else QdrantClient(path=str(folder / "q"))
        size = models.VectorParams(size=vectors.shape[1], distance=models.Distance(distance))
        sparse = {"bm25": models.SparseVectorParams(modifier=models.Modifier.IDF)} if words else None
        client.create_collection("notes", {using: size} if using else size, sparse_vectors_config=sparse)
        points = []
        for place, (note, vector) in enumerate(zip(passages, vectors, strict=True)):
            payload = {"id": note.id, "text": note.text, "document_id": note.document_id, **note.metadata}
            payload |= {"title": note.title} if note.title else {}
            own = {using: vector.tolist()}
            if words:
                terms = bm25_terms(note.content)
                own["bm25"] = models.SparseVector(indices=terms.indices, values=terms.values)
            points.append(models.PointStruct(id=place, vector=own if using else vector.tolist(), payload=payload))
        client.upsert("notes", points)
        if memory:
            return load_store("qdrant:notes", client=client)
        client.close()
        return load_store(f"qdrant:notes@{folder / 'q'}")

    return make


def bm25_terms(text: str) -> Any:
    import qdrant_edge

    return qdrant_edge.Bm25(qdrant_edge.Bm25Config(k=1.2, b=0.75, avg_len=8.0, language="english")).embed_document(text)


def faiss(spec: str, metric: str, *, labels: Callable[[int], int] | None = None) -> Make:
    """An index of `faiss.index_factory`. `labels` gives the index ids of its own."""

    def make(folder: Path, passages: Sequence[Passage], vectors: Vectors) -> OpenStore:
        import faiss

        index = faiss.index_factory(vectors.shape[1], spec, getattr(faiss, metric))
        if labels is None:
            index.add(vectors)
        else:
            index.add_with_ids(vectors, np.array([labels(place) for place in range(len(passages))]))
        faiss.write_index(index, str(folder / "index.faiss"))
        lines = []
        for note in passages:
            row = {"id": note.id, "text": note.text, "title": note.title, "document_id": note.document_id}
            lines.append(json.dumps({**row, "metadata": dict(note.metadata)}))
        (folder / "texts.jsonl").write_text("\n".join(lines), encoding="utf-8")
        return load_store(f"faiss:{folder / 'texts.jsonl'}@{folder / 'index.faiss'}")

    return make


def lance(index: str = "", *, words: bool = True) -> Make:
    """A table; `index` is the metric of its vector index, "" for none."""

    def make(folder: Path, passages: Sequence[Passage], vectors: Vectors) -> OpenStore:
        import lancedb
        import pyarrow
        from lancedb.index import FTS, IvfFlat

        columns = {
            "year": pyarrow.int64(),
            "lang": pyarrow.string(),
            "open": pyarrow.bool_(),
            "size": pyarrow.float64(),
        }
        columns |= {"tags": pyarrow.list_(pyarrow.string())}
        texts = {name: pyarrow.string() for name in ("id", "text", "title", "document_id")}
        schema = pyarrow.schema({**texts, "vector": pyarrow.list_(pyarrow.float32(), vectors.shape[1]), **columns})
        rows = [
            {**{name: getattr(note, name) for name in texts}, "vector": vector.tolist(), **note.metadata}
            for note, vector in zip(passages, vectors, strict=True)
        ]
        table = lancedb.connect(folder).create_table("notes", pyarrow.Table.from_pylist(rows, schema))
        if index:
            table.create_index("vector", config=IvfFlat(distance_type=index, num_partitions=1))
        if words:
            table.create_index("text", config=FTS())
            table.create_index("title", config=FTS())
        return load_store(f"lancedb:notes@{folder}")

    return make


FAISS, LANCE = ("faiss",), ("lancedb",)
VEC, CHROMA, QDRANT = ("sqlite_vec",), ("chromadb",), ("qdrant_client",)
MAKERS: dict[str, Maker] = {
    "fake, cosine": Maker("", fake, repeats=True),
    "fake, squared distance": Maker("", by_distance, repeats=True),
    "fake, inner product": Maker("", by_product, repeats=True),
    "sqlite, vec0 by distance": Maker("sqlite", sqlite_with_vec0(""), VEC, repeats=True),
    "sqlite, vec0 by cosine": Maker("sqlite", sqlite_with_vec0(" distance_metric=cosine"), VEC, repeats=True),
    "sqlite, blobs": Maker("sqlite", sqlite_with_blobs, VEC, repeats=True),
    "sqlite, one vec0": Maker("sqlite", sqlite_with_one_vec0, VEC, words=False),
    "chroma, l2": Maker("chroma", chroma(None), CHROMA, words=False),
    "chroma, cosine": Maker("chroma", chroma({"hnsw": {"space": "cosine"}}), CHROMA, words=False),
    "chroma, ip": Maker("chroma", chroma({"hnsw": {"space": "ip"}}), CHROMA, words=False),
    "qdrant, BM25": Maker("qdrant", qdrant("Cosine", "dense", words=True), QDRANT, repeats=True),
    "qdrant, no name": Maker("qdrant", qdrant("Cosine", ""), QDRANT, words=False, repeats=True),
    "qdrant, Dot": Maker("qdrant", qdrant("Dot", "own"), QDRANT, words=False, repeats=True),
    "qdrant, Euclid": Maker("qdrant", qdrant("Euclid", "own"), QDRANT, words=False, repeats=True),
    "qdrant, folder": Maker("qdrant", qdrant("Cosine", "", memory=False), QDRANT, words=False, repeats=True),
    "faiss, inner product": Maker("faiss", faiss("Flat", "METRIC_INNER_PRODUCT"), FAISS, words=False, repeats=True),
    "faiss, distance": Maker("faiss", faiss("Flat", "METRIC_L2"), FAISS, words=False, repeats=True),
    "faiss, HNSW": Maker("faiss", faiss("HNSW32", "METRIC_L2"), FAISS, words=False, repeats=True),
    "faiss, places as ids": Maker(
        "faiss", faiss("IDMap,Flat", "METRIC_L2", labels=lambda place: place), FAISS, words=False, repeats=True
    ),
    "lancedb": Maker("lancedb", lance(), LANCE, repeats=True),
    "lancedb, index by l2": Maker("lancedb", lance("l2", words=False), LANCE, words=False, repeats=True),
    "lancedb, index by dot": Maker("lancedb", lance("dot", words=False), LANCE, words=False, repeats=True),
    "lancedb, index by cosine": Maker("lancedb", lance("cosine"), LANCE, repeats=True),
    "chroma, old cosine": Maker("chroma", chroma(None, {"hnsw:space": "cosine"}), CHROMA, words=False),
}
