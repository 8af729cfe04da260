"""`shortlist add STORE`, and `shortlist export`."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import replace

import pytest

import foreign_parts
import shortlist as sl
from command_line import error_of, run
from foreign_parts import ENCODER, PASSAGES, SECRET, STORE
from shortlist import config
from shortlist.collection import store_ingest
from shortlist.documents import export
from shortlist.errors import InvalidInput
from shortlist.types import Passage

MODELS = ("--bi-encoder", ENCODER)


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(autouse=True)
def store(monkeypatch):
    return foreign_parts.install(monkeypatch)


def rows_of(file):
    return {row["id"]: row for row in map(json.loads, file.read_text(encoding="utf-8").splitlines())}


def test_a_store_becomes_an_index(here, store):
    shown = run("add", STORE, "--index", "ix", *MODELS, "--field", "text=body").err
    assert "30 documents written" in shown
    assert f"30 vectors taken from {STORE}" in shown
    assert [backend.given for backend in store] == [{"text": "body"}] * 2
    assert "0 documents written, 30 unchanged" in run("add", STORE, "--index", "ix").err
    assert f"{STORE}  fake" in run("list", "--index", "ix").out
    encoded = run("add", STORE, "--index", "other", "--bi-encoder", "hashed-64").err
    assert "30 passages encoded: the vectors of the store are not those of hashed-64" in encoded


def test_fields_of_the_file_are_those_of_its_retriever(here, store):
    config.write({"retriever": STORE, "fields": {"title": "head"}})
    run("add", STORE, "--index", "ix", *MODELS)
    run("add", "fake:others@somewhere", "--index", "ix", *MODELS)
    assert [backend.given for backend in store][1:3] == [{"title": "head"}, {}]


def test_nothing_is_made_if_the_store_cannot_be_opened(here, monkeypatch):
    monkeypatch.setitem(foreign_parts.KINDS, "fake", foreign_parts.Kind("fake", STORE, ("no_such_package",)))
    assert "pip install" in error_of("add", STORE, "--index", "ix", *MODELS, code=4)
    assert "a store is added by itself" in error_of("add", STORE, "file.md", "--index", "ix", *MODELS)
    assert not (here / "ix").exists()


BAD = [
    *PASSAGES[:3],
    replace(PASSAGES[1], text="another text"),
    Passage("bare", " "),
    Passage("", "no id"),
    PASSAGES[0],
]


def test_rows_that_cannot_be_added_are_counted_and_named(here, monkeypatch):
    foreign_parts.install(monkeypatch, passages=BAD)
    for written in (3, 0):
        shown = run("add", STORE, "--index", "ix", *MODELS).err
        assert f"{written} documents written" in shown
        assert (
            "4 rows left out:\n"
            f"  an earlier row has the id '{PASSAGES[1].id}', too\n"
            f"  an earlier row has the id '{PASSAGES[0].id}', too\n"
            "  passage 'bare' has no text in its field 'text'\n  a row has the id '': an id is text, a whole number or"
        ) in shown
    run("export", "--index", "ix", "--out", "a.jsonl")
    assert [row["text"] for row in rows_of(here / "a.jsonl").values()] == [passage.text for passage in PASSAGES[:3]]


def test_rows_that_cannot_be_exported_are_counted_and_named(here, monkeypatch):
    foreign_parts.install(monkeypatch, passages=[*BAD, *[PASSAGES[0]] * 20])
    shown = run("export", "--retriever", STORE, "--out", "a.jsonl").err
    assert f"3 passages of {STORE} written to a.jsonl\n24 rows left out:\n" in shown
    assert "and 4 more (--verbose names all)" in shown
    assert "passage 'bare' has no text" in run("export", "--retriever", STORE, "--out", "a.jsonl", "--verbose").err
    assert list(rows_of(here / "a.jsonl")) == [passage.id for passage in PASSAGES[:3]]
    shown = run("export", "--retriever", "foreign_parts:Twice", "--out", "b.jsonl").err
    assert f"30 rows left out:\n  an earlier row has the id '{PASSAGES[0].id}', too" in shown
    assert len((here / "b.jsonl").read_text().splitlines()) == 30


@pytest.mark.parametrize("folder_exists", [False, True])
@pytest.mark.parametrize(
    ("passages", "message"),
    [
        ([Passage("bare", "")], "nothing could be read from fake:words@somewhere, so the index ix was not created"),
        ([], "there are no rows in fake:words@somewhere, so the index ix was not created: fill the collection, or"),
    ],
)
def test_an_import_of_nothing_leaves_no_index(here, monkeypatch, passages, message, folder_exists):
    foreign_parts.install(monkeypatch, passages=passages)
    if folder_exists:
        (here / "ix").mkdir()
    assert message in run("add", STORE, "--index", "ix", *MODELS, code=2).err
    assert (here / "ix").exists() == folder_exists
    assert not list(here.rglob("*.*"))


def test_a_failed_import_leaves_no_empty_index_and_keeps_a_filled_one(here, monkeypatch):
    class Broken(foreign_parts.WordStore):
        def rows(self):
            yield from list(super().rows())[: self.fails_after]
            raise foreign_parts.UNREACHABLE

    monkeypatch.setattr(foreign_parts, "WordStore", Broken)
    monkeypatch.setattr(store_ingest, "PASSAGES_PER_COMMIT", 10)
    Broken.fails_after = 5
    assert "start it" in error_of("add", STORE, "--index", "ix", *MODELS, code=3)
    assert not (here / "ix").exists()
    Broken.fails_after = 15
    assert "start it" in error_of("add", STORE, "--index", "ix", *MODELS, code=3)
    assert "10 passages" in run("list", "--index", "ix").out
    Broken.fails_after = 0
    assert "start it" in error_of("add", STORE, "--index", "ix", *MODELS, code=3)
    assert "10 passages" in run("list", "--index", "ix").out


def test_an_index_and_a_store_export_the_same_rows(here):
    run("add", STORE, "--index", "ix", *MODELS)
    assert f"30 passages of {STORE} written to a.jsonl" in run("export", "--retriever", STORE, "--out", "a.jsonl").err
    assert "30 passages of ix written to b.jsonl" in run("export", "--index", "ix", "--out", "b.jsonl").err
    assert rows_of(here / "a.jsonl") == rows_of(here / "b.jsonl")
    assert rows_of(here / "a.jsonl")[PASSAGES[0].id] == {
        "id": PASSAGES[0].id,
        "text": PASSAGES[0].text,
        "title": "",
        "document_id": PASSAGES[0].document_id,
        "metadata": {"half": "first"},
    }
    run("add", "a.jsonl", "--index", "again", *MODELS)
    assert "30 passages" in run("list", "--index", "again").out


def test_vectors(here):
    run("add", STORE, "--index", "ix", *MODELS)
    run("export", "--index", "ix", "--vectors", "--out", "a.jsonl")
    run("export", "--retriever", STORE, "--vectors", "--out", "b.jsonl")
    ours, theirs = rows_of(here / "a.jsonl"), rows_of(here / "b.jsonl")
    for key, row in ours.items():
        assert row["vector"] == pytest.approx(theirs[key]["vector"], abs=1e-6)
        assert len(row["vector"]) == 32


def test_parquet(here):
    parquet = pytest.importorskip("pyarrow.parquet", reason="the parquet extra is not installed")
    run("export", "--retriever", STORE, "--vectors", "--out", "a.parquet")
    rows = parquet.read_table(here / "a.parquet").to_pylist()
    assert [row["id"] for row in rows] == [passage.id for passage in PASSAGES]
    assert list(rows[0]) == ["id", "text", "title", "document_id", "metadata", "vector"]
    assert json.loads(rows[0]["metadata"]) == {"half": "first"}
    assert len(rows[0]["vector"]) == 32
    run("export", "--retriever", STORE, "--out", "b.parquet")
    assert "vector" not in parquet.read_table(here / "b.parquet").column_names


def test_an_interrupted_export_leaves_the_file_before(here, monkeypatch):
    (here / "a.jsonl").write_text("before")

    class Broken(foreign_parts.WordStore):
        def rows(self):
            yield from list(super().rows())[:5]
            raise KeyboardInterrupt

    monkeypatch.setattr(foreign_parts, "WordStore", Broken)
    run("export", "--retriever", STORE, "--out", "a.jsonl", code=None)
    assert (here / "a.jsonl").read_text() == "before"
    assert [path.name for path in here.iterdir()] == ["a.jsonl"]


def test_an_empty_store(here, monkeypatch):
    monkeypatch.setattr(export, "ROWS_PER_GROUP", 7)
    foreign_parts.install(monkeypatch, passages=[])
    message = f"there are no passages in {STORE}: fill the collection, or name another one"
    (here / "a.jsonl").write_text("before")
    for options in ((), ("--vectors",)):
        assert error_of("export", "--retriever", STORE, "--out", "a.jsonl", *options) == message
    assert (here / "a.jsonl").read_text() == "before"
    (here / "q.jsonl").write_text('{"query": "a", "relevant": ["a"]}\n{"query": "b", "relevant": ["b"]}\n')
    unknown = ("q.jsonl", "--allow-unknown")
    for command in (
        ("evaluate", *unknown),
        ("tune", *unknown),
        ("calibrate", *unknown),
        ("queries", "init", "--out", "n.csv"),
    ):
        assert error_of(*command, "--retriever", STORE, *MODELS) == message
    foreign_parts.install(monkeypatch, passages=[Passage("bare", " ")])
    shown = run("export", "--retriever", STORE, "--out", "a.jsonl", "--vectors").err
    assert "0 passages" in shown
    assert "1 row left out" in shown
    assert (here / "a.jsonl").read_text() == ""


def test_two_exports_have_the_same_order_and_lines_begin_with_the_id(here):
    run("add", STORE, "--index", "ix", *MODELS)
    with sqlite3.connect(here / "notes.db") as connection:
        connection.execute("create table notes(id text, text text)")
        connection.executemany("insert into notes values(?, ?)", [(note.id, note.text) for note in PASSAGES[::-1]])
    connection.close()
    for place in (("--index", "ix"), ("--retriever", STORE), ("--retriever", "sqlite:notes@notes.db")):
        for file in ("a.jsonl", "b.jsonl"):
            run("export", *place, "--out", file)
        lines = (here / "a.jsonl").read_text().splitlines()
        assert (here / "b.jsonl").read_text().splitlines() == lines
        assert [json.loads(line)["id"] for line in sorted(lines)] == sorted(note.id for note in PASSAGES)
    assert [json.loads(line)["id"] for line in lines] == [note.id for note in PASSAGES[::-1]]


def test_an_empty_index(here):
    sl.open("ix", create=True, config=sl.SearchConfig(bi_encoder=ENCODER)).close()
    message = "there are no passages in ix: add files with: shortlist add PATH --index ix"
    assert error_of("export", "--index", "ix", "--out", "a.jsonl") == message
    (here / "q.jsonl").write_text('{"query": "a", "relevant": ["a"]}\n{"query": "b", "relevant": ["b"]}\n')
    assert error_of("evaluate", "q.jsonl", "--index", "ix", *MODELS) == message
    with sl.open("ix") as index, pytest.raises(InvalidInput, match="there are no passages in ix: add files with"):
        sl.evaluate(index, "q.jsonl", allow_unknown=True)


def test_a_function_is_no_store_to_add(here):
    for name in ("foreign_parts:rows", "no_module:rows"):
        message = error_of("add", name, "--index", "ix", *MODELS)
        assert message.startswith(f"there is no file or folder {name!r}. add() takes files, folders and stores, and no")
        assert f"search it without an index (--retriever {name}), or write its passages to a .jsonl file" in message
    assert "check the path" in error_of("add", "no:such/file", "--index", "ix", *MODELS)
    assert not (here / "ix").exists()


def test_a_store_that_lost_its_rows_is_no_store_to_add(here, monkeypatch):
    run("add", STORE, "--index", "ix", *MODELS)
    (here / "note.txt").write_text("a note")
    run("add", "note.txt", "--index", "ix")
    foreign_parts.install(monkeypatch, passages=[])
    assert "30 removed" in run("add", STORE, "--index", "ix").err
    assert f"error: there are no rows in {STORE}: fill the collection" in run("add", STORE, "--index", "ix", code=2).err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--retriever", STORE, "--out", "a.csv"), "has no known format"),
        (("--retriever", STORE, "--out", "missing/a.jsonl"), "does not exist"),
        (("--retriever", "foreign_parts:rows", "--out", "a.jsonl"), "cannot list its passages"),
        (("--retriever", "foreign_parts:Listing", "--out", "a.jsonl", "--vectors"), "has no vectors to export"),
        (
            ("--retriever", "foreign_parts:Listing", "--index", "ix", "--out", "a.jsonl"),
            "--index is 'ix' and --retriever is 'foreign_parts:Listing'",
        ),
    ],
)
def test_bad_input(arguments, message):
    assert message in error_of("export", *arguments)


def test_an_index_is_exported_although_the_file_names_a_store(here):
    run("add", STORE, "--index", "ix", *MODELS)
    config.write({"retriever": SECRET})
    shown = run("export", "--index", "ix", "--out", "a.jsonl").err
    assert "of ix written" in shown
    assert "secret" not in run("export", "--out", "b.jsonl").err
