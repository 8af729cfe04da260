"""Which tables of a SQLite file hold the passages, the words (FTS5) and the vectors (sqlite-vec)."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from shortlist.errors import InvalidInput, MissingExtra, StoreNotFound
from shortlist.stores.fields import USUAL, FieldKind, Fields, choose, find_fields, kinds_of
from shortlist.stores.sqlite_words import WordTable, check_has_texts, check_words, find_words, module_of, quoted

VECTOR_TABLES = ("{}_vec", "vec_{}", "{}_vectors", "{}_embeddings", "{}_embedding")
"""The usual names of the table with the vectors of a table."""
SAMPLE_ROWS = 20
VECTOR_COLUMN = re.compile(r"^\s*\"?(?P<name>\w+)\"?\s+(?P<type>float|f32|int8|i8|bit)\[(?P<size>\d+)\](?P<rest>.*)$")
METRIC = re.compile(r"distance_metric\s*=\s*(\w+)", re.IGNORECASE)
KEY_COLUMN = re.compile(r"^\s*\"?(?P<name>\w+)\"?\s+(?P<type>text|integer|int)\s+primary\s+key", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class VectorTable:
    """Where the vectors are: a vec0 table, or a BLOB column of the table itself (then `table` is "").

    `key` is the column of the vec0 table that names the row, and `names_id` is True if it holds the row's id in place
    of its rowid. `metric` is the metric of the vec0 table.
    """

    column: str
    table: str = ""
    key: str = "rowid"
    names_id: bool = False
    metric: str = "cosine"
    dimension: int | None = None


@dataclass(frozen=True, slots=True)
class Layout:
    """The table, its columns without vectors, its fields, and where its words and vectors are.

    `key` is the column by which other tables name a row: "rowid", or the id in a table without it.
    """

    table: str
    key: str
    columns: tuple[str, ...]
    flags: frozenset[str]
    fields: Fields
    words: WordTable | None = None
    vectors: VectorTable | None = None


def read_layout(
    connection: sqlite3.Connection, store: str, table: str, given: Mapping[str, str], *, has_vec: bool
) -> Layout:
    """Return the layout of a table. `has_vec` is True if the connection has sqlite-vec.

    Raises:
        MissingExtra: The table is a vec0 table, and the connection does not have sqlite-vec.
        StoreNotFound: There is no such table.
        InvalidInput: The text cannot be recognised, the vectors are not of the type float, or the full-text table
            belongs to other rows.
    """
    tables = {
        name: sql or ""
        for name, sql in connection.execute("select name, sql from sqlite_master where type in ('table', 'view')")
    }
    if table not in tables:
        shown = [name for name, sql in tables.items() if not _is_shadow(name, tables)]
        raise StoreNotFound(f"{store}: there is no table {table!r}; the file has {', '.join(sorted(shown)) or 'none'}")
    check_has_texts(store, table, tables)
    if module_of(tables[table]) == "vec0" and not has_vec:
        raise MissingExtra(f"{store} has vectors, and reading them", "sqlite")
    types = {name: kind.lower() for _, name, kind, *_ in connection.execute(f"pragma table_xinfo({quoted(table)})")}
    records = _sample(connection, table)
    own_vectors = {name for name, kind in types.items() if kind == "blob" or name in _vector_columns(tables[table])}
    columns = tuple(name for name in types if name not in own_vectors and name in (records[0] if records else types))
    if module_of(tables[table]) == "fts5":
        columns = tuple(name for name in columns if name not in (table, "rank"))
    fields = _fields(store, given, columns, records, own_vectors)
    key = "rowid" if _has_rowid(connection, table) else fields.id
    if not key:
        raise InvalidInput(f"fields: {store} has no rowid and no usual id. Give id=NAME", field="fields")
    words = find_words(table, tables, key)
    if words is not None:
        check_words(connection, store, table, words, tables)
    return Layout(
        table,
        key,
        columns,
        frozenset(name for name, kind in types.items() if kind.startswith("bool")),
        fields,
        words,
        _vector_table(store, table, tables, fields, given),
    )


def _has_rowid(connection: sqlite3.Connection, table: str) -> bool:
    try:
        row: object = connection.execute(f"select rowid from {quoted(table)} limit 1").fetchone()
        return row != (None,)
    except connection.OperationalError:  # a table WITHOUT ROWID, or a view
        return False


def _sample(connection: sqlite3.Connection, table: str) -> list[dict[str, Any]]:
    cursor = connection.execute(f"select * from {quoted(table)} limit {SAMPLE_ROWS}")
    names = [column[0] for column in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor]


def parsed(value: Any) -> Any:
    """Return the object of a JSON text, and any other value unchanged."""
    if isinstance(value, str) and value.lstrip().startswith("{"):
        try:
            return json.loads(value)
        except ValueError:
            return value
    return value


def _fields(
    store: str, given: Mapping[str, str], columns: tuple[str, ...], records: list[dict[str, Any]], blobs: set[str]
) -> Fields:
    shown = [{name: parsed(record.get(name)) for name in columns} for record in records]
    kinds: dict[str, FieldKind] = dict.fromkeys(columns, "other" if records else "text")
    kinds |= kinds_of(shown)
    objects = {given.get("metadata", ""), *USUAL["metadata"]} & kinds.keys()
    kinds |= {name: "object" for name in objects if any(isinstance(record[name], dict) for record in shown)}
    kinds |= dict.fromkeys(blobs, "vector")
    others = {role: name for role, name in given.items() if role != "vector" or name in kinds}
    return find_fields(store, others, kinds, schema=True)


def _is_shadow(name: str, tables: Mapping[str, str]) -> bool:
    owners = (owner for owner, sql in tables.items() if module_of(sql) and owner != name)
    return name.startswith("sqlite_") or any(name.startswith(f"{owner}_") for owner in owners)


def _vector_table(
    store: str, table: str, tables: Mapping[str, str], fields: Fields, given: Mapping[str, str]
) -> VectorTable | None:
    if fields.vector and not _vector_columns(tables[table]):
        return VectorTable(fields.vector)
    vector_tables = [name for name, sql in tables.items() if module_of(sql) == "vec0"]
    named = [name for pattern in VECTOR_TABLES if (name := pattern.format(table)) in vector_tables]
    own = [table] if table in vector_tables else named or (vector_tables if len(vector_tables) == 1 else [])
    return _vec0(store, own[0], tables[own[0]], given) if own else None


def _vec0(store: str, name: str, sql: str, given: Mapping[str, str]) -> VectorTable:
    columns = _vector_columns(sql)
    column = choose("vector", list(columns), given, store)
    kind, size, metric = columns[column]
    if kind not in ("float", "f32") or metric not in ("l2", "cosine"):
        raise InvalidInput(
            f"{store}: the table {name} has {kind} vectors compared by {metric}: only float vectors compared by l2 or "
            "cosine can be searched"
        )
    key = next((match for part in _parts(sql) if (match := KEY_COLUMN.match(part))), None)
    is_text = key is not None and key["type"].lower() == "text"
    return VectorTable(column, name, key["name"] if key else "rowid", is_text, metric, size)


def _vector_columns(sql: str) -> dict[str, tuple[str, int, str]]:
    """Return the vector columns of a vec0 table: name -> type, length and metric."""
    if module_of(sql) != "vec0":
        return {}
    matches = [match for part in _parts(sql) if (match := VECTOR_COLUMN.match(part))]
    return {
        match["name"]: (match["type"].lower(), int(match["size"]), (METRIC.findall(match["rest"]) or ["l2"])[0].lower())
        for match in matches
    }


def _parts(sql: str) -> list[str]:
    inner = sql[sql.index("(") + 1 : sql.rindex(")")]
    return [part.strip() for part in inner.split(",")]
