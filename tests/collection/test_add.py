import json
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import shortlist
from hashed import HASHED, add, documents, passages_in, remove
from interruptions import stop_at
from shortlist import Document, ReadOptions, registry
from shortlist.collection import contents
from shortlist.errors import IndexLocked, IndexMismatch, InvalidInput, ModelError, NotAnIndex
from shortlist.types import Note
from shortlist.wording import describe


@pytest.fixture
def notes(tmp_path):
    folder = tmp_path / "notes"
    folder.mkdir()
    (folder / "a.md").write_text("# A\n\ncats sleep")
    (folder / "b.jsonl").write_text(json.dumps({"id": "b1", "text": "dogs bark"}))
    (folder / "photo.png").write_text("no text")
    return folder


@pytest.mark.parametrize("many", [False, True], ids=["one path", "a list"])
def test_files_are_read_once_and_pruned_on_demand(notes, tmp_path, many):
    seen = []
    paths = [str(notes / "a.md"), notes] if many else str(notes)
    report = add(paths, str(tmp_path / "i"), progress=seen.append)
    assert (report.sources_read, report.documents_written, report.passages_total) == (2, 2, 2)
    assert [(Path(item.path).name, item.reason) for item in report.skipped] == [
        ("photo.png", "unsupported format .png")
    ]
    assert seen[-1].sources_done == 2
    (notes / "a.md").unlink()
    again = add(notes, tmp_path / "i", prune=True)
    assert (again.sources_unchanged, again.sources_removed, again.passages_total) == (1, 1, 1)


def test_unread_content_is_listed_before_files_of_an_unknown_format(notes, tmp_path):
    (notes / "z.jsonl").write_text("not json")
    (notes / ".hidden.md").write_text("x")
    report = add(notes, tmp_path / "i")
    assert [Path(item.path).name for item in report.skipped] == ["z.jsonl", "photo.png"]
    assert [(item.path, item.note) for item in report.passed_over] == [("notes/.hidden.md", Note("hidden"))]


def test_no_paths_make_an_empty_index(tmp_path):
    assert add([], tmp_path / "i").passages_total == 0


def test_errors_of_add_are_those_of_the_folder(notes, tmp_path):
    with pytest.raises(InvalidInput, match="no file or folder"):
        add(tmp_path / "missing", tmp_path / "i")
    with pytest.raises(InvalidInput, match="the kind before the colon is unknown"):
        add("sqlit:notes@notes.db", tmp_path / "i")
    with pytest.raises(NotAnIndex, match="already contains"):
        add(notes, notes)
    add(notes, tmp_path / "i")
    with pytest.raises(IndexMismatch, match="made with the bi-encoder hashed-32, not hashed-64"):
        add(notes, tmp_path / "i", bi_encoder="hashed-64")
    with shortlist.open(tmp_path / "i"), pytest.raises(IndexLocked, match="already open in this process"):
        add(notes, tmp_path / "i")


def test_only_new_and_changed_documents_are_written_and_others_stay(tmp_path):
    seen = []
    first = add(documents("1", "2"), tmp_path / "i", progress=seen.append)
    assert (first.documents_written, first.passages_added, first.passages_total) == (2, 2, 2)
    assert (seen[-1].source, seen[-1].sources_done, seen[-1].passages) == (":memory:", 2, 2)
    second = add([Document("2", "all about 2"), Document("1", "now other"), Document("3", "new")], tmp_path / "i")
    assert (second.documents_written, second.documents_unchanged, second.passages_removed) == (2, 1, 1)
    add([], tmp_path / "i")
    assert passages_in(tmp_path / "i") == [("1#0", "now other"), ("2#0", "all about 2"), ("3#0", "new")]


def test_documents_are_split_like_those_of_files(tmp_path):
    text = "# Install\n\nrun it\n\n# Use\n\n" + "many words follow here. " * 200
    add([{"id": "x", "text": text, "title": "Guide", "metadata": {"format": "md"}}], tmp_path / "i")
    with registry.INDEXES.open(tmp_path / "i") as collection:
        passages = sorted(collection.index.passages(), key=lambda passage: passage.start)
    assert len(passages) > 4
    assert {passage.title for passage in passages} == {"Guide > Install", "Guide > Use"}
    assert all(text[passage.start : passage.end] == passage.text for passage in passages)


def test_documents_of_files_and_of_memory_do_not_touch_each_other(notes, tmp_path):
    add(notes, tmp_path / "i")
    add(documents("m1", "m2"), tmp_path / "i")
    shutil.rmtree(notes)
    notes.mkdir()
    report = add(notes, tmp_path / "i", prune=True)
    assert (report.sources_removed, [key for key, _ in passages_in(tmp_path / "i")]) == (2, ["m1#0", "m2#0"])


def test_an_id_belongs_to_its_first_source(notes, tmp_path):
    add(notes, tmp_path / "i")
    before = passages_in(tmp_path / "i")
    with pytest.raises(InvalidInput, match=r"the id 'b1' is already used by notes/b\.jsonl"):
        add(documents("new", "b1"), tmp_path / "i")
    assert passages_in(tmp_path / "i") == before
    add(documents("c1"), tmp_path / "i")
    (notes / "c.jsonl").write_text(json.dumps({"id": "c1", "text": "from a file"}))
    report = add(notes / "c.jsonl", tmp_path / "i")
    assert [item.note for item in report.skipped] == [
        Note("ids_of_other_source", count=1, ids=["c1"], source=":memory:")
    ]
    assert ("c1#0", "all about c1") in passages_in(tmp_path / "i")
    remove("c1", tmp_path / "i")
    add(notes / "c.jsonl", tmp_path / "i")
    assert ("c1#0", "from a file") in passages_in(tmp_path / "i")


def test_bad_documents_change_nothing(tmp_path):
    with pytest.raises(InvalidInput, match="document 3 of 3 has the id '1' of document 1"):
        add(documents("1", "2", "1"), tmp_path / "i")
    assert passages_in(tmp_path / "i") == []


def test_an_end_before_any_step_loses_and_doubles_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr("shortlist.collection.ingest.PASSAGES_PER_COMMIT", 2)
    add(documents(*"1234", text="old text of"), tmp_path / "before")
    new = [*documents(*"345"), *documents("1", text="old text of")]
    shutil.copytree(tmp_path / "before", tmp_path / "whole")
    add(new, tmp_path / "whole")
    whole = passages_in(tmp_path / "whole")
    for number in range(100):
        shutil.copytree(tmp_path / "before", tmp_path / str(number))
        with monkeypatch.context() as patch:
            stop_at(patch, number)
            try:
                add(new, tmp_path / str(number))
                break
            except KeyboardInterrupt:
                pass
        add(new, tmp_path / str(number))
        assert passages_in(tmp_path / str(number)) == whole, number
    assert 8 < number < 50


def test_another_run_reports_half_written_documents(notes, tmp_path, monkeypatch):
    add(documents("1"), tmp_path / "i")
    with monkeypatch.context() as patch:
        stop_at(patch, 2)
        with pytest.raises(KeyboardInterrupt):
            add(documents("1", text="new"), tmp_path / "i")
    report = add(notes / "a.md", tmp_path / "i")
    assert [(item.path, item.place, item.note) for item in report.skipped] == [
        (":memory:", "document '1'", Note("half_written", document="1"))
    ]
    assert [item.place for item in add(documents("2"), tmp_path / "i").skipped] == ["document '1'"]
    assert add(documents("1", text="new"), tmp_path / "i").skipped == []
    assert [text for key, text in passages_in(tmp_path / "i") if key == "1#0"] == ["new 1"]


RUN = f"""
import sys
import shortlist, shortlist.collection.ingest
shortlist.collection.ingest.PASSAGES_PER_COMMIT = 16
documents = [dict(id=f"d{{i}}", text=f"document {{i}} speaks") for i in range(600)]
config = shortlist.SearchConfig(bi_encoder={HASHED!r})
with shortlist.open(sys.argv[1], create=True, config=config) as index:
    index.add(documents)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="kills with SIGKILL")
def test_kill_9_loses_and_doubles_nothing(tmp_path):
    command = [sys.executable, "-c", RUN, str(tmp_path / "i")]
    child = subprocess.Popen(command)
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        time.sleep(0.01)
        if (tmp_path / "i" / "sources.sqlite").is_file() and contents(tmp_path / "i").passages:
            break
    child.send_signal(signal.SIGKILL)
    child.wait()
    written = contents(tmp_path / "i").documents
    assert 0 < written < 600
    subprocess.run(command, check=True)
    assert [key for key, _ in passages_in(tmp_path / "i")] == sorted(f"d{i}#0" for i in range(600))


def test_a_cross_encoder_in_the_bi_encoders_place_is_refused_before_an_index_is_documents(notes, tmp_path):
    with pytest.raises(ModelError, match="shortlist-reranker-v1 is no"):
        add(notes, tmp_path / "i", bi_encoder="shortlist-reranker-v1")
    assert not (tmp_path / "i").exists()


@pytest.mark.parametrize("workers", [None, 2])
def test_excluded_files_are_not_read_and_prune_removes_their_documents(notes, tmp_path, workers):
    (notes / "drafts").mkdir()
    (notes / "drafts" / "c.md").write_text("# C\n\ntrees grow")
    assert add(notes, tmp_path / "i").documents_written == 3
    without = ReadOptions(exclude=["drafts/", "*.png"])
    kept = add(notes, tmp_path / "i", options=without, workers=workers)
    assert (kept.passages_total, kept.documents_removed) == (3, 0)
    assert [(item.path, item.note.code) for item in kept.passed_over] == [
        ("notes/drafts", "excluded"),
        ("notes/photo.png", "excluded"),
    ]
    assert [describe(note) for note in kept.notes] == [
        "the index keeps the documents of 1 excluded file: add with --prune removes them"
    ]
    pruned = add(notes, tmp_path / "i", options=without, prune=True, workers=workers)
    assert (pruned.passages_total, pruned.documents_removed, pruned.sources_removed, pruned.notes) == (2, 1, 1, [])


def test_notes_count_deleted_files_and_name_patterns_without_effect(notes, tmp_path):
    add(notes, tmp_path / "i")
    (notes / "a.md").rename(notes / "renamed.md")
    report = add(notes, tmp_path / "i", options=ReadOptions(exclude=["notes/drafts/"]))
    assert [describe(note) for note in report.notes] == [
        "no file or folder matches the pattern notes/drafts/: patterns begin below each given folder",
        "the index keeps the documents of 1 deleted or renamed file: add with --prune removes them",
    ]
    assert report.passages_total == 3
    assert add(notes, tmp_path / "i", prune=True).notes == []
