"""The record of sources and documents: damage, closing, and what comes back."""

import sqlite3

import pytest

from shortlist.collection.ledger import Entry, Ledger
from shortlist.errors import IndexWriteFailed, NotAnIndex
from shortlist.types import Note

READS = {
    "fingerprints": lambda ledger: ledger.fingerprints(),
    "documents": lambda ledger: ledger.documents("s"),
    "reading": lambda ledger: ledger.reading("s"),
    "pending": lambda ledger: ledger.pending(),
    "known_sources": lambda ledger: ledger.known_sources(),
    "owner": lambda ledger: ledger.owner("d"),
    "entry": lambda ledger: ledger.entry("d"),
    "ids": lambda ledger: ledger.ids(),
    "counts": lambda ledger: ledger.counts(),
    "pages": lambda ledger: list(ledger.pages("s")),
    "is_empty": lambda ledger: ledger.is_empty("s"),
}


@pytest.fixture
def path(tmp_path):
    return tmp_path / "sources.sqlite"


def test_entries_come_back(path):
    ledger = Ledger(path)
    entries = [Entry("a", "s", "1", ("a#0", "a#1")), Entry("b", "s", "2", ())]
    ledger.begin(entries)
    assert [entry.id for entry in ledger.pending()] == ["a", "b"]
    ledger.settle(entries)
    assert ledger.documents("s") == {entry.id: entry for entry in entries}
    assert (ledger.pending(), ledger.owner("a"), ledger.owner("c"), ledger.entry("b")) == ([], "s", None, entries[1])
    ledger.forget(["a"])
    assert ledger.ids() == ["b"]
    ledger.close()


def test_pages_have_every_document_of_a_source_also_while_some_are_removed(path):
    ledger = Ledger(path)
    entries = [Entry(f"d{i:04}", "large" if i % 3 else "other", "1", (f"d{i:04}#0",)) for i in range(4000)]
    ledger.settle(entries)
    expected = {entry.id for entry in entries if entry.source == "large"}
    pages = list(ledger.pages("large"))
    assert len(pages) > 1
    assert {entry.id for page in pages for entry in page} == expected
    assert sum(map(len, pages)) == len(expected)
    removed = set()
    for page in ledger.pages("large"):
        ledger.begin(page[::2])  # what a removal does: records that it writes again get another place
        ledger.forget([entry.id for entry in page[::2]])
        removed |= {entry.id for entry in page[::2]}
    assert {entry.id for page in ledger.pages("large") for entry in page} == expected - removed
    assert list(ledger.pages("none")) == []
    ledger.close()


def test_a_finished_source_has_a_fingerprint_and_its_notes(path):
    ledger = Ledger(path)
    skipped = [("line 3", Note("repeated_id", id="x", first="line 1")), ("", Note("empty"))]
    ledger.finish("s", "mark", skipped, 7)
    assert ledger.fingerprints() == {"s": "mark"}
    assert ledger.reading("s") == (skipped, 7)
    assert ledger.reading("other") == ([], 0)
    ledger.unfinish("s")
    assert ledger.fingerprints() == {}
    ledger.close()


@pytest.mark.parametrize("read", READS.values(), ids=READS)
def test_reading_after_close_is_an_error(path, read):
    ledger = Ledger(path)
    ledger.close()
    ledger.close()
    with pytest.raises(NotAnIndex, match="cannot be read"):
        read(ledger)


def test_writing_after_close_is_an_error(path):
    ledger = Ledger(path)
    ledger.close()
    with pytest.raises(IndexWriteFailed, match="closed"):
        ledger.stamp("s")


def test_a_file_that_is_no_database(path):
    path.write_bytes(b"x" * 5000)
    with pytest.raises(NotAnIndex, match=r"rebuild it with: shortlist add PATH --index"):
        Ledger(path)


def test_a_file_that_is_damaged_inside(path):
    ledger = Ledger(path)
    ledger.settle([Entry(f"d{number}", "s", "h", (f"d{number}#0",)) for number in range(3000)])
    ledger.close()
    whole = path.read_bytes()
    path.write_bytes(whole[: 4096 * 6] + b"\xab" * (len(whole) - 4096 * 7) + whole[-4096:])
    ledger = Ledger(path)
    with pytest.raises(NotAnIndex, match=r"sources\.sqlite cannot be read"):
        ledger.documents("s")
    ledger.close()


@pytest.mark.parametrize(
    ("statement", "read"),
    [
        ("INSERT INTO documents VALUES ('d', 's', 'h', '[', 0)", "documents"),
        ("INSERT INTO documents VALUES ('d', 's', 'h', '7', 0)", "documents"),
        ("INSERT INTO sources VALUES ('s', 'f', '[', 0)", "reading"),
        ("INSERT INTO sources VALUES ('s', 'f', '[[\"\", \"text\"]]', 0)", "reading"),
        ("INSERT INTO sources VALUES ('s', 'f', '[[\"\", {}]]', 0)", "reading"),
        ("INSERT INTO sources VALUES ('s', 'f', '[7]', 0)", "reading"),
    ],
)
def test_a_damaged_row_is_reported(path, statement, read):
    ledger = Ledger(path)
    with sqlite3.connect(path) as other:
        other.execute(statement)
    other.close()
    with pytest.raises(NotAnIndex, match=r"sources\.sqlite cannot be read"):
        READS[read](ledger)
    ledger.close()


def test_a_file_that_cannot_be_written_keeps_what_was_there(path):
    ledger = Ledger(path)
    ledger.settle([Entry("a", "s", "1", ())])
    other = sqlite3.connect(path, timeout=0, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    ledger._db.execute("PRAGMA busy_timeout = 0")
    with pytest.raises(IndexWriteFailed, match=r"cannot write .*Earlier commits are intact"):
        ledger.settle([Entry("b", "s", "1", ())])
    other.execute("ROLLBACK")
    other.close()
    assert ledger.ids() == ["a"]
    ledger.close()
