import json
import shutil

import pytest

import shortlist
from hashed import add, documents, passages_in, remove
from interruptions import stop_at
from shortlist.errors import IndexLocked, InvalidInput, NotAnIndex


@pytest.fixture
def index(tmp_path):
    """Two documents of one file, a note, and two documents of no file."""
    data = tmp_path / "data"
    data.mkdir()
    (data / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in documents("r1", "r2")))
    (data / "note.md").write_text("a short note")
    add(data, tmp_path / "i")
    add(documents("m1", "m2"), tmp_path / "i")
    return tmp_path / "i"


def ids(index):
    return [key.removesuffix("#0") for key, _ in passages_in(index)]


@pytest.mark.parametrize(
    ("names", "count", "left"),
    [
        ("data/rows.jsonl", 2, ["data/note.md", "m1", "m2"]),
        ("data/note.md", 1, ["m1", "m2", "r1", "r2"]),
        (["r1", "m2"], 2, ["data/note.md", "m1", "r2"]),
        (["r1", "r1", "data/rows.jsonl"], 2, ["data/note.md", "m1", "m2"]),
        (":memory:", 2, ["data/note.md", "r1", "r2"]),
        ([], 0, ["data/note.md", "m1", "m2", "r1", "r2"]),
    ],
)
def test_sources_and_documents_go_and_the_rest_stays(index, names, count, left):
    assert remove(names, str(index)) == count
    assert ids(index) == left


def test_a_file_that_exists_comes_back_whole_and_others_are_left_alone(index):
    before = passages_in(index)
    remove(["r1", "data/note.md"], index)
    report = add(index.parent / "data", index)
    assert (report.sources_read, report.documents_written, report.documents_unchanged) == (2, 2, 1)
    assert passages_in(index) == before


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("rows.jsonl", "(did you mean 'data/rows.jsonl'?)"),
        ("./data/note.md", "(did you mean 'data/note.md'?)"),
        ("data/note.md#0", "(did you mean 'data/note.md'?)"),
        ("dat/nots.md", "(did you mean 'data/note.md'?)"),
        ("zzz", "'zzz': nothing was removed"),
        ("", "document '': nothing was removed"),
    ],
)
def test_an_unknown_name_is_named_with_near_ones_and_nothing_is_removed(index, name, near):
    before = passages_in(index)
    with pytest.raises(InvalidInput) as caught:
        remove(["m1", name], index)
    assert f"has no source or document {name!r}" in str(caught.value)
    assert near in str(caught.value)
    assert passages_in(index) == before


def test_many_unknown_names_are_counted(index):
    with pytest.raises(InvalidInput, match="'zz3' and 2 more: nothing was removed"):
        remove([f"zz{i}" for i in range(1, 6)], index)


def test_errors_of_the_folder(index, tmp_path):
    with pytest.raises(NotAnIndex):
        remove("x", tmp_path / "nowhere")
    with shortlist.open(index), pytest.raises(IndexLocked):
        remove("m1", index)


def test_an_end_before_any_step_loses_nothing_else(index, tmp_path, monkeypatch):
    names = ["data/rows.jsonl", "data/note.md", "m1"]
    for number in range(50):
        shutil.copytree(index, tmp_path / "copies" / str(number))
        copy = tmp_path / "copies" / str(number)
        with monkeypatch.context() as patch:
            stop_at(patch, number)
            try:
                remove(names, copy)
                break
            except KeyboardInterrupt:
                pass
        assert remove(names, copy) == 4
        assert ids(copy) == ["m2"], number
    assert 5 < number < 20


def test_an_interrupted_removal_is_undone_by_adding_again(index, monkeypatch):
    before = passages_in(index)
    with monkeypatch.context() as patch:
        stop_at(patch, 5)
        with pytest.raises(KeyboardInterrupt):
            remove(["data/rows.jsonl", "m1", "m2"], index)
    add(index.parent / "data", index)
    add(documents("m1", "m2"), index)
    assert passages_in(index) == before
