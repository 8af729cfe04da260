"""`evaluate --run` and `--write-run`, and `queries convert`: every form in and out from the command line."""

from __future__ import annotations

import json

import pytest

from command_line import error_of, run
from hashed import index_of
from shortlist.evaluation.query_sets import files
from shortlist.evaluation.saved import load
from shortlist.types import Passage
from worlds import WORDS

QUERIES = [
    {"id": f"q{i}", "query": f"{WORDS[i]} {WORDS[i + 1]}", "relevant": {f"p{i}": 2, f"p{i + 1}": 0}} for i in range(6)
]


@pytest.fixture(scope="module")
def index(tmp_path_factory):
    folder = tmp_path_factory.mktemp("made") / "ix"
    corpus = [
        Passage(f"p{i}", f"{WORDS[i % 10]} {WORDS[(i * 3) % 10]} {WORDS[(i * 7 + 1) % 10]}", f"p{i}") for i in range(20)
    ]
    index_of(corpus, folder)
    return folder


class Shell:
    """Commands in `here`, where `q.jsonl` is."""

    def __init__(self, here, index):
        self.here, self.index = here, index

    def __call__(self, *arguments):
        return run(*arguments, cwd=self.here).text

    def command(self, *options):
        return ("evaluate", "q.jsonl", "--index", str(self.index), "--no-rerank", *options)

    def evaluate(self, *options):
        return self(*self.command(*options))


@pytest.fixture
def shell(index, tmp_path):
    (tmp_path / "q.jsonl").write_text("".join(json.dumps(row) + "\n" for row in QUERIES))
    return Shell(tmp_path, index)


def test_a_run_written_and_read_again_gives_the_same_numbers(shell):
    shell.evaluate("--pool", "12", "--write-run", "mine.run", "--save", "mine.json")
    assert all(len(scores) == 12 for scores in files.read_run(shell.here / "mine.run").values())
    (kept,) = load(shell.here / "mine.json")
    files.write_run(
        {outcome.query_id: outcome.ranked for outcome in kept.outcomes}, shell.here / "kept.run", tag="default"
    )
    assert (shell.here / "kept.run").read_text() == (shell.here / "mine.run").read_text()
    shown = shell.evaluate("--pool", "12", "--run", "again:mine.run", "--save", "both.json", "--markdown", "m.md")
    assert "again: mine.run: 6 of 6 judged queries answered" in shown
    assert "set-ups compared" in shown
    assert "times unknown" in shown
    own, again = load(shell.here / "both.json")
    assert (again.name, again.pool_size) == ("again", 12)
    for measure in own.measures:
        assert own.values("reranked", measure) == again.values("reranked", measure)
    section = (shell.here / "m.md").read_text().split("### again")[1].split("###")[0]
    assert "Recall of the pool" in section
    assert "Median" not in section


def test_every_set_up_gets_a_file_and_the_baseline_is_for_set_ups_alone(shell):
    shell.evaluate("--save", "base.json")
    shell.evaluate("--write-run", "r.txt", "--set-up", "v1.0:pool_size=7", "--set-up", "two words:pool_size=12")
    assert sorted(path.name for path in shell.here.glob("r.*")) == ["r.two_words.txt", "r.v1.0.txt"]
    (shell.here / "bad.run").write_text("q0 Q0 p19 1 1 x\nzz Q0 p1 1 1 x\nq1 Q0 elsewhere 1 1 x\n")
    rule = ("--baseline", "base.json", "--fail-if", "nDCG@10 < -0.01")
    shown = shell.evaluate("--run", "bad:bad.run", *rule)
    assert "2 of 6 judged queries answered; 4 count 0; 1 query without judgments ignored; 1 of 2 ids are" in shown
    assert "passed: fail if" in shown.replace("default: ", "")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--run", "run.txt"], "write NAME:FILE"),
        (["--run", "x:missing.txt"], "missing.txt can"),
        (["--run", "default:run.txt"], "another set-up or run is named 'default'"),
        (["--run", "x:run.txt", "--run", "x:run.txt"], "another set-up or run is named 'x'"),
        (["--run", "x:other.txt"], "answers none of the 6 judged queries"),
        (["--run", "x:foreign.txt"], "none of its 1 ids, such as 'doc', is in the corpus"),
        (["--write-run", "nowhere/r.txt"], "nowhere/r.txt is in a folder that does not exist"),
        (
            ["--write-run", "r.txt", "--set-up", "a b:pool_size=7", "--set-up", "a_b:pool_size=9"],
            "two set-ups would be written",
        ),
    ],
)
def test_a_bad_run_is_named_before_anything_is_measured(shell, monkeypatch, arguments, message):
    (shell.here / "run.txt").write_text("q0 Q0 p1 1 1 x\n")
    (shell.here / "other.txt").write_text("7 Q0 p1 1 1 x\n")
    (shell.here / "foreign.txt").write_text("q0 Q0 doc 1 1 x\n")
    monkeypatch.setattr("shortlist.cli.commands.evaluate._measured", lambda *_: pytest.fail("measured"))
    assert message in error_of(*shell.command(*arguments), cwd=shell.here)


def test_convert_goes_round_all_forms_and_loses_nothing(shell):
    steps = [("q.csv",), ("beir",), ("topics.tsv", "--qrels-out", "qrels.txt"), ("back.jsonl", "--qrels", "qrels.txt")]
    before = "q.jsonl"
    for step in steps:
        assert "6 queries, 12 judgments written to" in shell("queries", "convert", before, *step)
        before = step[0]
    start, end = files.read(shell.here / "q.jsonl"), files.read(shell.here / "back.jsonl")
    assert (start.queries, start.qrels) == (end.queries, end.qrels)
    assert "q.csv" in error_of("queries", "convert", "q.jsonl", "q.csv", cwd=shell.here), "the file exists"


def test_convert_puts_ids_in_place_of_snippets(shell):
    (shell.here / "s.csv").write_text("query,snippet\nx,red red blue\ny,blue dog tree\nunjudged,\n")
    for out in (["beir"], ["t.txt", "--qrels-out", "qrels.txt"]):
        assert "queries convert --index DIR` replaces snippets by ids" in error_of(
            "queries", "convert", "s.csv", *out, cwd=shell.here
        )
    shown = shell("queries", "convert", "s.csv", "beir", "--index", str(shell.index))
    assert "1 query without judgments left out" in shown
    made = files.read(shell.here / "beir")
    assert {key for grades in made.qrels.values() for key in grades} == {"p0", "p10", "p1", "p11"}


def test_what_convert_can_not_write_leaves_no_file(shell):
    (shell.here / "odd.jsonl").write_text(
        '{"query": "a", "relevant": ["fine", "x|y"]}\n{"query": "b", "relevant": ["in two"]}\n'
    )
    for out, message in (
        (["odd.csv"], "separates ids"),
        (["t.txt", "--qrels-out", "qr.txt"], "white space"),
        (["no/where.jsonl"], "cannot be written"),
        (["odd.xlsx"], "name a .jsonl or .csv file"),
    ):
        assert message in error_of("queries", "convert", "odd.jsonl", *out, cwd=shell.here)
    assert sorted(path.name for path in shell.here.iterdir()) == ["odd.jsonl", "q.jsonl"]
