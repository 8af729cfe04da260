"""`shortlist queries init`, driven by its prompts."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys

import pytest

from command_line import error_of, run
from hashed import index_of
from shortlist import registry
from shortlist.evaluation.query_sets import files
from shortlist.types import Passage
from worlds import WORDS, TextReranker


@pytest.fixture(scope="module")
def index(tmp_path_factory):
    folder = tmp_path_factory.mktemp("made") / "ix"
    draw = random.Random(2)
    texts = [f"{' '.join(draw.choices(WORDS, k=9))} garden path, {n}" for n in range(24)]
    index_of([Passage(f"p{n}", text, f"p{n}", f"Walk {n // 4} by the river") for n, text in enumerate(texts)], folder)
    return folder


@pytest.fixture
def init(index, tmp_path, monkeypatch):
    """Run `queries init` with these answers to its questions, and return what it printed."""
    monkeypatch.setattr(registry, "load_reranker", lambda name, **_: TextReranker())

    def invoke(*answers, out="q.jsonl", options=("--proposals", "3", "--top", "2")):
        typed = "".join(f"{answer}\n" for answer in answers)
        result = run("queries", "init", "--index", str(index), "--out", out, *options, cwd=tmp_path, stdin=typed)
        return result.out + result.err

    return invoke


def rows(folder, name="q.jsonl"):
    return [json.loads(line) for line in (folder / name).read_text().splitlines()]


def test_judgments_are_taken_saved_and_end_with_the_next_step(init, tmp_path):
    shown = init("", "y", "n", "s", "q")
    assert "query 1 of 3:" in shown
    assert "passage 1 of " in shown
    assert "does the passage answer the query?" in shown
    assert "logit" not in shown
    assert "was " not in shown
    saved = rows(tmp_path)
    assert len(saved) == 1
    assert sorted(saved[0]["relevant"].values()) == [0, 1]
    assert "2 judgments of 1 query in q.jsonl; 1 with an answer" in shown
    assert "evaluate needs two judged queries" in shown


def test_it_goes_on_with_what_was_not_judged_and_never_asks_twice(init, tmp_path):
    first = init("", "y", "q")
    query = first.split("query 1 of 3: ")[1].splitlines()[0]
    total = int(first.split("passage 1 of ")[1].split()[0])
    assert rows(tmp_path)[0]["query"] == query
    second = init(*["n"] * (total - 1), "q")
    assert f"passage 1 of {total - 1} for" in second
    assert second.index(f"for '{query}'") < second.index("query 1 of 2: ")
    assert len(rows(tmp_path)[0]["relevant"]) == total
    third = init("q")
    assert f"{total} judgments so far" in third
    assert query not in third


def test_what_was_left_unjudged_is_not_asked_again(init, tmp_path):
    first = init("", "s", "q")
    query = first.split("query 1 of 3: ")[1].splitlines()[0]
    total = int(first.split("passage 1 of ")[1].split()[0])
    second = init(*["s"] * (total - 1), "q")
    assert f"passage 1 of {total - 1} for '{query}'" in second
    third = init("q")
    assert "passage 1" not in third
    assert f": {query}" not in third
    assert "of 2:" in third


def test_a_declined_query_is_not_proposed_again(init, tmp_path):
    first = init("n", "q")
    declined = first.split("query 1 of 3: ")[1].splitlines()[0]
    assert f": {declined}" not in init("q")
    assert "of 2:" in init("q")
    assert not (tmp_path / "q.jsonl").exists()


def test_one_letter_is_never_a_query(init, tmp_path):
    shown = init("x", "Y", "n", "q")
    query = shown.split("query 1 of 3: ")[1].splitlines()[0]
    assert shown.count("Enter or y accepts") == 2
    assert [row["query"] for row in rows(tmp_path)] == [query]
    init(*["n"] * 4, "s", "no", "y", "q", "q")
    assert [row["query"] for row in rows(tmp_path)] == [query]
    assert len((tmp_path / "q.jsonl.declined.txt").read_text().splitlines()) == 2


def test_a_file_that_cannot_be_written_is_an_error_before_the_first_question(index, tmp_path):
    message = error_of("queries", "init", "--index", str(index), "--out", "missing/q.jsonl", cwd=tmp_path)
    assert "missing/q.jsonl is in a folder that does not exist" in message


def test_the_next_step_is_quoted_for_the_shell(init, index, tmp_path):
    (tmp_path / "my sets").mkdir()
    shown = init("one garden", *["y"] * 4, "two bridge", *["y"] * 4, "q", out="my sets/q.jsonl")
    assert f"next: shortlist evaluate 'my sets/q.jsonl' --index {index}" in shown


def test_own_queries_come_before_the_proposal_and_after_the_last(init, index, tmp_path):
    own = ["where is the bridge", *["y"] * 4]
    init(*own, "q")
    assert rows(tmp_path)[0]["query"] == "where is the bridge"
    left = ["n", "n", "n"]
    shown = init(*left, "another one", *["n"] * 4, "")
    assert "a query of your own (Enter ends)" in shown
    assert [row["query"] for row in rows(tmp_path)] == ["where is the bridge", "another one"]
    assert f"next: shortlist evaluate q.jsonl --index {index}" in shown
    assert len(files.read(tmp_path / "q.jsonl").queries) == 2


def test_answers_that_are_none_are_asked_again(init, tmp_path):
    shown = init("", "maybe", "Y", "q")
    assert shown.count("does the passage answer the query?") == 3
    assert list(rows(tmp_path)[0]["relevant"].values()) == [1]


def test_csv_works_and_the_end_of_input_is_a_quit(init, tmp_path):
    init("", "y", out="q.csv")
    assert (tmp_path / "q.csv").read_text().startswith("id,query,relevant,grade,snippet")


def test_the_query_set_can_be_evaluated(init, index, tmp_path):
    init("one garden", *["y"] * 4, "two bridge", *["n", "y", "n", "y"], "q")
    evaluated = run("evaluate", "q.jsonl", "--index", str(index), "--no-rerank", cwd=tmp_path)
    assert "2 queries judged by passage ids" in evaluated.err


def test_limits_of_the_file_hide_no_passage(init, tmp_path):
    (tmp_path / "shortlist.toml").write_text("[search]\nmin_score = 1e9\ntop_k = 1\n")
    assert "passage 1 of " in init("one garden", "q")


def test_a_limit_per_document_hides_no_passage(tmp_path, monkeypatch):
    monkeypatch.setattr(registry, "load_reranker", lambda name, **_: TextReranker())
    index_of([Passage(f"p{n}", f"garden path {n}", "one", "Walk") for n in range(8)], tmp_path / "one")
    (tmp_path / "shortlist.toml").write_text("[search]\nper_document = 1\nmmr = 0.1\n")
    command = ("queries", "init", "--index", "one", "--out", "q.jsonl", "--proposals", "1", "--top", "4")
    shown = run(*command, cwd=tmp_path, stdin="garden\nq\n")
    assert int((shown.out + shown.err).split("passage 1 of ")[1].split()[0]) >= 4


def test_in_a_real_terminal(index, tmp_path):
    pty = pytest.importorskip("pty")
    code = "import sys; from shortlist.cli import main; sys.argv[0] = 'shortlist'; main()"
    options = ["queries", "init", "--index", str(index), "--out", "q.jsonl", "--no-rerank", "--top", "1"]
    ours, theirs = pty.openpty()
    command = subprocess.Popen(
        [sys.executable, "-c", code, *options], cwd=tmp_path, stdin=theirs, stdout=theirs, stderr=theirs, close_fds=True
    )
    os.close(theirs)
    os.write(ours, b"\ny\nq\n")
    shown = b""
    try:
        while part := os.read(ours, 4096):
            shown += part
    except OSError:
        pass
    os.close(ours)
    assert command.wait(timeout=60) == 0, shown
    assert b"1 judgment of 1 query" in shown
    assert list(rows(tmp_path)[0]["relevant"].values()) == [1]
