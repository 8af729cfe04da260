"""`shortlist list` and `shortlist remove`, each in its own process."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

import shortlist
from shortlist.collection.manifest import FORMAT_VERSION
from shortlist.indexes.embedded import EmbeddedIndex


def run(*arguments, cwd):
    command = [sys.executable, "-m", "shortlist", *arguments]
    return subprocess.run(command, capture_output=True, text=True, cwd=cwd, timeout=120, encoding="utf-8")


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "docs").mkdir()
    for name in ("a", "b"):
        (tmp_path / "docs" / f"{name}.txt").write_text(f"all about {name}")
    shortlist.add(tmp_path / "docs", tmp_path / "ix", bi_encoder="hashed-32")
    shortlist.add_documents([{"id": "[m]1", "text": "all about m"}], tmp_path / "ix")
    return tmp_path


def test_list_shows_sources_and_totals_while_the_index_is_open(folder):
    with EmbeddedIndex.open(folder / "ix"):
        done = run("list", "--index", "ix", cwd=folder)
    assert (done.returncode, done.stderr) == (0, "")
    memory, a, b, total = done.stdout.splitlines()
    assert memory.startswith(":memory:  memory  1 documents  1 passages  20")
    assert a.startswith("docs/a.txt  txt  1 documents  1 passages  20")
    assert b.startswith("docs/b.txt")
    assert total.startswith("ix: 3 sources, 3 documents, 3 passages, ")
    assert total.endswith(f" MB on disk; bi-encoder hashed-32, format {FORMAT_VERSION}")


def test_list_as_json_holds_everything(folder):
    found = json.loads(run("list", "--index", "ix", "--json", cwd=folder).stdout)
    assert found["sources"][1] == {
        "name": "docs/a.txt",
        "kind": "txt",
        "documents": 1,
        "passages": 1,
        "read_at": found["sources"][1]["read_at"],
        "complete": True,
    }
    assert found["sources"][1]["read_at"].endswith("+00:00")
    assert (found["index"], found["documents"], found["passages"]) == ("ix", 3, 3)
    assert (found["bi_encoder"], found["format_version"]) == ("hashed-32", FORMAT_VERSION)
    assert found["bytes_on_disk"] > 0


def test_remove_takes_sources_and_ids(folder):
    done = run("remove", "docs/a.txt", "[m]1", "--index", "ix", cwd=folder)
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr == "2 documents removed; ix holds 1 passages\n"
    assert [one.name for one in shortlist.contents(folder / "ix").sources] == ["docs/b.txt"]


def test_errors_are_one_line_and_an_exit_code(folder):
    done = run("remove", "docs/b.txt", "a.txt", "--index", "ix", cwd=folder)
    assert (done.returncode, len(done.stderr.splitlines())) == (2, 1)
    assert "holds no source or document 'a.txt' (did you mean 'docs/a.txt'?): nothing was removed" in done.stderr
    assert len(shortlist.contents(folder / "ix").sources) == 3
    done = run("list", "--index", "nowhere", cwd=folder)
    assert done.returncode == 3
    assert "there is no index at nowhere" in done.stderr


def test_help_says_that_a_file_comes_back(folder):
    said = " ".join(run("remove", "--help", cwd=folder).stdout.split())
    assert "A file that still exists comes back, whole, when it is next added" in said
