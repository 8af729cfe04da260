"""What is special about SQLite: layouts, words without sqlite-vec, and damaged files."""

from __future__ import annotations

import sqlite3

import numpy as np
import pytest

from shortlist.encoders.hashed import HashedEncoder
from shortlist.errors import InvalidInput, MissingExtra, StoreNotFound, StoreRefused, StoreUnreachable
from shortlist.registry import store_retriever
from shortlist.retrievers import Hybrid, Lexical
from shortlist.stores import sqlite
from shortlist.stores.kinds import load_store
from store_makers import blob, sqlite_connection

ENCODER = HashedEncoder(64)
TEXTS = ["the red cat", "a blue dog", "a red dog and a cat"]
VECTORS = ENCODER.encode_passages(TEXTS)


@pytest.fixture
def file(tmp_path):
    return tmp_path / "notes.db"


def run(file, *statements, rows=(), connection=None):
    connection = connection or sqlite3.connect(file)
    for statement in statements:
        connection.execute(statement)
    for statement, values in rows:
        connection.executemany(statement, values)
    connection.commit()
    connection.close()


def ids(answer):
    return [passage.id for passage, _ in answer]


def full_text(file, columns="id unindexed, text", name="notes"):
    values = [(f"k{place}", text) for place, text in enumerate(TEXTS)]
    run(file, f"create virtual table {name} using fts5({columns})", rows=[(f"insert into {name} values(?, ?)", values)])


def test_a_full_text_table_alone_is_searched_by_words(file):
    full_text(file)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sqlite, "load_vec", lambda connection: False)
        store = load_store(f"sqlite:notes@{file}")
    assert (store.has_vectors, store.has_words, store.exact) == (False, True, True)
    assert type(store_retriever(store)) is Lexical
    assert ids(store.matching("Is there a red dog?", 5)) == ["k2", "k1", "k0"]
    assert ids(store.matching("red", 5, {"id": "k0"})) == ["k0"]
    assert sorted(passage.text for passage in store.passages()) == sorted(TEXTS)
    store.close()


def test_scores_are_positive_and_those_of_fts5(file):
    full_text(file)
    with sqlite3.connect(file) as connection:
        expected = dict(connection.execute("select id, -bm25(notes) from notes where notes match 'red OR dog'"))
    store = load_store(f"sqlite:notes@{file}")
    assert {passage.id: score for passage, score in store.matching("red dog", 5)} == pytest.approx(expected)
    assert all(score > 0 for score in expected.values())


def test_of_equal_scores_the_least_ids_are_found_for_every_k(file):
    rows = [(f"k{place:02}", "A red dog sleeps.") for place in reversed(range(30))]
    run(
        file,
        "create table notes(id text primary key, body text)",
        "create virtual table notes_fts using fts5(body, content='notes')",
        rows=[("insert into notes values(?, ?)", [*rows, ("best", "red, red, red")])],
    )
    run(file, "insert into notes_fts(notes_fts) values('rebuild')")
    store = load_store(f"sqlite:notes@{file}")
    whole = ids(store.matching("red", 40))
    assert whole == ["best", *sorted(key for key, _ in rows)]
    assert [ids(store.matching("red", k)) for k in (1, 3, 31)] == [whole[:1], whole[:3], whole]


@pytest.mark.parametrize("name", ["notes_fts", "fts_notes", "elsewhere"])
def test_the_full_text_table_next_to_a_table(file, name):
    content = ", content='notes', content_rowid='id'" if name == "elsewhere" else ""
    run(
        file,
        "create table notes(id integer primary key, body text, year integer)",
        f"create virtual table {name} using fts5(body{content})",
        rows=[
            ("insert into notes(body, year) values(?, ?)", [(text, 2000 + place) for place, text in enumerate(TEXTS)]),
            (f"insert into {name}(rowid, body) values(?, ?)", [(place + 1, text) for place, text in enumerate(TEXTS)]),
        ],
    )
    store = load_store(f"sqlite:notes@{file}")
    answer = store.matching("blue dog", 5)
    assert ids(answer) == ["2", "3"]
    assert answer[0][0].metadata == {"year": 2001}
    assert ids(store.matching("dog", 5, {"year": "2002"})) == ["3"]
    assert load_store(f"sqlite:notes@{file}").has_words


def test_a_table_without_words_and_vectors_is_refused_at_the_search(file):
    run(file, "create table notes(id text, text text)", rows=[("insert into notes values(?, ?)", [("a", "red")])])
    store = load_store(f"sqlite:notes@{file}")
    assert len(store) == 1
    with pytest.raises(InvalidInput, match="it has no full-text index"):
        store_retriever(store).retrieve("red", 5)


def test_vectors_by_the_text_of_an_id(file):
    connection = sqlite_connection(file)
    run(
        file,
        "create table notes(id text primary key, text text) without rowid",
        "create virtual table notes_vec using vec0(note text primary key, embedding float[64])",
        rows=[
            ("insert into notes values(?, ?)", [(f"k{place}", text) for place, text in enumerate(TEXTS)]),
            ("insert into notes_vec values(?, ?)", [(f"k{place}", blob(row)) for place, row in enumerate(VECTORS)]),
        ],
        connection=connection,
    )
    store = load_store(f"sqlite:notes@{file}")
    answer = store.nearest(ENCODER.encode_queries(["red cat"])[0], 3)
    assert ids(answer) == ["k0", "k2", "k1"]
    assert [score for _, score in answer] == pytest.approx(
        store.similarities(ENCODER.encode_queries(["red cat"])[0], ids(answer)), abs=1e-5
    )
    assert ids(store.nearest(VECTORS[0], 3, {"id": ["k1", "k2"]})) == ["k2", "k1"]


def test_fields_can_be_named(file):
    run(
        file,
        "create table notes(key text, body text, abstract text, head text)",
        rows=[("insert into notes values(?, ?, ?, ?)", [("a", "red", "blue", "T")])],
    )
    with pytest.raises(InvalidInput, match="its fields are key, body, abstract, head"):
        load_store(f"sqlite:notes@{file}", {"text": "nothing"})
    store = load_store(f"sqlite:notes@{file}", {"text": "abstract", "id": "key", "title": "head"})
    (passage,) = store.passages()
    assert (passage.id, passage.text, passage.title, passage.metadata) == ("a", "blue", "T", {"body": "red"})


def test_an_unknown_table_lists_the_tables(file):
    full_text(file)
    run(file, "create table other(x)")
    with pytest.raises(StoreNotFound, match=r"there is no table 'nothing'; the file has notes, other$"):
        load_store(f"sqlite:nothing@{file}")


def test_an_unknown_column_of_a_filter_lists_the_columns(file):
    full_text(file)
    store = load_store(f"sqlite:notes@{file}")
    with pytest.raises(InvalidInput, match="has no field 'year'; its fields are id, text") as error:
        store.matching("red", 5, {"year": 2020})
    assert error.value.field == "where"


def test_a_missing_or_damaged_file(file):
    with pytest.raises(StoreNotFound, match="is a folder: name the file of the database"):
        load_store(f"sqlite:notes@{file.parent}")
    with pytest.raises(StoreNotFound, match="there is no file"):
        load_store(f"sqlite:notes@{file}")
    file.write_bytes(b"no database at all" * 100)
    with pytest.raises(StoreRefused, match="file is not a database"):
        load_store(f"sqlite:notes@{file}")
    assert not list(file.parent.glob("*-journal"))


def test_a_locked_file_is_unreachable(file):
    full_text(file)
    store = load_store(f"sqlite:notes@{file}")
    writer = sqlite.driver().connect(file, isolation_level=None)
    writer.execute("begin exclusive")
    store._backend._connection.execute("pragma busy_timeout = 1")
    with pytest.raises(StoreUnreachable, match="another program writes"):
        store.matching("red", 5)
    writer.close()


def test_vectors_need_the_extra(file):
    connection = sqlite_connection(file)
    run(file, "create virtual table notes using vec0(embedding float[64], +text text)", connection=connection)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sqlite, "load_vec", lambda connection: False)
        with pytest.raises(MissingExtra, match=r"pip install 'shortlist\[sqlite\]'"):
            load_store(f"sqlite:notes@{file}")


@pytest.mark.parametrize("column", ["embedding int8[64]", "embedding float[64] distance_metric=l1"])
def test_vectors_that_give_no_cosine_are_refused(file, column):
    connection = sqlite_connection(file)
    run(file, f"create virtual table notes using vec0({column}, +text text)", connection=connection)
    with pytest.raises(InvalidInput, match="only float vectors compared by l2 or cosine"):
        load_store(f"sqlite:notes@{file}")


def test_the_largest_k_of_sqlite_vec(file):
    connection = sqlite_connection(file)
    run(file, "create virtual table notes using vec0(embedding float[64], +text text)", connection=connection)
    store = load_store(f"sqlite:notes@{file}")
    with pytest.raises(InvalidInput, match="at most 4096"):
        store.nearest(VECTORS[0], 4097)
    assert store.nearest(VECTORS[0], 4096) == []
    assert store.sample() is None


def test_the_file_is_never_written(file):
    full_text(file)
    store = load_store(f"sqlite:notes@{file}")
    with (
        pytest.raises(sqlite3.OperationalError, match="readonly")
        if sqlite.driver() is sqlite3
        else pytest.raises(sqlite.driver().OperationalError, match="readonly")
    ):
        store._backend._connection.execute("create table more(x)")


def test_a_connection_of_the_user_is_used_and_left_open(file):
    full_text(file)
    connection = sqlite3.connect(file)
    store = load_store("sqlite:notes", client=connection)
    assert ids(store.matching("blue", 5)) == ["k1"]
    store.close()
    assert connection.execute("select count(*) from notes").fetchone() == (3,)
    connection.close()


def test_a_zero_vector_has_the_cosine_0(file):
    connection = sqlite_connection(file)
    run(
        file,
        "create virtual table notes using vec0(embedding float[64] distance_metric=cosine, +text text)",
        rows=[
            ("insert into notes(embedding, text) values(?, ?)", [(blob(np.zeros(64)), "zero"), (blob(VECTORS[0]), "x")])
        ],
        connection=connection,
    )
    answer = load_store(f"sqlite:notes@{file}").nearest(VECTORS[0], 5)
    assert [(passage.text, score) for passage, score in answer] == [("x", pytest.approx(1)), ("zero", 0.0)]


def test_hybrid_retrieval_from_a_file(file):
    connection = sqlite_connection(file)
    run(
        file,
        "create virtual table notes using fts5(text)",
        "create virtual table notes_vec using vec0(embedding float[64])",
        rows=[
            ("insert into notes(rowid, text) values(?, ?)", list(enumerate(TEXTS, 1))),
            ("insert into notes_vec(rowid, embedding) values(?, ?)", [(p, blob(v)) for p, v in enumerate(VECTORS, 1)]),
        ],
        connection=connection,
    )
    retriever = store_retriever(load_store(f"sqlite:notes@{file}"), ENCODER)
    assert type(retriever) is Hybrid
    assert [hit.id for hit in retriever.retrieve("red cat", 3)] == ["1", "3", "2"]
