"""`shortlist watch`."""

from __future__ import annotations

import subprocess
import sys

import pytest

import shortlist
from command_line import error_of, run
from hashed import passages_in
from shortlist.collection import IngestReport
from shortlist.documents import Skipped
from shortlist.errors import IndexLocked
from shortlist.types import Note


@pytest.fixture
def docs(tmp_path):
    (tmp_path / "docs").mkdir()
    for number in range(200):
        (tmp_path / "docs" / f"{number}.txt").write_text(f"note {number}")
    return tmp_path / "docs"


def test_each_change_is_printed_and_a_report_without_one_is_not(docs, monkeypatch):
    given = {}

    def reports(paths, index, **options):
        given.update(options, paths=paths, index=index)
        yield IngestReport(sources_read=2, passages_total=2)
        yield IngestReport(sources_unchanged=2)
        options["on_wait"](IndexLocked("the index is open in process 7"))
        yield IngestReport(sources_removed=1, skipped=[Skipped("a.pdf", "", Note("encrypted"))])

    monkeypatch.setattr(shortlist, "watch", reports)
    done = run("watch", "docs", "--index", "ix", "--pause", "0.2", "--encoding", "cp1252", cwd=docs.parent)
    assert (given["paths"], given["index"], given["pause"]) == (["docs"], "ix", 0.2)
    assert given["options"].encoding == "cp1252"
    lines = done.err.splitlines()
    assert [line for line in lines if "source" in line and "read" in line] == [
        "2 sources read, 0 unchanged, 0 removed; 0 documents written, 0 unchanged, 0 removed",
        "0 sources read, 0 unchanged, 1 removed; 0 documents written, 0 unchanged, 0 removed",
    ]
    assert "the index is open in process 7. The changes are read when the index is free" in lines
    assert any("a.pdf" in line for line in lines)


def test_a_file_is_an_error_and_makes_no_index(docs):
    message = error_of("watch", "docs/1.txt", "--index", "ix", cwd=docs.parent)
    assert "'docs/1.txt' is a file: give its folder" in message
    assert not (docs.parent / "ix").exists()


def started(folder):
    command = [sys.executable, "-m", "shortlist", "watch", "docs", "--index", "ix", "--bi-encoder", "hashed-32"]
    return subprocess.Popen([*command, "--pause", "0.05"], cwd=folder, stderr=subprocess.PIPE, text=True)


def wait_for(process, text):
    for line in process.stderr:
        if text in line:
            return
    raise AssertionError(f"the process ended without printing {text!r}")


def test_a_killed_watch_loses_nothing_and_stores_nothing_twice(docs):
    pytest.importorskip("watchfiles")
    with started(docs.parent) as first:
        wait_for(first, "waiting for changes")
        for number in range(200, 500):
            (docs / f"{number}.txt").write_text(f"note {number}")
        wait_for(first, "documents written")
        first.kill()
    (docs / "0.txt").unlink()
    with started(docs.parent) as second:
        wait_for(second, "waiting for changes")
        (docs / "500.txt").write_text("note 500")
        wait_for(second, "1 document written")
        second.kill()
    assert sorted(text for _, text in passages_in(docs.parent / "ix")) == sorted(f"note {n}" for n in range(1, 501))
