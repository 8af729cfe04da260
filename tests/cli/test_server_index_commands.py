"""The commands over an index on a server: the stand-in of Qdrant, or its local client."""

from __future__ import annotations

import pytest

from command_line import error_of, run
from server_indexes import qdrant

QUERIES = """
{"query": "which cat sleeps", "relevant": ["docs/cats.md"]}
{"query": "who barks at night", "relevant": ["docs/dogs.md"]}
"""
OPTIONS = ("--bi-encoder", "hashed-32")


@pytest.fixture
def place(monkeypatch, tmp_path):
    """The arguments that name an index with two files, and the folder of the files."""
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "cats.md").write_text("# Cats\n\nThe red cat sleeps all day.\n")
    (tmp_path / "docs" / "dogs.md").write_text("# Dogs\n\nA blue dog barks at night.\n")
    with qdrant(monkeypatch, tmp_path) as name:
        place = ["--index", name]
        done = run("add", "docs", *place, *OPTIONS, cwd=tmp_path)
        assert "2 documents written, 0 unchanged, 0 removed" in done.text
        assert f"{name} holds 2 passages" in done.text
        yield place


def test_every_command_takes_the_name(place, tmp_path):
    name = place[1]
    found = run("search", "which cat sleeps", *place, "--no-rerank", "--top", "1", "--json", cwd=tmp_path).json()
    assert [hit["id"] for hit in found["hits"]] == ["docs/cats.md#0"]
    listed = run("list", *place, cwd=tmp_path)
    assert "docs/cats.md  md  1 document   1 passage" in listed.out
    assert f"{name}: 2 sources, 2 documents, 2 passages, size unknown; bi-encoder hashed-32" in listed.text
    assert run("list", *place, "--json", cwd=tmp_path).json()["bytes_on_disk"] is None
    (tmp_path / "q.jsonl").write_text(QUERIES)
    measured = run("evaluate", "q.jsonl", *place, "--no-rerank", "--save", "e.json", cwd=tmp_path)
    assert "1.000" in measured.text
    exported = run("export", "--out", "out.jsonl", *place, cwd=tmp_path)
    assert "2 passages" in exported.text
    assert "1 document removed" in run("remove", "docs/dogs.md", *place, cwd=tmp_path).text
    (tmp_path / "docs" / "cats.md").unlink()
    assert "1 removed" in run("add", "docs", "--prune", *place, *OPTIONS, cwd=tmp_path).text
    assert "1 source, 1 document" in run("list", *place, cwd=tmp_path).text  # its file exists, so add added it again


def test_a_set_up_may_name_it(place, tmp_path):
    (tmp_path / "q.jsonl").write_text(QUERIES)
    run("move", place[1], "folder", cwd=tmp_path)
    set_ups = ["--set-up", f"server:index={place[1]}", "--set-up", "folder:index=folder"]
    measured = run("evaluate", "q.jsonl", *set_ups, "--no-rerank", cwd=tmp_path)
    assert "server" in measured.text
    assert "folder" in measured.text


def test_move_copies_without_embedding(place, tmp_path):
    name = place[1]
    done = run("move", name, "folder", cwd=tmp_path)
    assert "2 sources, 2 documents and 2 passages copied to folder; 0 there already" in done.text
    again = run("move", "folder", name.replace("notes", "other"), "--index-option", "shards=3", cwd=tmp_path)
    assert f"2 passages copied to {name.replace('notes', 'other')}" in again.text
    assert (
        "0 documents and 0 passages copied to folder; 2 there already" in run("move", name, "folder", cwd=tmp_path).text
    )
    message = error_of(
        "add", "docs", "--index", name.replace("notes", "other"), "--index-option", "shards=2", cwd=tmp_path
    )
    assert "--index-option: shards is 2, and qdrant:other@" in message
    (tmp_path / "deeper").mkdir()
    done = run("move", str(tmp_path / "folder"), name.replace("notes", "third"), cwd=tmp_path / "deeper")
    assert "these are two folders here" in done.text


def test_the_options_may_be_in_the_file(place, tmp_path):
    (tmp_path / "shortlist.toml").write_text("[index]\nshards = 2\n\n[search]\nrerank = false\n")
    name = place[1].replace("notes", "new")
    run("add", "docs", "--index", name, *OPTIONS, cwd=tmp_path)
    assert "shards is 2" in error_of("add", "docs", *place, *OPTIONS, cwd=tmp_path)
    assert run("search", "cat", "--index", name, "--json", cwd=tmp_path).json()["hits"]
    assert run("search", "cat", *place, "--json", cwd=tmp_path).json()["hits"]
    assert "leave it out" in error_of("add", "docs", "--index", "folder", *OPTIONS, cwd=tmp_path)
    (tmp_path / "shortlist.toml").write_text("[index]\nshard = 2\n")
    message = error_of("search", "cat", *place, cwd=tmp_path)
    assert "'shard' is unknown; the options are shards, replicas" in message


def test_secrets_are_in_no_message(place, tmp_path):
    name = place[1].replace("http://", "http://user:hidden@") + "?key=hidden"
    for command in (["add", "docs", *OPTIONS], ["list"], ["search", "cat", "--no-rerank"], ["remove", "x"]):
        assert "hidden" not in run(*command, "--index", name, cwd=tmp_path, code=None).text, command


def test_an_index_that_is_not_there(place, tmp_path):
    name = place[1].replace("notes", "nothing")
    for command in (["list"], ["search", "cat"], ["remove", "x"], ["move", name, "folder"]):
        arguments = command if command[0] == "move" else [*command, "--index", name]
        message = error_of(*arguments, cwd=tmp_path, code=3)
        assert f"there is no index {name}: make one with: shortlist add PATH --index {name}" in message
    (tmp_path / "photos").mkdir()
    message = error_of("add", "photos", "--index", name, *OPTIONS, cwd=tmp_path)
    assert f"nothing could be read from photos, so the index {name} was not created" in message
    assert error_of("list", "--index", "qdrant:notes@http://127.0.0.1:1", cwd=tmp_path, code=3).startswith(
        "qdrant:notes@http://127.0.0.1:1 does not answer"
    )
    message = error_of("search", "cat", *place, "--retriever", place[1], cwd=tmp_path)
    assert "is given, too: leave out the index" in message
