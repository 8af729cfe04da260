"""A whole run reranked."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import tiny
from hashed import add
from inline_workers import InlineWorkers
from shortlist.bulk import rerank, work
from shortlist.bulk.parts import Parts
from shortlist.config import SearchConfig
from shortlist.errors import InvalidInput, ModelError

LENGTH = SearchConfig(reranker="bulk_parts:Pointwise")
TESTS = Path(__file__).resolve().parent.parent


def write(path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


@pytest.fixture
def files(tmp_path, monkeypatch):
    """A run of six queries with five passages each, and its texts. A unit has two queries."""
    monkeypatch.setattr(work, "FEWEST", 10)
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "corpus.jsonl", ({"id": f"p{n}", "text": "x" * (n + 1)} for n in range(10)))
    write(tmp_path / "queries.jsonl", ({"_id": f"q{n}", "text": f"query {n}"} for n in range(6)))
    rows = [f"q{q} Q0 p{(q + r) % 10} {r} {10 - r} first\n" for q in range(6) for r in range(1, 6)]
    (tmp_path / "run.txt").write_text("".join(rows), encoding="utf-8")
    return tmp_path


@pytest.fixture
def crew(monkeypatch):
    """Use these workers in place of processes."""

    def use(workers):
        monkeypatch.setattr("shortlist.bulk.reranking.choose_workers", lambda *args, **options: workers)
        return workers

    return use


def run(out="out.txt", config=LENGTH, **options):
    return rerank("run.txt", "corpus.jsonl", "queries.jsonl", out, config=config, **options)


def lines(file):
    return [line.split() for line in Path(file).read_text(encoding="utf-8").splitlines()]


def test_each_pool_is_in_the_order_of_the_scores(files, crew):
    crew(InlineWorkers())
    report = run()
    rows = lines("out.txt")
    assert [row[0] for row in rows] == [f"q{query}" for query in range(6) for _ in range(5)]
    assert rows[:5] == [
        ["q0", "Q0", f"p{n}", str(6 - n), f"{n + 1}.0", "bulk_parts:Pointwise"] for n in (5, 4, 3, 2, 1)
    ]
    assert (report.rows, report.failed, report.resumed, report.kept) == (30, 0, 0, None)
    assert not Path("out.txt.partial").exists()


def test_equal_scores_keep_the_order_of_the_run(files, crew):
    crew(InlineWorkers())
    write(files / "corpus.jsonl", ({"id": f"p{n}", "text": "same"} for n in range(10)))
    run()
    assert [row[2] for row in lines("out.txt")[:5]] == ["p1", "p2", "p3", "p4", "p5"]


def test_the_order_of_the_answers_changes_nothing(files, crew):
    crew(InlineWorkers())
    run("one.txt")
    crew(InlineWorkers(reverse=True))
    run("two.txt")
    assert Path("one.txt").read_bytes() == Path("two.txt").read_bytes()


def test_a_stopped_run_continues(files, crew):
    crew(InlineWorkers())
    run("whole.txt")
    crew(InlineWorkers(stop_after=2))
    with pytest.raises(KeyboardInterrupt):
        run()
    assert not Path("out.txt").exists()
    workers = crew(InlineWorkers())
    shown = []
    report = run(progress=lambda done, total: shown.append((done, total)))
    assert workers.seen == [2]
    assert (report.resumed, report.rows) == (20, 30)
    assert shown == [(20, 30), (30, 30)]
    assert Path("out.txt").read_bytes() == Path("whole.txt").read_bytes()
    assert not Path("out.txt.partial").exists()


def test_a_run_that_stopped_before_its_folder_was_deleted_gives_the_same_file(files, crew, monkeypatch):
    crew(InlineWorkers())
    monkeypatch.setattr(Parts, "finish", lambda self: self.close())
    run()
    before = Path("out.txt").read_bytes()
    workers = crew(InlineWorkers())
    run()
    assert workers.seen == []
    assert Path("out.txt").read_bytes() == before


@pytest.mark.parametrize("change", ["text", "query", "model", "precision"])
def test_partial_results_of_another_run_are_an_error(files, crew, change):
    crew(InlineWorkers(stop_after=1))
    with pytest.raises(KeyboardInterrupt):
        run()
    config = LENGTH
    if change == "text":
        write(files / "corpus.jsonl", ({"id": f"p{n}", "text": "y" * (n + 1)} for n in range(10)))
    elif change == "query":
        write(files / "queries.jsonl", ({"_id": f"q{n}", "text": f"other {n}"} for n in range(6)))
    elif change == "model":
        config = SearchConfig(reranker="bulk_parts:OfPool")
    else:
        config = SearchConfig(reranker=LENGTH.reranker, precision="exact")
    crew(InlineWorkers())
    with pytest.raises(InvalidInput, match="partial results of another run") as error:
        run(config=config)
    names = {"text": "input", "query": "input", "model": "reranker", "precision": "precision"}
    assert f"(other {names[change]})" in str(error.value)


def test_a_pair_that_fails_is_named_and_the_others_are_written(files, crew):
    crew(InlineWorkers())
    write(files / "corpus.jsonl", ({"id": f"p{n}", "text": "bad" if n == 3 else "x" * (n + 1)} for n in range(10)))
    report = run()
    assert {failure.id for failure in report.failures} == {f"query q{n}, passage p3" for n in (0, 1, 2)}
    (reason,) = {failure.reason for failure in report.failures}
    assert re.fullmatch(r"length failed: ValueError: bad, in bulk_parts\.py line \d+", reason)
    assert (report.rows, report.failed) == (27, 3)
    assert not [row for row in lines("out.txt") if row[2] == "p3"]
    assert [row[3] for row in lines("out.txt")[:4]] == ["1", "2", "3", "4"]
    assert report.kept == "out.txt.partial"


def test_failed_rows_are_tried_again_and_no_others(files, crew):
    crew(InlineWorkers(lost=[1]))
    report = run()
    assert [(failure.id, failure.rows) for failure in report.failures] == [("query q2", 5), ("query q3", 5)]
    assert report.rows == 20
    workers = crew(InlineWorkers())
    report = run()
    assert (workers.seen, report.rows, report.failed, report.kept) == ([1], 30, 0, None)


def test_pairs_without_a_text_and_queries_without_a_text_fail(files, crew):
    crew(InlineWorkers())
    write(files / "corpus.jsonl", ({"id": f"p{n}", "text": "x" * (n + 1)} for n in range(10) if n != 4))
    write(files / "queries.jsonl", ({"_id": f"q{n}", "text": f"query {n}"} for n in range(5)))
    report = run()
    reasons = {str(failure) for failure in report.failures}
    assert "query q0, passage p4: not in corpus.jsonl" in reasons
    assert "query q5 (5 rows): the query is not in queries.jsonl" in reasons
    assert report.rows == 30 - report.failed
    assert report.kept is None


def test_a_run_without_a_known_passage_is_an_error(files, crew):
    write(files / "corpus.jsonl", [{"id": "other", "text": "x"}])
    with pytest.raises(InvalidInput, match=r"has none of the passages of run\.txt, such as 'p1'"):
        run()


def test_a_run_without_a_known_query_is_an_error(files, crew):
    write(files / "queries.jsonl", [{"_id": "other", "text": "x"}])
    with pytest.raises(InvalidInput, match=r"has none of the 6 queries of run\.txt: the run has the id 'q0'"):
        run()


def test_the_passages_of_an_index(files, crew):
    crew(InlineWorkers())
    add([{"id": f"d{n}", "text": f"the text of document {n}" + " and more" * n} for n in range(3)], files / "index")
    rows = [f"q0 Q0 d{n}#0 {n + 1} {9 - n} x\n" for n in range(3)] + ["q0 Q0 d9#0 4 1 x\n"]
    Path("run.txt").write_text("".join(rows), encoding="utf-8")
    report = rerank("run.txt", files / "index", "queries.jsonl", "out.txt", config=LENGTH)
    assert [row[2] for row in lines("out.txt")] == ["d2#0", "d1#0", "d0#0"]
    assert [failure.id for failure in report.failures] == ["query q0, passage d9#0"]


def test_another_process_at_the_same_output_is_an_error(files, crew):
    other = InlineWorkers()
    crew(other)

    def nested(done, total):
        if other.seen == [0]:
            with pytest.raises(InvalidInput, match=r"another process works on out\.txt"):
                run()

    run(progress=nested)
    assert other.seen == [0, 1, 2]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"out": "nowhere/out.txt"}, "does not exist"),
        ({"workers": 0}, "workers must be at least 1"),
    ],
)
def test_options_that_cannot_be_used(files, options, message):
    with pytest.raises(InvalidInput, match=message):
        run(**options)


def test_an_unknown_reranker_starts_nothing(files):
    with pytest.raises((InvalidInput, ModelError)):
        run(config=SearchConfig(reranker="no such model"))
    assert not Path("out.txt.partial").exists()


def test_one_worker_and_four_give_identical_files(files):
    model = str(tiny.cross_encoder(files / "model", shows_batch=True))
    words = tiny.WORDS[4:]
    write(files / "corpus.jsonl", ({"id": f"p{n}", "text": " ".join(words[: n + 1])} for n in range(10)))
    config = SearchConfig(reranker=model)
    for workers in (1, 4):
        run(f"{workers}.txt", config, workers=workers)
    assert Path("1.txt").read_bytes() == Path("4.txt").read_bytes()
    assert len(lines("1.txt")) == 30


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL on Windows")
def test_a_killed_run_continues(files):
    run("whole.txt")
    program = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "from shortlist.bulk import rerank, work; from shortlist.config import SearchConfig\n"
        "work.FEWEST = 10\n"
        "rerank('run.txt', 'corpus.jsonl', 'queries.jsonl', 'out.txt', "
        "config=SearchConfig(reranker='bulk_parts:Slow'))\n"
    )
    with subprocess.Popen([sys.executable, "-c", program, str(TESTS)]) as process:
        for _ in range(6000):
            if list(Path("out.txt.partial").glob("*.npz")) or process.poll() is not None:
                break
            time.sleep(0.01)
        os.kill(process.pid, signal.SIGKILL)
    finished = len(list(Path("out.txt.partial").glob("*.npz")))
    assert 1 <= finished < 3
    report = run(config=SearchConfig(reranker="bulk_parts:Slow"))
    assert report.resumed == 10 * finished
    assert [row[:5] for row in lines("out.txt")] == [row[:5] for row in lines("whole.txt")]
