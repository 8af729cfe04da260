"""`evaluate --run` and `--write-run`, and `queries convert`: every form in and out from the command line."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from shortlist.cli.app import app
from shortlist.encoders.hashed import HashedEncoder
from shortlist.errors import InvalidInput
from shortlist.evaluation.query_sets import files as datasets
from shortlist.evaluation.saved import load
from shortlist.indexes.embedded import EmbeddedIndex
from shortlist.types import Passage
from worlds import WORDS

QUERIES = [
    {"id": f"q{i}", "query": f"{WORDS[i]} {WORDS[i + 1]}", "relevant": {f"p{i}": 2, f"p{i + 1}": 0}} for i in range(6)
]


@pytest.fixture(scope="module")
def index(tmp_path_factory):
    folder = tmp_path_factory.mktemp("made") / "ix"
    encoder = HashedEncoder(32)
    corpus = [
        Passage(f"p{i}", f"{WORDS[i % 10]} {WORDS[(i * 3) % 10]} {WORDS[(i * 7 + 1) % 10]}", f"p{i}") for i in range(20)
    ]
    with EmbeddedIndex.create(folder, encoder_name=encoder.name, dimension=32) as index:
        index.add(corpus, encoder.encode_passages([one.content for one in corpus]))
    return folder


@pytest.fixture
def shell(index, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "q.jsonl").write_text("".join(json.dumps(row) + "\n" for row in QUERIES))

    def run(*arguments, code=0):
        done = CliRunner().invoke(app, list(arguments))
        if isinstance(done.exception, Exception) and not isinstance(done.exception, SystemExit):
            raise done.exception
        assert done.exit_code == code, done.output
        return " ".join(done.output.split())

    run.here = tmp_path
    run.evaluate = lambda *more, code=0: run(
        "evaluate", "q.jsonl", "--index", str(index), "--no-rerank", *more, code=code
    )
    run.index = index
    return run


def test_a_run_written_and_read_again_gives_the_same_numbers(shell):
    shell.evaluate("--pool", "12", "--write-run", "mine.run", "--save", "mine.json")
    assert all(len(scores) == 12 for scores in datasets.read_run(shell.here / "mine.run").values())
    (kept,) = load(shell.here / "mine.json")
    datasets.write_run({one.query_id: one.ranked for one in kept.outcomes}, shell.here / "kept.run", tag="default")
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
    shell.evaluate("--write-run", "r.txt", "--set-up", "v1.0:pool=7", "--set-up", "two words:pool=12")
    assert sorted(path.name for path in shell.here.glob("r.*")) == ["r.two_words.txt", "r.v1.0.txt"]
    (shell.here / "bad.run").write_text("q0 Q0 p19 1 1 x\nzz Q0 p1 1 1 x\nq1 Q0 elsewhere 1 1 x\n")
    rule = ("--baseline", "base.json", "--fail-if", "nDCG@10 < -0.01")
    shown = shell.evaluate("--run", "bad:bad.run", *rule)
    assert "2 of 6 judged queries answered; 4 count 0; 1 queries without judgments passed over; 1 of 2 ids are" in shown
    assert "passed: fail if" in shown.replace("default: ", "")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--run", "run.txt"], "write NAME:FILE"),
        (["--run", "x:missing.txt"], "missing.txt can't be read"),
        (["--run", "default:run.txt"], "another set-up or run is named 'default'"),
        (["--run", "x:run.txt", "--run", "x:run.txt"], "another set-up or run is named 'x'"),
        (["--run", "x:other.txt"], "answers none of the 6 judged queries"),
        (["--run", "x:foreign.txt"], "none of its 1 ids, such as 'doc', is in the index"),
        (["--write-run", "nowhere/r.txt"], "nowhere/r.txt is in a folder that does not exist"),
        (["--write-run", "r.txt", "--set-up", "a b:pool=7", "--set-up", "a_b:pool=9"], "two set-ups would be written"),
    ],
)
def test_a_bad_run_is_said_before_anything_is_measured(shell, monkeypatch, arguments, message):
    (shell.here / "run.txt").write_text("q0 Q0 p1 1 1 x\n")
    (shell.here / "other.txt").write_text("7 Q0 p1 1 1 x\n")
    (shell.here / "foreign.txt").write_text("q0 Q0 doc 1 1 x\n")
    monkeypatch.setattr("shortlist.cli.commands.evaluate._measured", lambda *_: pytest.fail("measured"))
    with pytest.raises(InvalidInput, match=message):
        shell.evaluate(*arguments)


def test_convert_goes_round_all_forms_and_loses_nothing(shell):
    steps = [("q.csv",), ("beir",), ("topics.tsv", "--qrels-out", "qrels.txt"), ("back.jsonl", "--qrels", "qrels.txt")]
    before = "q.jsonl"
    for step in steps:
        assert "6 queries, 12 judgments written to" in shell("queries", "convert", before, *step)
        before = step[0]
    start, end = datasets.read(shell.here / "q.jsonl"), datasets.read(shell.here / "back.jsonl")
    assert (start.queries, start.qrels) == (end.queries, end.qrels)
    with pytest.raises(InvalidInput, match=r"q\.csv is there already"):
        shell("queries", "convert", "q.jsonl", "q.csv")


def test_convert_puts_ids_in_place_of_snippets(shell):
    (shell.here / "s.csv").write_text("query,snippet\nx,red red blue\ny,blue dog tree\nunjudged,\n")
    for out in (["beir"], ["t.txt", "--qrels-out", "qrels.txt"]):
        with pytest.raises(InvalidInput, match=r"judged by text snippets, .* \(convert with --index DIR"):
            shell("queries", "convert", "s.csv", *out)
    shown = shell("queries", "convert", "s.csv", "beir", "--index", str(shell.index))
    assert "1 queries without judgments left out" in shown
    made = datasets.read(shell.here / "beir")
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
        with pytest.raises(InvalidInput, match=message):
            shell("queries", "convert", "odd.jsonl", *out)
    assert sorted(path.name for path in shell.here.iterdir()) == ["odd.jsonl", "q.jsonl"]
