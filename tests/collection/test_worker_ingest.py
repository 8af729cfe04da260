"""Documents that workers read, split and encode, while this process writes the index."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path

import numpy as np
import pytest

import hashed
import shortlist
from command_line import error_of, run
from hashed import HASHED, passages_in
from inline_workers import InlineWorkers
from interruptions import stop_at
from shortlist import registry
from shortlist.collection import worker_ingest
from shortlist.documents import ReadOptions
from shortlist.errors import InvalidInput
from shortlist.workers import documents as worker_documents

CONFIG = shortlist.SearchConfig(bi_encoder=HASHED)


@pytest.fixture
def tmp_path():
    """A folder in memory, if the system has one. Hundreds of small commits would otherwise wait for a busy disk."""
    memory = Path("/dev/shm")
    place = memory if memory.is_dir() and os.access(memory, os.W_OK) else None
    with tempfile.TemporaryDirectory(dir=place, prefix="shortlist-", ignore_cleanup_errors=True) as folder:
        yield Path(folder).resolve()


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Files of several formats: single documents, records in several jobs, and files that cannot be read."""
    monkeypatch.setattr(worker_ingest, "CHARACTERS", 400)
    monkeypatch.setattr(worker_documents, "UNIT", 500)
    monkeypatch.chdir(tmp_path)
    docs = tmp_path / "docs"
    docs.mkdir()
    for number in range(6):
        (docs / f"note{number}.md").write_text(f"# Note {number}\n\nThe text of note {number}.\n\n## More\n\nWords.\n")
    (docs / "page.html").write_text("<title>Page</title><p>A page about servers.</p>")
    (docs / "empty.txt").write_text("")
    (docs / "image.png").write_bytes(b"\x89PNG")
    (docs / "rows.csv").write_text("id,text\n" + "".join(f"row{n},the text of row {n}\n" for n in range(30)))
    records(docs / "records.jsonl", 40)
    return docs


def records(file, count, **texts):
    rows = [{"id": f"r{n}", "text": texts.get(f"r{n}", f"record {n} " + "word " * (n % 7))} for n in range(count)]
    file.write_text("".join(json.dumps(row) + "\n" for row in rows) + "no json\n")


@pytest.fixture
def crew(monkeypatch):
    """Use these workers in place of processes."""

    def use(workers):
        monkeypatch.setattr("shortlist.workers.documents.choose_workers", lambda *args, **options: workers)
        return workers

    return use


def add(items, index, **options):
    return hashed.add(items, index, workers=2, **options)


def contents_of(index):
    """Everything that the index holds, apart from times."""
    with registry.INDEXES.open(Path(index)) as collection:
        ledger, engine = collection.ledger, collection.index
        ids = sorted(passage.id for passage in engine.passages())
        entries = [ledger.documents(name) for name in sorted(ledger.known_sources())]
        readings = [ledger.reading(name) for name in sorted(ledger.known_sources())]
        return engine.get(ids), engine.vectors(ids).tolist(), entries, readings, ledger.fingerprints()


def without_seconds(report):
    return {name: value for name, value in report.to_dict().items() if name != "seconds"}


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("shares_files", [True, False])
def test_workers_give_the_index_that_one_process_gives(folder, crew, reverse, shares_files):
    workers = crew(InlineWorkers(reverse=reverse))
    workers.shares_files = shares_files
    alone = hashed.add(folder, "alone")
    report = add(folder, "by-workers")
    assert without_seconds(report) == without_seconds(alone)
    assert contents_of("by-workers") == contents_of("alone")
    assert len(workers.seen) > 5
    assert len(passages_in(Path("by-workers"))) == 77


def test_the_progress_names_the_first_work_of_each_worker(folder, crew):
    workers = crew(InlineWorkers())
    workers.count = 3
    states = []
    with shortlist.open("index", create=True, config=CONFIG) as index:
        index.add(folder, workers=3, progress=lambda progress: states.append(progress.is_starting))
    assert states == sorted(states, reverse=True)
    assert states[0] is True
    assert states[-1] is False
    assert 3 <= states.count(True) < len(states)


def test_an_unchanged_source_is_not_sent(folder, crew):
    hashed.add(folder, "index")
    workers = crew(InlineWorkers())
    report = add(folder, "index")
    assert (workers.seen, report.sources_unchanged, report.documents_written) == ([], 9, 0)


def test_only_changed_documents_are_encoded(folder, crew, monkeypatch):
    hashed.add(folder, "index")
    crew(InlineWorkers())
    encoded = []
    encode = worker_documents.DocumentPreparer.__call__

    def counted(self, content):
        results = encode(self, content)
        encoded.extend(item.document.id for r in results for item in r.items if getattr(item, "passages", None))
        return results

    monkeypatch.setattr(worker_documents.DocumentPreparer, "__call__", counted)
    records(folder / "records.jsonl", 39, r7="another text")
    report = add(folder, "index")
    assert encoded == ["r7"]
    assert (report.documents_written, report.documents_unchanged, report.documents_removed) == (1, 38, 1)
    hashed.add(folder, "new")
    assert contents_of("index")[0] == contents_of("new")[0]


def test_documents_of_renamed_files_take_their_ids(folder, crew):
    crew(InlineWorkers())
    add(folder, "index")
    (folder / "records.jsonl").rename(folder / "a-new-name.jsonl")
    report = add(folder, "index", prune=True)
    assert report.sources_removed == 1
    hashed.add(folder, "new")
    assert contents_of("index")[0] == contents_of("new")[0]


def test_an_id_that_moves_to_a_file_that_is_read_first(folder, crew):
    crew(InlineWorkers())
    add(folder, "index")
    (folder / "a.jsonl").write_text(json.dumps({"id": "r3", "text": "record 3 moved"}) + "\n")
    records(folder / "records.jsonl", 3)
    add(folder, "index")
    assert dict(passages_in(Path("index")))["r3#0"] == "record 3 moved"


def test_what_a_lost_worker_had_stays_and_the_next_run_adds_the_rest(folder, crew):
    crew(InlineWorkers())
    add(folder, "index")
    before = passages_in(Path("index"))
    records(folder / "records.jsonl", 40, **{f"r{n}": f"a new text {n}" for n in range(40)})
    (folder / "note0.md").write_text("# Another\n\nText.\n")
    crew(InlineWorkers(lost=[0, 2]))
    report = add(folder, "index")
    lost = [item for item in report.skipped if item.note.code == "worker_lost"]
    assert {item.path for item in lost} == {"docs/note0.md", "docs/records.jsonl"}
    assert all(item.place.startswith("document ") for item in lost if item.path == "docs/records.jsonl")
    assert "ended 3 times" in lost[0].reason
    kept = dict(passages_in(Path("index")))
    assert kept.keys() == dict(before).keys()
    assert any(kept[key] == text for key, text in before if key.startswith("r"))
    crew(InlineWorkers())
    report = add(folder, "index")
    assert not [item for item in report.skipped if item.note.code == "worker_lost"]
    hashed.add(folder, "new")
    assert contents_of("index")[0] == contents_of("new")[0]


@pytest.mark.parametrize("step", range(0, 24, 3))
def test_an_interrupted_run_loses_nothing_and_doubles_nothing(folder, crew, step):
    crew(InlineWorkers())
    hashed.add(folder, "whole")
    with pytest.MonkeyPatch.context() as patch:
        stop_at(patch, step)
        with pytest.raises(KeyboardInterrupt):
            add(folder, "index")
    add(folder, "index")
    assert passages_in(Path("index")) == passages_in(Path("whole"))


def test_interrupted_workers_leave_what_was_committed(folder, crew):
    crew(InlineWorkers(stop_after=4))
    with pytest.raises(KeyboardInterrupt):
        add(folder, "index")
    crew(InlineWorkers())
    add(folder, "index")
    hashed.add(folder, "whole")
    assert contents_of("index") == contents_of("whole")


def test_documents_from_python(folder, crew):
    workers = crew(InlineWorkers(reverse=True))
    given = [{"id": f"d{n}", "text": f"document {n} " + "word " * 30, "metadata": {"n": n}} for n in range(20)]
    alone = hashed.add(given, "alone")
    report = add(given, "index")
    assert without_seconds(report) == without_seconds(alone)
    assert contents_of("index") == contents_of("alone")
    assert len(workers.seen) > 3
    given[3]["text"] = "another"
    report = add(given, "index")
    assert (report.documents_written, report.documents_unchanged) == (1, 19)


def test_documents_of_a_lost_worker_are_reported(folder, crew):
    crew(InlineWorkers(lost=[0]))
    given = [{"id": f"d{n}", "text": f"document {n} " + "word " * 30} for n in range(20)]
    report = add(given, "index")
    assert report.documents_written + len(report.skipped) == 20
    assert report.skipped[0].place == "document 'd0'"
    crew(InlineWorkers())
    assert add(given, "index").documents_written == len(report.skipped)


def test_a_file_that_vanishes_is_reported(folder, crew, monkeypatch):
    workers = crew(InlineWorkers())
    workers.shares_files = False
    read = Path.read_bytes
    monkeypatch.setattr(
        Path, "read_bytes", lambda path: read(path) if path.name != "note1.md" else read(path.with_name("gone"))
    )
    report = add(folder, "index")
    assert [item.note.code for item in report.skipped if item.path == "docs/note1.md"] == ["unreadable"]
    assert report.sources_read == 8


def test_states_are_computed_by_this_process(folder, crew, tmp_path):
    import tiny

    crew(InlineWorkers())
    model = tmp_path / "model"
    model.mkdir()
    tiny.staged(model, window=200, apart=True)
    config = CONFIG.override({"reranker": str(model)})
    with shortlist.open("index", create=True, config=config) as index:
        report = index.add(folder, precompute=True, workers=2)
        assert report.states_computed > 30


def test_vectors_are_those_of_the_encoder(folder, crew):
    crew(InlineWorkers())
    add(folder, "index")
    with shortlist.open("index", config=CONFIG) as index:
        passages = index.collection.index.get([key for key, _ in passages_in_open(index)])
        rows = index.collection.index.vectors([passage.id for passage in passages])
        expected = index.encoder.encode_passages([passage.content for passage in passages])
    assert np.allclose(rows, expected, atol=1e-6)


def passages_in_open(index):
    return sorted((passage.id, passage.text) for passage in index.collection.index.passages())


def test_a_function_that_cannot_be_sent_is_an_error(folder, crew):
    crew(InlineWorkers())
    with pytest.raises(InvalidInput, match="ocr is a function that cannot be sent to workers"):
        add(folder, "index", options=ReadOptions(ocr=lambda image: "text"))


@pytest.mark.parametrize("option", ["workers", "ray"])
def test_a_store_with_workers_is_an_error(tmp_path, option):
    with (
        shortlist.open(tmp_path / "index", create=True, config=CONFIG) as index,
        pytest.raises(InvalidInput, match=f"{option} is for files and documents") as error,
    ):
        index.add("chroma:notes@./chroma", **{option: 2 if option == "workers" else "auto"})
    assert error.value.field == option


@pytest.mark.slow
def test_the_command_adds_with_processes(folder):
    options = ("--bi-encoder", HASHED)
    run("add", "docs", "--index", "alone", *options)
    result = run("add", "docs", "--index", "index", "--workers", "2", *options)
    assert "9 sources read" in result.err
    assert contents_of("index") == contents_of("alone")
    assert error_of("add", "docs", "--index", "index", "--workers", "0").startswith("--workers must be at least 1")
