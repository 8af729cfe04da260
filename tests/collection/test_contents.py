import json
import sqlite3
from datetime import datetime, timedelta, timezone

import pytest

import shortlist
from hashed import add, documents, remove
from shortlist.collection import contents
from shortlist.collection.manifest import FORMAT_VERSION
from shortlist.documents.options import ReadOptions
from shortlist.errors import NotAnIndex


@pytest.fixture
def index(tmp_path):
    data = tmp_path / "data"
    data.mkdir()
    (data / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in documents("r1", "r2")))
    (data / "note.MD").write_text("many words follow here. " * 200)
    add(data, tmp_path / "i")
    add(documents("m1", "m2", "m3"), tmp_path / "i")
    return tmp_path / "i"


def rows(index):
    return [(source.name, source.kind, source.documents, source.complete) for source in contents(index).sources]


def test_each_source_and_the_totals(index):
    listed = contents(str(index))
    assert rows(index) == [
        (":memory:", "memory", 3, True),
        ("data/note.MD", "md", 1, True),
        ("data/rows.jsonl", "jsonl", 2, True),
    ]
    with shortlist.open(index) as opened:
        assert listed.passages == len(opened) > 8
        assert contents(index).sources == listed.sources
    assert (listed.documents, listed.bi_encoder, listed.format_version) == (6, "hashed-32", FORMAT_VERSION)
    assert listed.bytes_on_disk > (index / "sources.sqlite").stat().st_size
    now = datetime.now(timezone.utc)
    assert all(source.read_at and timedelta() <= now - source.read_at < timedelta(hours=1) for source in listed.sources)


def test_an_unchanged_run_leaves_the_times(index):
    with sqlite3.connect(index / "sources.sqlite") as ledger:
        ledger.execute("UPDATE read_times SET at = '2020-01-01T00:00:00+00:00'")
    ledger.close()
    (index.parent / "data" / "rows.jsonl").write_text(json.dumps({"id": "r1", "text": "new"}))
    add(index.parent / "data", index)
    add(documents("m1"), index)
    years = [source.read_at.year for source in contents(index).sources]
    assert years == [2020, 2020, datetime.now(timezone.utc).year]


def test_what_is_read_anew_is_incomplete(index):
    remove("r1", index)
    assert rows(index)[2] == ("data/rows.jsonl", "jsonl", 1, False)
    add(index.parent / "data", index)
    assert rows(index)[2] == ("data/rows.jsonl", "jsonl", 2, True)


def test_a_source_without_a_recorded_time_has_none(index):
    with sqlite3.connect(index / "sources.sqlite") as ledger:
        ledger.execute("DELETE FROM read_times")
    ledger.close()
    assert [source.read_at for source in contents(index).sources] == [None, None, None]
    assert [source["read_at"] for source in contents(index).to_dict()["sources"]] == [None, None, None]


def test_contents_are_a_json_object(index):
    listed = json.loads(json.dumps(contents(index).to_dict()))
    assert (listed["documents"], listed["bi_encoder"]) == (6, "hashed-32")
    assert listed["sources"][2]["name"] == "data/rows.jsonl"
    assert datetime.fromisoformat(listed["sources"][2]["read_at"]).tzinfo is not None


def test_an_empty_index_and_none(tmp_path):
    add([], tmp_path / "i")
    listed = contents(tmp_path / "i")
    assert (listed.sources, listed.documents, listed.passages) == ((), 0, 0)
    with pytest.raises(NotAnIndex, match="there is no index at"):
        contents(tmp_path / "nowhere")


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE documents SET passages = 'x' WHERE id = 'r1'",
        "UPDATE read_times SET at = 'x'",
    ],
)
def test_a_damaged_ledger_is_named(index, damage):
    with sqlite3.connect(index / "sources.sqlite") as ledger:
        ledger.execute(damage)
    ledger.close()
    with pytest.raises(NotAnIndex, match=r"sources\.sqlite cannot be read"):
        contents(index)


def test_the_format_of_a_packed_archive(index):
    with sqlite3.connect(index / "sources.sqlite") as ledger:
        tables = [name for (name,) in ledger.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        for table in tables:
            columns = [row[1] for row in ledger.execute(f"PRAGMA table_info({table})")]
            if "source" in columns:
                ledger.execute(f"UPDATE {table} SET source = 'data/site.warc.gz' WHERE source = 'data/note.MD'")
    ledger.close()
    assert ("data/site.warc.gz", "warc") in [row[:2] for row in rows(index)]


def test_only_word_files_are_read_again_for_their_parts():
    options = ReadOptions(include=["headers", "comments"])
    assert options.marks("docx") == " include=comments,headers"
    assert {options.marks(name) for name in ("pptx", "xlsx", "pdf")} == {""}


def test_a_beir_folder_has_the_kind_of_its_passages(tmp_path):
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "corpus.jsonl").write_text("".join(json.dumps(row) + "\n" for row in documents("r1", "r2")))
    (folder / "queries.jsonl").write_text("")
    add(folder, tmp_path / "i")
    assert rows(tmp_path / "i") == [("data/corpus.jsonl", "beir", 2, True)]
    (folder / "queries.jsonl").unlink()
    add(folder, tmp_path / "i")
    assert rows(tmp_path / "i") == [("data/corpus.jsonl", "jsonl", 2, True)]
