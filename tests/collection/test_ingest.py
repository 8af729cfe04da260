import functools
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from interruptions import stop_at
from shortlist import registry
from shortlist.collection import exists
from shortlist.collection import ingest as ingesting
from shortlist.collection.ingest import Ingest
from shortlist.collection.unwanted import gone_sources
from shortlist.disk_map import DiskMap
from shortlist.documents import discover, reading
from shortlist.encoders.hashed import HashedEncoder
from shortlist.indexes.embedded import EmbeddedIndex
from shortlist.text import Splitter
from shortlist.types import Note

ENCODER = HashedEncoder(32)


def splitter(limit=40):
    return Splitter(lambda text: len(text.split()), limit)


def ids_of(collection):
    return sorted(passage.id for passage in collection.index.passages())


def ingest(folder, index_folder, *, prune=False, limit=40, seen=None):
    """Read a folder into an index, and return the report and the ids of all passages."""
    sources, _ = discover([folder])
    if exists(index_folder):
        collection = registry.INDEXES.open(index_folder)
    else:
        collection = registry.INDEXES.create(index_folder, ENCODER.name, ENCODER.dimension)
    with collection:
        run = Ingest(collection, ENCODER, splitter(limit), seen.append if seen is not None else None)
        return run.run(sources, remove=gone_sources(collection, []) if prune else ()), ids_of(collection)


@pytest.fixture
def notes(tmp_path):
    folder = tmp_path / "notes"
    folder.mkdir()
    for name, words in (("a", "cats sleep"), ("b", "dogs bark"), ("c", "trees grow")):
        (folder / f"{name}.md").write_text(f"# {name}\n\n" + f"{words} all day long. " * 30)
    return folder


def test_everything_is_read_once_and_then_skipped(notes, tmp_path):
    first, ids = ingest(notes, tmp_path / "i")
    assert (first.sources_read, first.documents_written, first.over_window) == (3, 3, 0)
    assert first.passages_added == len(ids) > 3
    second, again = ingest(notes, tmp_path / "i")
    assert (second.sources_read, second.sources_unchanged, second.passages_added) == (0, 3, 0)
    assert again == ids


def test_a_changed_file_replaces_its_passages(notes, tmp_path):
    _, before = ingest(notes, tmp_path / "i")
    (notes / "b.md").write_text("short now")
    report, ids = ingest(notes, tmp_path / "i")
    assert (report.sources_read, report.sources_unchanged, report.documents_written) == (1, 2, 1)
    name = "notes/b.md"
    assert [key for key in ids if key.startswith(name)] == [f"{name}#0"]
    assert set(ids) < set(before)


def test_other_split_settings_read_anew(notes, tmp_path):
    ingest(notes, tmp_path / "i")
    report, _ = ingest(notes, tmp_path / "i", limit=60)
    assert report.sources_read == 3


def test_vanished_files_stay_until_pruned(notes, tmp_path):
    _, before = ingest(notes, tmp_path / "i")
    (notes / "c.md").unlink()
    kept, ids = ingest(notes, tmp_path / "i")
    assert (kept.sources_removed, ids) == (0, before)
    pruned, ids = ingest(notes, tmp_path / "i", prune=True)
    assert pruned.sources_removed == 1
    assert pruned.passages_removed == len(before) - len(ids) > 0
    assert not [key for key in ids if "c.md" in key]


def rows(path, count, start=0):
    lines = [json.dumps({"id": f"d{i}", "text": f"document {i} speaks of topic {i % 7}"}) for i in range(start, count)]
    path.write_text("\n".join(lines))


def test_unchanged_rows_of_a_changed_file_are_not_written_again(tmp_path):
    data = tmp_path / "data"
    data.mkdir()
    rows(data / "x.jsonl", 50)
    ingest(data, tmp_path / "i")
    rows(data / "x.jsonl", 60, start=5)
    report, ids = ingest(data, tmp_path / "i")
    assert (report.documents_written, report.documents_unchanged) == (10, 45)
    assert report.documents_removed == 5
    assert len(ids) == 55


def test_a_large_file_with_repeated_and_removed_rows(tmp_path, monkeypatch):
    """Ids beyond the first few are in a temporary file, and a removal of many documents has several steps."""
    for module in (ingesting, reading):
        monkeypatch.setattr(module, "DiskMap", functools.partial(DiskMap, 16))
    data = tmp_path / "data"
    data.mkdir()
    rows(data / "x.jsonl", 2300)
    with (data / "x.jsonl").open("a") as file:
        file.writelines(f'\n{{"id": "d{i}", "text": "again"}}' for i in (3, 2299))
    report, ids = ingest(data, tmp_path / "i")
    assert len(ids) == report.documents_written == 2300
    assert [skipped.note for skipped in report.skipped] == [
        Note("repeated_id", id="d3", first="line 4"),
        Note("repeated_id", id="d2299", first="line 2300"),
    ]
    rows(data / "x.jsonl", 100, start=50)
    report, ids = ingest(data, tmp_path / "i")
    assert (report.documents_unchanged, report.documents_removed, len(ids)) == (50, 2250, 50)


def test_only_documents_that_changed_are_split(tmp_path):
    data = tmp_path / "data"
    data.mkdir()
    rows(data / "x.jsonl", 50)
    ingest(data, tmp_path / "i")
    text = (data / "x.jsonl").read_text().replace("document 7 speaks", "document 7 writes")
    (data / "x.jsonl").write_text(text)
    counted = []
    with registry.INDEXES.open(tmp_path / "i") as collection:
        counter = Splitter(lambda text: counted.append(text) or len(text.split()), 40)
        report = Ingest(collection, ENCODER, counter).run(discover([data])[0])
    assert (report.documents_written, report.documents_unchanged) == (1, 49)
    assert {text for text in counted if "document" in text} == {"document 7 writes of topic 0"}


def test_an_id_belongs_to_the_first_source(tmp_path):
    data = tmp_path / "data"
    data.mkdir()
    rows(data / "x.jsonl", 3)
    rows(data / "y.jsonl", 3)
    report, ids = ingest(data, tmp_path / "i")
    assert ids == ["d0#0", "d1#0", "d2#0"]
    assert [item.note for item in report.skipped] == [
        Note("ids_of_other_source", count=3, ids=["d0", "d1", "d2"], source="data/x.jsonl")
    ]
    assert (report.documents_written, report.documents_refused) == (3, 3)


def write_ids(path, *ids):
    path.write_text("".join(json.dumps({"id": key, "text": f"all about {key}"}) + "\n" for key in ids))


@pytest.fixture
def records(tmp_path):
    folder = tmp_path / "data"
    folder.mkdir()
    write_ids(folder / "a.jsonl", "1")
    write_ids(folder / "b.jsonl", "2", "3")
    ingest(folder, tmp_path / "i")
    return folder


def test_a_document_that_moved_to_another_file_is_kept(records, tmp_path):
    write_ids(records / "a.jsonl", "1", "3")
    write_ids(records / "b.jsonl", "2")
    moved, ids = ingest(records, tmp_path / "i")
    assert (moved.skipped, ids) == ([], ["1#0", "2#0", "3#0"])
    assert (moved.sources_read, moved.documents_unchanged, moved.documents_written, moved.documents_removed) == (
        2,
        2,
        1,
        1,
    )
    again, ids = ingest(records, tmp_path / "i")
    assert (again.sources_unchanged, len(ids)) == (2, 3)


def test_documents_that_change_places_are_kept(records, tmp_path):
    write_ids(records / "a.jsonl", "2", "3")
    write_ids(records / "b.jsonl", "1")
    report, ids = ingest(records, tmp_path / "i")
    assert (report.skipped, ids) == ([], ["1#0", "2#0", "3#0"])
    with registry.INDEXES.open(tmp_path / "i") as collection:
        assert collection.ledger.documents("data/a.jsonl").keys() == {"2", "3"}


def test_the_documents_of_a_renamed_file_are_kept(records, tmp_path):
    (records / "b.jsonl").rename(records / "c.jsonl")
    report, ids = ingest(records, tmp_path / "i", prune=True)
    assert (report.skipped, report.sources_removed, ids) == ([], 1, ["1#0", "2#0", "3#0"])
    again, _ = ingest(records, tmp_path / "i", prune=True)
    assert (again.sources_unchanged, again.sources_removed) == (2, 0)


def test_a_file_whose_name_a_folder_took_is_pruned(records, tmp_path):
    (records / "b.jsonl").unlink()
    (records / "b.jsonl").mkdir()
    report, ids = ingest(records, tmp_path / "i", prune=True)
    assert (report.sources_removed, ids) == (1, ["1#0"])


def test_files_are_read_again_after_a_change_of_the_readers(records, tmp_path, monkeypatch):
    monkeypatch.setattr("shortlist.collection.versions.READERS", "read-0")
    report, _ = ingest(records, tmp_path / "i")
    assert (report.sources_read, report.documents_unchanged, report.documents_written) == (2, 3, 0)


def test_a_source_with_ids_of_another_is_tried_until_they_are_free(records, tmp_path):
    (records / "b.jsonl").rename(records / "c.jsonl")
    taken = [Note("ids_of_other_source", count=2, ids=["2", "3"], source="data/b.jsonl")]
    for _ in range(2):
        report, ids = ingest(records, tmp_path / "i")
        assert ([item.note for item in report.skipped], ids) == (taken, ["1#0", "2#0", "3#0"])
        blocked = next(
            source for source in registry.INDEXES.contents(tmp_path / "i").sources if source.name == "data/c.jsonl"
        )
        assert (blocked.documents, blocked.complete) == (0, False)
    report, ids = ingest(records, tmp_path / "i", prune=True)
    assert (report.skipped, report.documents_written, ids) == ([], 2, ["1#0", "2#0", "3#0"])


def sources_of(index_folder):
    with registry.INDEXES.open(index_folder) as collection:
        sources = {passage.metadata["source"] for passage in collection.index.passages()}
        return sources, collection.ledger.known_sources()


def test_ids_and_sources_are_named_from_the_folder_of_the_index(notes, tmp_path, monkeypatch):
    _, ids = ingest(notes, tmp_path / "i")
    names = {f"notes/{name}.md" for name in "abc"}
    assert {key.split("#")[0] for key in ids} == names
    assert sources_of(tmp_path / "i") == (names, names)
    _, elsewhere = ingest(notes, tmp_path / "apart" / "i")
    assert {key.split("#")[0] for key in elsewhere} == {(notes / f"{name}.md").resolve().as_posix() for name in "abc"}
    monkeypatch.chdir(notes)
    report, again = ingest(Path(), Path("../i"))
    assert (report.sources_unchanged, again) == (3, ids)


def test_an_index_moved_with_its_documents_continues(notes, tmp_path, monkeypatch):
    _, ids = ingest(notes, tmp_path / "i")
    moved = tmp_path / "moved"
    moved.mkdir()
    for name in ("notes", "i"):
        (tmp_path / name).rename(moved / name)
    monkeypatch.chdir(moved / "i")
    report, again = ingest(moved / "notes", moved / "i", prune=True)
    assert (report.sources_unchanged, report.sources_removed, again) == (3, 0, ids)
    (moved / "notes" / "c.md").unlink()
    report, left = ingest(moved / "notes", moved / "i", prune=True)
    assert (report.sources_removed, {key.split("#")[0] for key in left}) == (1, {"notes/a.md", "notes/b.md"})


def test_progress_counts_up_to_the_end(notes, tmp_path):
    seen = []
    ingest(notes, tmp_path / "i", seen=seen)
    last = seen[-1]
    assert (last.sources_done, last.bytes_done) == (last.sources_total, last.bytes_total)
    for fact in ("bytes_done", "sources_done", "passages"):
        values = [getattr(progress, fact) for progress in seen]
        assert values == sorted(values)
    assert last.passages_per_second == pytest.approx(last.passages / last.seconds)
    assert seen[0].passages_per_second == 0


def test_a_file_that_cannot_be_read_is_reported(notes, tmp_path, monkeypatch):
    real = Path.open

    def refuse(self, *args, **options):
        if self.name == "b.md":
            raise PermissionError(13, "Permission denied")
        return real(self, *args, **options)

    monkeypatch.setattr(Path, "open", refuse)
    report, ids = ingest(notes, tmp_path / "i")
    assert [(item.path, item.note) for item in report.skipped] == [
        ("notes/b.md", Note("unreadable", error="Permission denied"))
    ]
    assert ids


def test_unread_content_is_reported_by_every_run(notes, tmp_path):
    (notes / "broken.pdf").write_bytes(b"%PDF-1.4 broken")
    (notes / "empty.txt").write_bytes(b"")
    (notes / "rows.jsonl").write_text('{"text": "one"}\nnot json\n')
    first, _ = ingest(notes, tmp_path / "i")
    assert [(item.path, item.place) for item in first.skipped] == [
        ("notes/broken.pdf", ""),
        ("notes/empty.txt", ""),
        ("notes/rows.jsonl", "line 2"),
    ]
    assert (first.sources_read, first.sources_empty, first.sources_unread) == (4, 1, 1)
    again, _ = ingest(notes, tmp_path / "i")
    assert again.skipped == first.skipped
    assert (again.sources_unchanged, again.sources_empty, again.sources_unread, again.documents_written) == (4, 1, 1, 0)
    (notes / "rows.jsonl").write_text('{"text": "one"}\n{"text": "two"}\n')
    mended, _ = ingest(notes, tmp_path / "i")
    assert mended.skipped == first.skipped[:2]


def test_bytes_that_are_not_text_are_reported_by_every_run(notes, tmp_path):
    (notes / "latin.txt").write_bytes("Grüße aus Köln".encode() + b"\xff")
    (notes / "rows.csv").write_bytes("text\nmüde\nröt".encode() + b"\xff\xf1\n" + "blöd\nspät\n".encode())
    (notes / "older.txt").write_bytes("Grüße aus Köln".encode("latin-1"))
    for _ in range(2):
        report, _ids = ingest(notes, tmp_path / "i")
        assert report.replaced == {"notes/latin.txt": 1, "notes/rows.csv": 2}
        assert [item.note.code for item in report.skipped if item.path == "notes/older.txt"] == ["guessed_encoding"]
    (notes / "latin.txt").write_text("Grüße aus Köln", encoding="utf-8")
    report, _ids = ingest(notes, tmp_path / "i")
    assert report.replaced == {"notes/rows.csv": 2}


class Interrupted(HashedEncoder):
    def encode_passages(self, texts):
        raise KeyboardInterrupt


def test_an_interruption_while_encoding_leaves_the_old_version(notes, tmp_path):
    _, before = ingest(notes, tmp_path / "i")
    old = (notes / "b.md").read_text()
    (notes / "b.md").write_text("short now")
    with registry.INDEXES.open(tmp_path / "i") as collection, pytest.raises(KeyboardInterrupt):
        Ingest(collection, Interrupted(32), splitter()).run(discover([notes])[0])
    (notes / "d.md").write_text("one more")
    report, ids = ingest(notes / "d.md", tmp_path / "i")
    assert (report.skipped, ids) == ([], sorted([*before, "notes/d.md#0"]))
    with registry.INDEXES.open(tmp_path / "i") as collection:
        texts = [passage.text for passage in collection.index.passages() if passage.document_id == "notes/b.md"]
    assert texts
    assert all(text in old for text in texts)
    report, ids = ingest(notes, tmp_path / "i")
    assert (report.sources_read, [key for key in ids if "b.md" in key]) == (1, ["notes/b.md#0"])


def interrupt(index_folder, monkeypatch, step, folder, **options):
    """Ends a run before the named step of the index, as a kill there does."""

    def stop(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(EmbeddedIndex, step, stop)
        with pytest.raises(KeyboardInterrupt):
            ingest(folder, index_folder, **options)


@pytest.mark.parametrize("step", ["delete", "add", "flush"])
def test_a_half_written_document_is_reported_and_completed_by_the_same_run(notes, tmp_path, monkeypatch, step):
    _, before = ingest(notes, tmp_path / "i")
    (notes / "b.md").write_text("short now")
    interrupt(tmp_path / "i", monkeypatch, step, notes)
    report, ids = ingest(notes / "a.md", tmp_path / "i")
    assert [(item.path, item.note) for item in report.skipped] == [("notes/b.md", Note("half_written", document=None))]
    assert "notes/b.md#0" in ids
    report, ids = ingest(notes, tmp_path / "i")
    assert report.skipped == []
    assert [key for key in ids if "b.md" in key] == ["notes/b.md#0"]
    assert [key for key in ids if "b.md" not in key] == [key for key in before if "b.md" not in key]
    with registry.INDEXES.open(tmp_path / "i") as collection:
        passages = list(collection.index.passages())
        assert [passage.text for passage in passages if passage.document_id == "notes/b.md"] == ["short now"]
        assert collection.ledger.pending() == []


@pytest.mark.parametrize("step", ["delete", "flush"])
def test_an_interrupted_removal_is_repeated_or_undone_if_the_file_is_back(notes, tmp_path, monkeypatch, step):
    _, before = ingest(notes, tmp_path / "i")
    text = (notes / "c.md").read_text()
    (notes / "c.md").unlink()
    interrupt(tmp_path / "i", monkeypatch, step, notes, prune=True)
    (notes / "c.md").write_text(text)
    report, ids = ingest(notes, tmp_path / "i", prune=True)
    assert (report.sources_read, ids) == (1, before)
    (notes / "c.md").unlink()
    interrupt(tmp_path / "i", monkeypatch, step, notes, prune=True)
    report, ids = ingest(notes, tmp_path / "i", prune=True)
    assert (report.skipped, report.sources_removed, [key for key in ids if "c.md" in key]) == ([], 1, [])


def contents(index_folder):
    with registry.INDEXES.open(index_folder) as collection:
        assert collection.ledger.pending() == []
        passages = collection.index.passages()
        return sorted((passage.id, passage.text, passage.metadata["source"]) for passage in passages)


def test_an_end_before_any_step_of_a_run_loses_and_doubles_nothing(records, tmp_path, monkeypatch):
    (records / "note.md").write_text("an old text of many words. " * 20)
    ingest(records, tmp_path / "i")
    write_ids(records / "a.jsonl", "1", "3", "4")
    (records / "b.jsonl").rename(records / "c.jsonl")
    (records / "note.md").write_text("a new text")
    (records / "new.md").write_text("one more")
    shutil.copytree(tmp_path / "i", tmp_path / "before")
    ingest(records, tmp_path / "fresh")
    whole = contents(tmp_path / "fresh")
    for number in range(2, 100, 7):  # All of them take a minute.
        shutil.rmtree(tmp_path / "i")
        shutil.copytree(tmp_path / "before", tmp_path / "i")
        with monkeypatch.context() as patch:
            stop_at(patch, number)
            try:
                ingest(records, tmp_path / "i", prune=True)
                break
            except KeyboardInterrupt:
                pass
        ingest(records, tmp_path / "i", prune=True)
        assert contents(tmp_path / "i") == whole, number
    assert 20 < number < 90


def test_an_id_that_looks_like_a_passage_of_another_survives_an_interruption(tmp_path, monkeypatch):
    data = tmp_path / "data"
    data.mkdir()
    for text in ("old", "new"):
        rows = ({"id": key, "text": text} for key in ("a#1", "a"))
        (data / "x.jsonl").write_text("\n".join(map(json.dumps, rows)))
        if text == "old":
            ingest(data, tmp_path / "i")
        else:
            interrupt(tmp_path / "i", monkeypatch, "flush", data)
    monkeypatch.setattr("shortlist.collection.ingest.PASSAGES_PER_COMMIT", 1)
    _, ids = ingest(data, tmp_path / "i")
    assert ids == ["a#0", "a#1#0"]


RUN = """
import sys
from pathlib import Path
sys.path[:0] = sys.argv[3:]
import shortlist.collection.ingest as module
module.PASSAGES_PER_COMMIT = 16
from test_ingest import ingest
ingest(Path(sys.argv[1]), Path(sys.argv[2]), prune=True)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="kills with SIGKILL")
def test_kill_9_at_any_moment_loses_and_doubles_nothing(tmp_path):
    data = tmp_path / "data"
    data.mkdir()
    rows(data / "x.jsonl", 900)
    (data / "gone.md").write_text("# gone\n\n" + "this file vanishes. " * 80)
    _, whole = ingest(data, tmp_path / "whole")
    killed = tmp_path / "killed"
    here = Path(__file__).parent
    command = [sys.executable, "-c", RUN, str(data), str(killed), str(here), str(here.parent)]
    times = random.Random(3)
    interrupted = 0
    for _ in range(6):
        child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        ledger = killed / "sources.sqlite"
        deadline = time.monotonic() + 30
        while not ledger.exists() and child.poll() is None and time.monotonic() < deadline:
            time.sleep(0.01)
        time.sleep(times.uniform(0.0, 0.5))
        if child.poll() is None:
            child.send_signal(signal.SIGKILL)
            interrupted += 1
        child.wait()
    subprocess.run(command, check=True)
    with registry.INDEXES.open(killed) as collection:
        index = collection.index
        assert ids_of(collection) == whole
        assert len(index) == len(whole)
        assert collection.ledger.pending() == []
        hits = index.matching("topic", 2000)
        assert len(hits) == len({passage.id for passage, _ in hits}) == 900
    assert interrupted >= 3
    (data / "gone.md").unlink()
    rows(data / "x.jsonl", 500)
    child = subprocess.Popen(command)
    time.sleep(0.6)
    os.kill(child.pid, signal.SIGKILL)
    child.wait()
    subprocess.run(command, check=True)
    with registry.INDEXES.open(killed) as collection:
        assert ids_of(collection) == sorted(f"d{i}#0" for i in range(500))
