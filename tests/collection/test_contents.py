import json
import sqlite3
from datetime import datetime, timedelta, timezone

import pytest

import shortlist
from hashed import add, documents
from shortlist.collection.manifest import FORMAT_VERSION
from shortlist.errors import NotAnIndex
from shortlist.indexes.embedded import EmbeddedIndex


@pytest.fixture
def index(tmp_path):
    data = tmp_path / "data"
    data.mkdir()
    (data / "rows.jsonl").write_text("".join(json.dumps(one) + "\n" for one in documents("r1", "r2")))
    (data / "note.MD").write_text("many words follow here. " * 200)
    add(data, tmp_path / "i")
    add(documents("m1", "m2", "m3"), tmp_path / "i")
    return tmp_path / "i"


def rows(index):
    return [(one.name, one.kind, one.documents, one.complete) for one in shortlist.contents(index).sources]


def test_each_source_and_the_totals(index):
    found = shortlist.contents(str(index))
    assert rows(index) == [
        (":memory:", "memory", 3, True),
        ("data/note.MD", "md", 1, True),
        ("data/rows.jsonl", "jsonl", 2, True),
    ]
    with EmbeddedIndex.open(index) as opened:
        assert found.passages == len(opened) > 8
        assert shortlist.contents(index).sources == found.sources
    assert (found.documents, found.bi_encoder, found.format_version) == (6, "hashed-32", FORMAT_VERSION)
    assert found.bytes_on_disk > (index / "sources.sqlite").stat().st_size
    now = datetime.now(timezone.utc)
    assert all(one.read_at and timedelta() <= now - one.read_at < timedelta(hours=1) for one in found.sources)


def test_an_unchanged_run_leaves_the_times(index):
    with sqlite3.connect(index / "sources.sqlite") as ledger:
        ledger.execute("UPDATE read_times SET at = '2020-01-01T00:00:00+00:00'")
    ledger.close()
    (index.parent / "data" / "rows.jsonl").write_text(json.dumps({"id": "r1", "text": "new"}))
    add(index.parent / "data", index)
    add(documents("m1"), index)
    years = [one.read_at.year for one in shortlist.contents(index).sources]
    assert years == [2020, 2020, datetime.now(timezone.utc).year]


def test_what_is_read_anew_is_incomplete(index):
    shortlist.remove("r1", index)
    assert rows(index)[2] == ("data/rows.jsonl", "jsonl", 1, False)
    add(index.parent / "data", index)
    assert rows(index)[2] == ("data/rows.jsonl", "jsonl", 2, True)


def test_a_ledger_made_before_times_were_kept_has_none(index):
    with sqlite3.connect(index / "sources.sqlite") as ledger:
        ledger.execute("DROP TABLE read_times")
    ledger.close()
    assert [one.read_at for one in shortlist.contents(index).sources] == [None, None, None]


def test_an_empty_index_and_none(tmp_path):
    add([], tmp_path / "i")
    found = shortlist.contents(tmp_path / "i")
    assert (found.sources, found.documents, found.passages) == ((), 0, 0)
    with pytest.raises(NotAnIndex, match="there is no index at"):
        shortlist.contents(tmp_path / "nowhere")


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
    with pytest.raises(NotAnIndex, match=r"sources\.sqlite can't be read"):
        shortlist.contents(index)
