"""`shortlist list` and `shortlist remove`."""

from __future__ import annotations

import pytest
from filelock import FileLock

import shortlist
from command_line import error_of, run
from shortlist import SearchConfig
from shortlist.cli.commands.list import aligned
from shortlist.collection import contents
from shortlist.collection.manifest import FORMAT_VERSION
from shortlist.registry import INDEXES


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "docs").mkdir()
    for name in ("a", "longer"):
        (tmp_path / "docs" / f"{name}.txt").write_text(f"all about {name}")
    (tmp_path / "docs" / "rows.csv").write_text("id,text\nr1,one\nr2,two\n")
    with shortlist.open(tmp_path / "ix", create=True, config=SearchConfig(bi_encoder="hashed-32")) as index:
        index.add(tmp_path / "docs")
        index.add([{"id": "[m]1", "text": "all about m"}])
    return tmp_path


def test_list_aligns_sources_and_shows_totals_while_the_index_is_open(folder):
    with INDEXES.open(folder / "ix"):
        done = run("list", "--index", "ix", cwd=folder)
    assert done.err == ""
    memory, a, longer, rows, total = done.out.splitlines()
    assert memory.startswith(":memory:         memory  1 document   1 passage   20")
    assert a.startswith("docs/a.txt       txt     1 document   1 passage   20")
    assert longer.startswith("docs/longer.txt  txt     1 document   1 passage   20")
    assert rows.startswith("docs/rows.csv    csv     2 documents  2 passages  20")
    assert total.startswith("ix: 4 sources, 5 documents, 5 passages, ")
    assert total.endswith(f" MB on disk; bi-encoder hashed-32, language english, format {FORMAT_VERSION}")


def damaged(index):
    for path in (index / "engine").rglob("*"):
        if path.is_file():
            path.write_bytes(b"")


@pytest.mark.parametrize("options", [[], ["--json"]])
def test_list_reports_a_damaged_engine_as_search_does(folder, options):
    damaged(folder / "ix")
    message = error_of("list", "--index", "ix", *options, cwd=folder, code=3)
    assert "is damaged: delete the index folder and rebuild it" in message
    assert message == error_of("search", "q", "--index", "ix", "--no-rerank", cwd=folder, code=3)


def test_list_does_not_wait_for_a_process_that_has_the_index_open(folder, monkeypatch):
    monkeypatch.setattr("shortlist.collection.lock.STEP", "no wait")
    lock = FileLock(folder / "ix" / "lock")
    with lock:
        (folder / "ix" / "lock.pid").write_text("1")
        assert "ix: 4 sources" in run("list", "--index", "ix", cwd=folder).out


def test_list_works_on_an_index_that_cannot_be_written(folder, monkeypatch):
    def refuse(self, **_):
        raise PermissionError("read-only")

    monkeypatch.setattr(FileLock, "acquire", refuse)
    assert "ix: 4 sources" in run("list", "--index", "ix", cwd=folder).out


def test_an_index_with_one_of_everything_has_no_plurals(tmp_path):
    with shortlist.open(tmp_path / "ix", create=True, config=SearchConfig(bi_encoder="hashed-32")) as index:
        index.add([{"id": "1", "text": "one"}])
    assert "ix: 1 source, 1 document, 1 passage, " in run("list", "--index", "ix", cwd=tmp_path).out


def test_columns_are_aligned_without_trailing_spaces():
    assert aligned([("a", "10", "x"), ("bbb", "2", "")], right=(1,)) == ["a    10  x", "bbb   2"]
    assert aligned([]) == []


def test_list_as_json_holds_everything(folder):
    listed = run("list", "--index", "ix", "--json", cwd=folder).json()
    assert listed["sources"][1] == {
        "name": "docs/a.txt",
        "kind": "txt",
        "documents": 1,
        "passages": 1,
        "read_at": listed["sources"][1]["read_at"],
        "complete": True,
    }
    assert listed["sources"][1]["read_at"].endswith("+00:00")
    assert (listed["index"], listed["documents"], listed["passages"]) == ("ix", 5, 5)
    assert (listed["bi_encoder"], listed["format_version"]) == ("hashed-32", FORMAT_VERSION)
    assert listed["bytes_on_disk"] > 0


def test_remove_takes_sources_and_ids(folder):
    done = run("remove", "docs/a.txt", "docs/rows.csv", "[m]1", "--index", "ix", cwd=folder)
    assert (done.out, done.err) == ("", "4 documents removed; ix holds 1 passage\n")
    assert [source.name for source in contents(folder / "ix").sources] == ["docs/longer.txt"]


def test_errors_are_one_line_and_an_exit_code(folder):
    message = error_of("remove", "docs/longer.txt", "a.txt", "--index", "ix", cwd=folder)
    assert "'a.txt' (did you mean 'docs/a.txt'?)" in message
    assert len(contents(folder / "ix").sources) == 4
    assert "there is no index at nowhere" in error_of("list", "--index", "nowhere", cwd=folder, code=3)


def test_help_says_that_a_file_comes_back():
    assert "If a file still exists, the next `add` adds the whole file again" in run("remove", "--help").text


def test_exports_with_the_same_ids_are_one_line_and_an_incomplete_source(tmp_path):
    folder = tmp_path / "d"
    folder.mkdir()
    for name in ("customers", "orders"):
        rows = "".join(f"{number},the {name} row of number {number}\n" for number in range(1, 41))
        (folder / f"{name}.csv").write_text(f"id,text\n{rows}")
    (folder / "empty.txt").write_text("")
    done = run("add", "d", "--index", "ix", "--bi-encoder", "hashed-32", cwd=tmp_path)
    assert "40 documents written, 40 not written, 0 unchanged" in done.err
    assert (
        "d/orders.csv: 40 rows not written, because their ids (1, 2, 3, ...) are used by d/customers.csv: rename the "
        "id column or add the files to indexes of their own"
    ) in " ".join(done.err.split())
    assert done.err.count("d/orders.csv") == 1
    assert "d/empty.txt: empty" in done.err
    orders = next(line for line in run("list", "--index", "ix", cwd=tmp_path).out.splitlines() if "orders" in line)
    assert "0 documents" in orders
    assert orders.endswith("incomplete")
    (folder / "customers.csv").unlink()
    freed = run("add", "d", "--prune", "--index", "ix", cwd=tmp_path)
    assert "40 documents written, 0 unchanged, 40 removed" in freed.err
    assert "incomplete" not in run("list", "--index", "ix", cwd=tmp_path).out
