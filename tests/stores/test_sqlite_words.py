"""Full-text tables of SQLite that belong to other rows, have no texts, or are empty, and metadata that is not JSON."""

from __future__ import annotations

import sqlite3

import pytest

import shortlist
from shortlist.errors import InvalidInput
from shortlist.registry import load_retriever
from shortlist.stores.kinds import load_store
from shortlist.types import Note

TEXTS = [
    "Income tax is due in April.",
    "Cats sleep most of the day.",
    "The library charges a fee for late books.",
    "Volcanoes release sulphur dioxide.",
]
OTHERS = ["Bicycles need brakes.", "Winter tyres grip snow.", "Bread rises with yeast.", "Glass melts slowly."]


@pytest.fixture
def file(tmp_path):
    return tmp_path / "notes.db"


@pytest.fixture
def connection(file):
    with sqlite3.connect(file) as own:
        own.execute("create table notes(id text primary key, text text)")
        own.executemany("insert into notes values(?, ?)", [(f"k{place}", text) for place, text in enumerate(TEXTS)])
    yield own
    own.close()


def full_text(connection, name="notes_fts", options="", texts=TEXTS, first=1):
    connection.execute(f"create virtual table {name} using fts5(text{options})")
    connection.executemany(f"insert into {name}(rowid, text) values(?, ?)", list(enumerate(texts, first)))
    connection.commit()


def matching(file, text="tax"):
    return [passage.id for passage, _ in load_store(f"sqlite:notes@{file}").matching(text, 5)]


@pytest.mark.parametrize("options", ["", ", content='notes'", ', content="notes"', ", content=''", ", columnsize=0"])
def test_words_of_the_same_rows_are_used(file, connection, options):
    full_text(connection, options=options)
    assert matching(file) == ["k0"]


@pytest.mark.parametrize("options", ["", ", content=''", ", columnsize=0"])
@pytest.mark.parametrize(("texts", "first"), [(TEXTS[::-1], 1), (OTHERS, 1), (TEXTS, 100), (TEXTS, 2)])
def test_words_of_other_rows_are_refused(file, connection, options, texts, first):
    full_text(connection, options=options, texts=texts, first=first)
    with pytest.raises(
        InvalidInput, match=r"'notes_fts' does not belong to 'notes': its row \d+ does not have the"
    ) as e:
        load_store(f"sqlite:notes@{file}")
    assert "Make it again with content='notes'" in str(e.value)


def test_an_index_of_another_table_is_named(file, connection):
    connection.execute("create table others(text text)")
    connection.executemany("insert into others values(?)", [(text,) for text in OTHERS])
    full_text(connection, options=", content='others'", texts=OTHERS)
    with pytest.raises(InvalidInput, match=r"It has the rows of 'others'\. Make it again"):
        load_store(f"sqlite:notes@{file}")


def test_rows_that_moved_when_the_table_was_copied_are_noticed(file, connection):
    more = [(f"m{place}", f"marker{place} number{place} unique{place}") for place in range(60)]
    connection.executemany("insert into notes values(?, ?)", more)
    full_text(connection, texts=[*TEXTS, *(text for _, text in more)])
    connection.execute("delete from notes where id = 'm30'")
    connection.commit()
    assert matching(file, "unique59") == ["m59"]
    connection.execute("create table copy as select * from notes")
    connection.execute("drop table notes")
    connection.execute("alter table copy rename to notes")
    connection.commit()
    with pytest.raises(InvalidInput, match="its row 64 does not have the words"):
        load_store(f"sqlite:notes@{file}")


def test_a_few_changed_rows_are_allowed(file, connection):
    more = [(f"m{place}", f"marker{place} number{place}") for place in range(10)]
    connection.executemany("insert into notes values(?, ?)", more)
    full_text(connection, texts=[*TEXTS, *(text for _, text in more)])
    connection.execute("update notes set text = 'changed since' where id in ('m3', 'k1')")
    connection.commit()
    assert matching(file) == ["k0"]


def test_words_of_title_and_text_are_those_of_the_row(file):
    with sqlite3.connect(file) as connection:
        connection.execute("create table notes(id integer primary key, title text, text text)")
        connection.executemany("insert into notes(title, text) values(?, ?)", zip(OTHERS, TEXTS, strict=True))
        rows = [f"{title} {text}" for title, text in zip(OTHERS, TEXTS, strict=True)]
        connection.execute("create virtual table notes_fts using fts5(everything, tokenize='porter')")
        connection.executemany("insert into notes_fts(rowid, everything) values(?, ?)", list(enumerate(rows, 1)))
    assert matching(file, "yeast") == ["3"]
    connection.close()


def test_the_column_of_the_rowids_is_that_of_content_rowid(file):
    with sqlite3.connect(file) as connection:
        connection.execute("create table notes(id text, number integer unique, text text)")
        rows = [(f"k{place}", 10 * place + 7, text) for place, text in enumerate(TEXTS)]
        connection.executemany("insert into notes values(?, ?, ?)", rows)
        connection.execute("create virtual table words using fts5(text, content='notes', content_rowid='number')")
        connection.execute("insert into words(words) values('rebuild')")
    assert matching(file, "volcanoes") == ["k3"]
    connection.close()


@pytest.mark.parametrize(
    ("options", "remedy"),
    [("", r"fill it$"), (", content='notes'", r"fill it: insert into notes_fts\(notes_fts\) values\('rebuild'\)")],
)
def test_an_empty_full_text_table_is_refused(file, connection, options, remedy):
    full_text(connection, options=options, texts=[])
    with pytest.raises(InvalidInput, match=f"'notes_fts' is empty: {remedy}"):
        load_store(f"sqlite:notes@{file}")


@pytest.mark.parametrize("options", [", content=''", ", content='', contentless_delete=1", ', content = ""'])
@pytest.mark.parametrize(("name", "owner"), [("notes_fts", "notes"), ("words", "TABLE")])
def test_a_contentless_table_names_the_table_with_the_texts(file, connection, options, name, owner):
    try:
        full_text(connection, name, options)
    except sqlite3.OperationalError:
        pytest.skip("this SQLite is older than contentless_delete")
    with pytest.raises(InvalidInput, match=rf"'{name}' was made with content='', .* such as sqlite:{owner}@FILE"):
        load_store(f"sqlite:{name}@{file}")


def test_a_url_in_place_of_the_file_is_named_without_its_password():
    with pytest.raises(InvalidInput) as error:
        load_store("sqlite:notes@https://me:secret@host/notes.db?key=hidden")
    assert str(error.value) == (
        "sqlite:notes@https://host/notes.db has a URL, and a sqlite store is a file: write sqlite:notes@notes.db"
    )


class TestMetadata:
    """Rows of which some have metadata that is not JSON."""

    @pytest.fixture(params=[["{broken", '{"year": 2020}'], ['{"year": 2020}', "", None, "{broken", "nothing"]])
    def store(self, request, file):
        with sqlite3.connect(file) as connection:
            connection.execute("create table notes(id text, text text, metadata text)")
            rows = [(f"k{place}", TEXTS[place % 4], metadata) for place, metadata in enumerate(request.param)]
            connection.executemany("insert into notes values(?, ?, ?)", rows)
            connection.execute("create virtual table notes_fts using fts5(text, content='notes')")
            connection.execute("insert into notes_fts(notes_fts) values('rebuild')")
        yield load_store(f"sqlite:notes@{file}")
        connection.close()

    def test_a_filter_finds_the_other_rows_and_counts_these(self, store):
        bad = [passage.id for passage in store.passages() if not passage.metadata]
        answer = store.matching("tax day fee sulphur", 5, {"year": 2020})
        assert [passage.metadata for passage, _ in answer] == [{"year": 2020}]
        count = 1 if len(bad) == 1 else 2  # an empty text and NULL are no metadata
        assert answer.notes == (Note("metadata_unread", count=count, field="metadata"),)
        assert store.matching("tax day fee sulphur", 5).notes == ()
        assert store.matching("tax day fee sulphur", 5, {"id": "k0"}).notes == ()

    def test_a_misspelt_field_is_named(self, store):
        with shortlist.open(store.name, config=shortlist.SearchConfig(rerank=False)) as search:
            notes = {note.code: note for note in search.search("tax", where={"yaer": 2020}).notes}
        assert notes["filter_unknown_field"].values["fields"] == ["id", "year"]
        assert "metadata_unread" in notes

    def test_the_answer_of_a_search_has_the_note(self, store):
        retriever = load_retriever(store.name)
        (note,) = retriever.retrieve("tax", 5, {"year": 2020}).notes
        assert note.code == "metadata_unread"
