"""Adding and removing with stored states: what is computed, kept, renewed and removed, also after an interruption."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from fakes import WordReranker
from hashed import add, documents, passages_in, remove
from interruptions import stop_at
from shortlist import registry
from shortlist.collection import contents
from shortlist.errors import InvalidInput, NotAnIndex
from states import StatesReranker, check_states, keeping

UNUSED = "states_unused"


@pytest.fixture
def data(tmp_path):
    """A folder with two rows and a note of several passages."""
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in documents("r1", "r2")))
    (folder / "note.md").write_text("# Note\n\n" + " ".join(f"Many words follow here, {n}." for n in range(200)))
    return folder


def test_new_documents_are_precomputed_and_later_runs_continue(data, tmp_path):
    with keeping(tmp_path / "i") as index:
        report = index.add(data, precompute=True)
        assert report.states_computed == report.passages_added > 3
    assert check_states(tmp_path / "i") == report.passages_added
    (data / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in documents("r1", "r3")))
    reranker = StatesReranker()
    with keeping(tmp_path / "i", reranker) as index:
        assert index.add(data).states_computed == 1
        assert index.add(documents("m1")).states_computed == 1
        assert index.add(documents("m1")).states_computed == 0
    assert reranker.computed == ["all about r3", "all about m1"]
    check_states(tmp_path / "i")


def test_without_precompute_nothing_is_loaded_or_stored(data, tmp_path, monkeypatch):
    monkeypatch.setattr(registry, "load_reranker", lambda *_, **__: pytest.fail("a reranker loads"))
    assert add(data, tmp_path / "i").states_computed == 0
    assert not (tmp_path / "i" / "states.sqlite").exists()
    assert contents(tmp_path / "i").precomputed is None


def test_an_unchanged_run_loads_no_reranker(data, tmp_path, monkeypatch):
    with keeping(tmp_path / "i") as index:
        index.add(data, precompute=True)
    monkeypatch.setattr(registry, "load_reranker", lambda *_, **__: pytest.fail("a reranker loads"))
    assert add(data, tmp_path / "i").sources_unchanged == 2


def test_an_existing_index_is_completed(data, tmp_path):
    add(data, tmp_path / "i")
    add(documents("m1", "m2"), tmp_path / "i")
    seen = []
    with keeping(tmp_path / "i") as index:
        report = index.add([], precompute=True, progress=seen.append)
        assert report.states_computed == len(index) > 5
        assert (seen[-1].states, seen[-1].states_total) == (len(index), len(index))
        assert index.add(data, precompute=True).states_computed == 0
    check_states(tmp_path / "i")


def test_passages_with_one_text_share_a_state(tmp_path):
    with keeping(tmp_path / "i") as index:
        rows = [{"id": key, "text": "the same"} for key in "abc"]
        assert index.add(rows, precompute=True).states_computed == 1
        assert index.add({"id": "d", "text": "the same"}).states_computed == 0
        index.remove(["a", "b"])
        assert index.collection.states.counts() == (2, 1)
    check_states(tmp_path / "i")


def test_a_change_of_metadata_computes_nothing(tmp_path):
    with keeping(tmp_path / "i") as index:
        index.add({"id": "a", "text": "the text"}, precompute=True)
        report = index.add({"id": "a", "text": "the text", "metadata": {"year": 2024}})
        assert (report.documents_written, report.states_computed) == (1, 0)
    check_states(tmp_path / "i")


def test_removed_and_pruned_documents_leave_no_states(data, tmp_path):
    with keeping(tmp_path / "i") as index:
        index.add(data, precompute=True)
        index.add(documents("m1", "m2"))
        index.remove(["m1", "r1"])
        (data / "note.md").unlink()
        index.add(data / "rows.jsonl", prune=True)
    assert check_states(tmp_path / "i") == 3


def test_remove_without_a_reranker_removes_states(data, tmp_path):
    with keeping(tmp_path / "i") as index:
        index.add(data, precompute=True)
    remove("data/note.md", tmp_path / "i")
    assert check_states(tmp_path / "i") == 2


def test_stopping_removes_the_states_and_reports_their_bytes(data, tmp_path):
    with keeping(tmp_path / "i") as index:
        index.add(data, precompute=True)
        size = (tmp_path / "i" / "states.sqlite").stat().st_size
        report = index.add([], precompute=False)
        assert (report.states_freed, index.collection.states) == (size, None)
        assert index.add([], precompute=False).states_freed == 0
        assert index.add(documents("m1")).states_computed == 0
    assert not list((tmp_path / "i").glob("states*"))
    with keeping(tmp_path / "i") as index:
        assert index.add([], precompute=True).states_computed == len(index)
    check_states(tmp_path / "i")


def test_the_configuration_decides_unless_the_call_does(tmp_path):
    with keeping(tmp_path / "i", precompute=True) as index:
        assert index.add(documents("a")).states_computed == 1
        assert index.add(documents("b"), precompute=False).states_computed == 0
        assert index.add(documents("c")).states_computed == 3
    with keeping(tmp_path / "i", precompute=False) as index:
        assert index.add([]).states_freed > 0


def test_contents_show_the_states(data, tmp_path):
    with keeping(tmp_path / "i") as index:
        index.add(data, precompute=True)
        passages = len(index)
        listed = index.contents()
    assert (listed.precomputed.reranker, listed.precomputed.passages) == ("states", passages)
    assert 0 < listed.precomputed.bytes_on_disk < listed.bytes_on_disk
    assert listed.to_dict()["precomputed"]["passages"] == passages
    json.dumps(listed.to_dict())


@pytest.mark.parametrize("reranker", [WordReranker(), StatesReranker(keeps_states=False)], ids=["words", "false"])
def test_a_reranker_that_cannot_precompute_is_an_error_before_anything_is_written(tmp_path, reranker):
    with keeping(tmp_path / "i", reranker) as index:
        with pytest.raises(InvalidInput, match="precompute needs another reranker") as caught:
            index.add(documents("a"), precompute=True)
        assert (caught.value.field, len(index), index.collection.states) == ("precompute", 0, None)
    with pytest.raises(InvalidInput, match="precompute needs another reranker"):
        keeping(tmp_path / "new", reranker, precompute=True)
    assert not (tmp_path / "new").exists()


def search(folder, reranker, **config):
    with keeping(folder, reranker, **config) as index:
        return index.search("words follow", top_k=3)


def test_a_search_uses_the_states(data, tmp_path):
    plain = StatesReranker()
    add(data, tmp_path / "i")
    before = search(tmp_path / "i", plain)
    assert (len(plain.read), plain.stored) == (before.scored, [])
    with keeping(tmp_path / "i") as index:
        index.add([], precompute=True)
    reranker = StatesReranker()
    after = search(tmp_path / "i", reranker)
    assert (reranker.read, len(reranker.stored)) == ([], before.scored)
    assert [(hit.id, hit.score) for hit in after] == [(hit.id, hit.score) for hit in before]
    assert after.notes == before.notes == ()


def test_an_open_index_uses_states_as_soon_as_they_are_stored_and_only_as_long(tmp_path):
    reranker = StatesReranker()
    with keeping(tmp_path / "i", reranker) as index:
        index.add(documents("a"))
        for precompute, stored in ((None, 0), (True, 1), (False, 0)):
            index.add([], precompute=precompute)
            reranker.stored.clear()
            index.search("all about")
            assert len(reranker.stored) == stored


@pytest.mark.parametrize(
    ("other", "reason"),
    [
        (StatesReranker("other", "w2"), "other_reranker"),
        (StatesReranker(weights="w2"), "other_weights"),
        (WordReranker(), "cannot_use_states"),
        (StatesReranker(keeps_states=False), "cannot_use_states"),
    ],
    ids=["name", "weights", "words", "false"],
)
def test_states_of_another_reranker_are_not_used_and_the_answer_has_a_note(data, tmp_path, other, reason):
    with keeping(tmp_path / "i") as index:
        index.add(data, precompute=True)
    ranking = search(tmp_path / "i", other)
    note = ranking.note(UNUSED)
    assert (note.values["reason"], note.values["made_by"], ranking.status) == (reason, "states", "ok")
    assert getattr(other, "stored", []) == []
    assert search(tmp_path / "i", other, rerank=False).note(UNUSED) is None
    with keeping(tmp_path / "i", other) as index:
        assert index.add(data).notes == []
        report = index.add(documents("new"))
        assert (report.notes, report.states_computed) == ([note], 0)
    with registry.INDEXES.open(tmp_path / "i") as collection:
        assert collection.states.made_by.reranker == "states"


def test_a_reranker_with_the_same_lower_layers_uses_the_states(data, tmp_path):
    with keeping(tmp_path / "i") as index:
        index.add(data, precompute=True)
    other = StatesReranker("adapted")
    assert search(tmp_path / "i", other).note(UNUSED) is None
    assert other.stored
    assert other.read == []


def test_states_of_another_version_of_the_stored_form_are_not_used(tmp_path, monkeypatch):
    with keeping(tmp_path / "i") as index:
        index.add(documents("a"), precompute=True)
    monkeypatch.setattr("shortlist.collection.states.CODEC", 99)
    monkeypatch.setattr("shortlist.collection.states.MadeBy.__init__.__defaults__", (99,), raising=False)
    reranker = StatesReranker()
    assert search(tmp_path / "i", reranker).note(UNUSED).values["reason"] == "other_form"
    assert reranker.stored == []


def test_precompute_renews_the_states_of_another_reranker(data, tmp_path):
    with keeping(tmp_path / "i") as index:
        index.add(data, precompute=True)
    newer = StatesReranker(weights="w2")
    with keeping(tmp_path / "i", newer) as index:
        report = index.add(data, precompute=True)
        assert (report.states_computed, report.sources_unchanged) == (len(index), 2)
        assert index.search("words").note(UNUSED) is None
        assert newer.stored
    check_states(tmp_path / "i")


def test_a_damaged_file_names_the_file_and_the_command(tmp_path):
    with keeping(tmp_path / "i") as index:
        index.add(documents("a"), precompute=True)
    (tmp_path / "i" / "states.sqlite").write_bytes(b"x" * 5000)
    for _ in range(2):  # The lock is free after the error.
        with pytest.raises(NotAnIndex, match=r"states\.sqlite cannot be read .*add --precompute --index"):
            keeping(tmp_path / "i")
    (tmp_path / "i" / "states.sqlite").unlink()
    with keeping(tmp_path / "i") as index:
        assert index.add([], precompute=True).states_computed == 1


def test_a_run_that_ended_before_the_reranker_was_recorded_does_not_precompute(tmp_path):
    add(documents("a"), tmp_path / "i")
    (tmp_path / "i" / "states.sqlite").touch()
    assert contents(tmp_path / "i").precomputed is None
    assert add(documents("b"), tmp_path / "i").states_computed == 0
    with keeping(tmp_path / "i") as index:
        index.add([], precompute=True)
    assert check_states(tmp_path / "i") == 2


def interrupted(tmp_path, monkeypatch, act, first=0, step=2):
    """Run `act` on copies of the index `before`, end it before some of its steps, and run it again."""
    for number in range(first, 200, step):  # All steps take a minute.
        copy = tmp_path / "copy"
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(tmp_path / "before", copy)
        with monkeypatch.context() as patch:
            stop_at(patch, number)
            try:
                act(copy)
                break
            except KeyboardInterrupt:
                pass
        act(copy)
        yield number, copy
    assert 5 < number < 190


OLD = [*documents(*"1234", text="old text of"), *({"id": key, "text": "shared"} for key in "xyz")]
NEW = [*documents(*"345"), *documents("1", text="old text of"), {"id": "x", "text": "shared no more"}]


def before(tmp_path, monkeypatch, precompute):
    monkeypatch.setattr("shortlist.collection.ingest.PASSAGES_PER_COMMIT", 2)
    monkeypatch.setattr("shortlist.collection.precompute.PASSAGES_PER_COMMIT", 2)
    with keeping(tmp_path / "before") as index:
        index.add(OLD, precompute=precompute)


def test_an_end_before_any_step_of_add_leaves_no_state_missing_or_orphaned(tmp_path, monkeypatch):
    before(tmp_path, monkeypatch, True)

    def act(folder):
        with keeping(folder) as index:
            index.add(NEW)

    for number, copy in interrupted(tmp_path, monkeypatch, act):
        assert check_states(copy) == 8, number


@pytest.mark.parametrize(("older", "first"), [(None, 1), ("w0", 4)], ids=["first", "renewal"])
def test_an_end_before_any_step_of_the_first_precompute_or_a_renewal(tmp_path, monkeypatch, older, first):
    before(tmp_path, monkeypatch, None)
    if older is not None:
        with keeping(tmp_path / "before", StatesReranker(weights=older)) as index:
            index.add([], precompute=True)

    def act(folder):
        with keeping(folder) as index:
            index.add(NEW, precompute=True)

    for number, copy in interrupted(tmp_path, monkeypatch, act, first, step=6):
        assert check_states(copy) == 8, number


def test_an_end_before_any_step_of_remove(tmp_path, monkeypatch):
    before(tmp_path, monkeypatch, True)

    def act(folder):
        with keeping(folder) as index:
            index.remove([name for name in ("1", "x", "y") if index.collection.ledger.entry(name)])

    for number, copy in interrupted(tmp_path, monkeypatch, act):
        assert check_states(copy) == 4, number


def change(folder):
    with keeping(folder) as index:
        index.add(documents(*"1234", text="a much longer and newer text of"))


def test_after_an_interruption_a_search_never_uses_the_state_of_an_older_text(tmp_path, monkeypatch):
    before(tmp_path, monkeypatch, True)
    for number in range(12):
        copy = tmp_path / str(number)
        shutil.copytree(tmp_path / "before", copy)
        with monkeypatch.context() as patch:
            stop_at(patch, number)
            with pytest.raises(KeyboardInterrupt):
                change(copy)
        reranker = StatesReranker()
        ranking = search(copy, reranker)
        assert all(hit.rerank_score == len(hit.passage.content) for hit in ranking), number


RUN = """
import os, signal, sys
sys.path.insert(0, sys.argv[2])
import shortlist.collection.ingest, shortlist.collection.precompute
from hashed import documents
from shortlist.collection.states import States
from states import keeping
shortlist.collection.ingest.PASSAGES_PER_COMMIT = 16
shortlist.collection.precompute.PASSAGES_PER_COMMIT = 16
writes, written = int(sys.argv[3]), States.replace
def replace(self, *parts):
    global writes
    written(self, *parts)
    writes -= 1
    if not writes:
        os.kill(os.getpid(), signal.SIGKILL)
States.replace = replace
with keeping(sys.argv[1]) as index:
    index.add(documents(*map(str, range(200))), precompute=True)
"""
"""Adds 200 documents in commits of 16 passages. The process kills itself after a number of writes of states."""


def progress_of(folder):
    """The numbers of documents and of passages with a state, as another process sees them."""
    if not (folder / "sources.sqlite").is_file():
        return 0, 0
    listed = contents(folder)
    return listed.documents, 0 if listed.precomputed is None else listed.precomputed.passages


@pytest.mark.skipif(sys.platform == "win32", reason="kills with SIGKILL")
@pytest.mark.parametrize("existing", [False, True], ids=["new", "existing"])
def test_kill_9_leaves_no_state_missing_or_orphaned(tmp_path, existing):
    folder = tmp_path / "i"
    if existing:
        add(documents(*map(str, range(200))), folder)
    command = [sys.executable, "-c", RUN, str(folder), str(Path(__file__).parent.parent)]
    reached = 0
    for writes in (1, 3, 2):
        killed = subprocess.run([*command, str(writes)], check=False)
        assert killed.returncode == -signal.SIGKILL
        before, reached = reached, progress_of(folder)[1]
        assert before < reached < 200
    subprocess.run([*command, "0"], check=True)
    assert check_states(folder) == 200
    assert [key for key, _ in passages_in(folder)] == sorted(f"{number}#0" for number in range(200))
