"""`shortlist evaluate` on an index with a stand-in reranker."""

from __future__ import annotations

import json
import re
import shlex
import shutil
from dataclasses import replace
from importlib import import_module
from pathlib import Path

import pytest

from corpora import make_corpus, shell_in
from hashed import index_of
from shortlist import atomic_io, registry
from shortlist.encoders.hashed import HashedEncoder
from shortlist.errors import InvalidInput
from shortlist.evaluation.metrics.outcomes import STAGES
from shortlist.evaluation.saved import load
from shortlist.types import Passage
from worlds import OracleReranker, TextReranker

QUERIES = 24
ROOT = Path(__file__).resolve().parent.parent.parent
RULE = ("--baseline", "base.json", "--fail-if", "nDCG@10 < -0.01")


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    """An index of 40 passages, and 24 judged queries in three forms."""
    corpus = make_corpus(tmp_path_factory.mktemp("made"), passages=40, queries=QUERIES, words=3)
    topics = "".join(f"{n}\t{row['query']}\n" for n, row in enumerate(corpus.rows))
    (corpus.folder / "topics.tsv").write_text(topics)
    (corpus.folder / "qrels.txt").write_text(
        "".join(f"{n} 0 {row['relevant'][0]} 1\n" for n, row in enumerate(corpus.rows))
    )
    return corpus


@pytest.fixture
def shell(corpus, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return shell_in(tmp_path, corpus, monkeypatch)


def test_both_stages_ceiling_times_and_failures_are_shown(shell):
    shown = shell("evaluate", "q.jsonl", "--pool", "10", "--save", "run.json")
    (saved,) = load(shell.here / "run.json")
    for measure in saved.measures:
        for estimate in (*(saved.estimate(stage, measure) for stage in STAGES[:2]), saved.gain(measure).difference):
            assert f"{estimate.mean:.4f} " in shown
            assert f"{estimate.low:.3f}, " in shown
            assert f"{estimate.high:.3f}]" in shown
    table = shown.split("recall of the pool")[0].splitlines()[1:]
    assert [line for line in table if line != line.rstrip()] == []
    assert len(table) == 2 + len(saved.measures), "one line for each measure, after the header and the rule"
    for part in ("stage one", "reranked", "ceiling", "[95 %]", "won/lost", "/tied", "nDCG@10", "Judged@10", "p95"):
        assert part in shown
    assert " fine" in shown
    assert "24 queries judged by passage ids" in shown


def test_the_table_fits_a_terminal_of_80_columns(shell, monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "80")
    shown = re.sub(r"\x1b\[[0-9;]*m", "", shell("evaluate", "q.jsonl", "--pool", "10"))
    assert max(map(len, shown.split("recall of the pool")[0].splitlines()[1:])) <= 80
    assert "won/lost\n" in re.sub(" +\n", "\n", shown)


def test_the_line_about_the_query_set_says_whether_it_names_ids_or_snippets(shell):
    lines = [{"query": row["query"], "snippets": [str(row["query"]).rsplit(" ", 1)[0]]} for row in shell.corpus.rows]
    (shell.here / "s.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert "24 queries judged by snippets" in shell("evaluate", "s.jsonl", "--no-rerank")
    lines[0] = shell.corpus.rows[0]
    (shell.here / "both.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    shown = shell("evaluate", "both.jsonl", "--no-rerank")
    assert "24 queries judged by passage ids and snippets" in shown


def test_several_set_ups_print_the_line_about_the_query_set_once_if_it_is_the_same(shell):
    set_ups = ("--set-up", "one:pool_size=5,rerank=false", "--set-up", "two:pool_size=9,rerank=false")
    assert shell("evaluate", "q.jsonl", *set_ups).count("queries judged by passage ids") == 1


def test_a_file_of_another_kind_is_refused_with_the_option_and_the_kinds(shell):
    (shell.here / "x.md").write_text("# Some text\n")
    message = shell.fails("evaluate", "x.md")
    assert "--qrels is missing, and x.md can only be TREC topics" in message
    assert "a BEIR folder, a .csv, .tsv or .jsonl file, or TREC topics" in message


def test_few_queries_give_a_warning(shell):
    assert "warning: " not in shell("evaluate", "q.jsonl", "--pool", "5")
    few = (shell.corpus.folder / "q.jsonl").read_text().splitlines(keepends=True)[:3]
    (shell.here / "few.jsonl").write_text("".join(few))
    assert "warning: 3 queries are few" in shell("evaluate", "few.jsonl", "--pool", "5")


def test_trec_files_and_measures_are_read(shell):
    qrels = str(shell.corpus.folder / "qrels.txt")
    shown = shell("evaluate", "topics.tsv", "--qrels", qrels, "--measure", "RR@3")
    assert "RR@3" in shown
    assert "nDCG" not in shown


def test_a_baseline_passes_and_fails_with_an_exit_code_and_a_summary(shell):
    shell("evaluate", "q.jsonl", "--save", "base.json")
    rule = (*RULE, "--markdown", "summary.md")
    assert "passed: fail if nDCG@10 < -0.01" in shell("evaluate", "q.jsonl", *rule)
    assert "### Against the baseline: passed" in (shell.here / "summary.md").read_text()
    shell.reranker = OracleReranker(shell.corpus.answers, -1)
    assert "FAILED: fail if nDCG@10 < -0.01" in shell("evaluate", "q.jsonl", *rule, code=1)
    assert "### Against the baseline: failed" in (shell.here / "summary.md").read_text()


def test_each_set_up_has_its_own_result_of_a_rule_under_its_name(shell):
    set_ups = ("--set-up", "one:pool_size=5", "--set-up", "two|b:pool_size=9")
    shell("evaluate", "q.jsonl", *set_ups, "--save", "base.json")
    rule = ("--baseline", "base.json", "--fail-if", "RR@10 < -0.01", "--markdown", "m.md", "--report", "r.html")
    shown = shell("evaluate", "q.jsonl", *set_ups, *rule)
    summary, page = (shell.here / "m.md").read_text(), (shell.here / "r.html").read_text(encoding="utf-8")
    assert "passed: one: fail if RR@10 < -0.01\npassed: two|b: fail if RR@10 < -0.01" in shown
    assert "- passed: one: fail if `RR@10 < -0.01`\n- passed: two\\|b: fail if `RR@10 < -0.01`" in summary
    assert "one: fail if RR@10 &lt; -0.01" in page
    assert "two|b: fail if RR@10 &lt; -0.01" in page


def test_set_ups_are_compared_and_saved_by_name(shell):
    (shell.here / "more.toml").write_text("[shallow]\npool_size = 5\nretriever = 'bm25'\n")
    options = ("--set-up", "deep:pool_size=20,blend=0", "--set-up", "more.toml", "--set-up", "none:rerank=false")
    shown = shell("evaluate", "q.jsonl", *options, "--save", "three.json")
    assert "set-ups compared" in shown
    saved = load(shell.here / "three.json")
    assert [(each.name, each.pool_size) for each in saved] == [("deep", 20), ("shallow", 5), ("none", 50)]
    assert (saved[0].about["blend"], saved[1].about["retriever"]) == ("0", "bm25")
    assert (saved[2].about["reranker"], {outcome.scored for outcome in saved[2].outcomes}) == ("none", {0})


def test_a_set_up_stands_above_the_options_and_those_above_the_file(shell):
    shell.toml("pool_size = 5\nblend = 2.0\nfusion = 0.25")
    options = ("--pool", "7", "--blend", "3", "--set-up", "own:pool_size=9", "--set-up", "given:blend=3")
    shell("evaluate", "q.jsonl", *options, "--save", "two.json", "--measure", "RR@3")
    own, given = load(shell.here / "two.json")
    assert [(each.pool_size, each.about["blend"], each.about["fusion"]) for each in (own, given)] == [
        (9, "3", "0.25"),
        (7, "3", "0.25"),
    ]


def test_weights_of_the_file_are_left_out_of_a_set_up_with_another_reranker(shell):
    shell.toml("weights = { dense = 3.0 }")
    options = ("--set-up", "same:rerank=true", "--set-up", "other:reranker=other/model")
    shown = shell("evaluate", "q.jsonl", *options, "--save", "two.json", "--measure", "RR@3")
    same, other = load(shell.here / "two.json")
    assert (same.about["final score"], other.about["final score"]) == (
        "reranker's score + 3 x dense",
        "the reranker's score",
    )
    assert "weights of shortlist.toml is ignored: it is valid for another reranker" in shown


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--baseline", "other.json"], "was measured on other (2 queries), and its queries or judgments differ"),
        (["--baseline", "base.json", "--fail-if", "RR@10 < 0"], "needs RR@10, and the baseline base.json lacks it"),
        (["--baseline", "base.json", "--set-up", "a:blend=5", "--set-up", "b:blend=6"], "has no set-up 'a'"),
        (["--baseline", "none.json", "--fail-if", "nDCG@10 < 0"], "none.json has an empty list of evaluations"),
        (["--baseline", "base.json", "--measure", "RR@5"], "has none of RR@5, so nothing can be compared"),
        (["--save", "nope/x.json"], "nope/x.json is in a folder that does not exist"),
        (["--save", "."], "is a folder: name another file"),
        (["--report", "read-only/x.html"], "x.html cannot be written, because the file or its folder is read-only"),
        (["--write-run", "read-only/x.run"], "x.run cannot be written, because the file or its folder is read-only"),
        (["--markdown", "nope/x.md"], "nope/x.md is in a folder that does not exist"),
        (["--set-up", "a:blend=5", "--set-up", "b:index=cut-otherwise"], "does not judge the same in"),
    ],
)
def test_errors_that_would_end_a_run_in_vain_come_before_anything_is_scored(shell, arguments, message, monkeypatch):
    (shell.here / "read-only").mkdir()
    monkeypatch.setattr(atomic_io.os, "access", lambda place, _: place.name != "read-only")
    (shell.here / "other.jsonl").write_text("".join(f'{{"query": "{q}", "relevant": ["p1"]}}\n' for q in "ab"))
    shell("evaluate", "other.jsonl", "--save", "other.json", "--measure", "nDCG@10")
    (shell.here / "none.json").write_text('{"version": 2, "evaluations": []}')
    others = [Passage(f"new{n}", f"text number{n}", f"p{n}") for n in range(40)]
    index_of(others, shell.here / "cut-otherwise", dimension=64)
    shell("evaluate", "q.jsonl", "--save", "base.json", "--measure", "nDCG@10")
    shell.reranker.scored = 0
    assert message in shell.fails("evaluate", "q.jsonl", *arguments)
    assert shell.reranker.scored == 0
    assert not list(shell.here.glob("*.partial.jsonl"))


def test_an_evaluation_is_shown_and_saved_before_it_is_compared(shell, monkeypatch):
    def failing(*_):
        raise InvalidInput("cannot be compared")

    with monkeypatch.context() as patch:
        patch.setattr(import_module("shortlist.evaluation.evaluate"), "compare", failing)
        assert shell.fails("evaluate", "q.jsonl", "--pool", "5", "--save", "kept.json") == "cannot be compared"
    assert len(load(shell.here / "kept.json")[0].outcomes) == QUERIES
    assert f"{QUERIES} queries measured by an interrupted run" in shell("evaluate", "q.jsonl", "--pool", "5")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--fail-if", "nDCG@10 < 0"], "give --baseline FILE, too"),
        (["--set-up", "x:depth=3"], "set-up 'x': 'depth' is unknown; the keys are index, retriever"),
        (["--set-up", "x:indx=other"], "set-up 'x': 'indx' is unknown (did you mean 'index'?); the keys are index, "),
        (
            ["--set-up", "x:pol_size=3"],
            "'pol_size' is unknown (did you mean 'pool_size'?); the keys",
        ),
        (["--set-up", "x:blend=3", "--state", "fits"], "--state is for the fits of a store"),
        (["--set-up", "x:pool_size=many"], "set-up 'x': pool_size must be a whole number of at least 1, or \"auto\""),
        (["--set-up", "x:rerank=maybe"], "set-up 'x': rerank must be true or false, not 'maybe'"),
        (["--set-up", "pool_size=3"], "write name:key=value"),
        (["--set-up", "x:pool_size"], "write key=value"),
        (["--set-up", "x:pool_size=3,pool_size=4"], "--set-up 'x' has 'pool_size' twice: give one value"),
        (["--set-up", "missing.toml"], "missing.toml cannot be read"),
        (["--set-up", "x:blend=3", "--set-up", "x:blend=4"], "two set-ups are named 'x'"),
        (["--set-up", "index.toml"], "set-up 'x': index must be the name of an index, not 3"),
        (["--set-up", "bi_encoder.toml"], "set-up 'x': bi_encoder must be a name, not 3"),
        (["--set-up", "retriever.toml"], "set-up 'x': retriever must be a name, not 3"),
        (["--set-up", "x:reranker="], "set-up 'x': reranker must be a name, not ''"),
        (["--set-up", "x:fusion=2"], "set-up 'x': fusion must be a number from 0 to 1, not 2"),
        (["--fusion", "2"], "--fusion must be a number from 0 to 1, not 2.0"),
        (["--cut", "0"], "--cut must be at least 1, not 0"),
        (["--cut", "-3"], "--cut must be at least 1, not -3"),
        (["--failures", "-1"], "--failures must be at least 0, not -1"),
        (["--measure", "mrr"], "mrr"),
        (["--baseline", "missing.json"], "missing.json can"),
    ],
)
def test_mistakes_are_named(shell, arguments, message):
    for key in ("index", "bi_encoder", "retriever"):
        (shell.here / f"{key}.toml").write_text(f"[x]\n{key} = 3\n")
    assert message in shell.fails("evaluate", "q.jsonl", *arguments)


def test_judgments_of_another_corpus_are_named(shell):
    rows = '{"query": "a", "relevant": ["p1"]}\n{"query": "b", "relevant": ["zzz"]}\n'
    (shell.here / "other.jsonl").write_text(rows)
    message = shell.fails("evaluate", "other.jsonl")
    assert "1 of 2 judged ids" in message
    assert "such as 'zzz' (other.jsonl line 2, query 'b')" in message
    assert "--allow-unknown" in message
    assert "1 judged id or snippet not in the corpus" in shell("evaluate", "other.jsonl", "--allow-unknown")


def test_without_a_reranker_no_table_has_columns_of_one(shell):
    shown = shell("evaluate", "q.jsonl", "--no-rerank", "--markdown", "s.md", "--report", "r.html")
    summary, page = ((shell.here / name).read_text(encoding="utf-8") for name in ("s.md", "r.html"))
    for text, words in ((shown, ("reranked", "gain", "won", "rerank p50", " scored")), (summary, ("reranked", "gain"))):
        assert "stage one" in text
        assert not [word for word in words if word in text]
    assert "stage one [95 %]" in page
    assert not [word for word in ("reranked [95 %]", "gain [95 %]", " scored, ") if word in page]
    assert "ceiling" in shown
    both = shell("evaluate", "q.jsonl", "--set-up", "a:top_k=5", "--set-up", "b:rerank=false")
    assert "reranked" in both


def test_set_ups_take_a_fusion_weight(shell):
    options = ("--set-up", "words:fusion=0,rerank=false", "--set-up", "bm25:retriever=bm25,rerank=false")
    shell("evaluate", "q.jsonl", *options, "--save", "two.json", "--measure", "nDCG@3")
    words, bm25 = load(shell.here / "two.json")
    assert words.values("reranked", "nDCG@3") == bm25.values("reranked", "nDCG@3")


class Interrupting(TextReranker):
    left = 10

    def score(self, query, texts):
        self.left -= 1
        if self.left < 0:
            raise KeyboardInterrupt
        return super().score(query, texts)


def test_it_survives_ctrl_c_and_resumes_with_the_same_result(shell):
    set_ups = ("--set-up", "one:pool_size=5", "--set-up", "two/b:pool_size=9")
    shell.reranker = Interrupting()
    shell.reranker.left = QUERIES + 4
    assert "run the same command again to continue" in shell("evaluate", "q.jsonl", *set_ups, code=130)
    shell.reranker = TextReranker()
    shown = shell("evaluate", "q.jsonl", *set_ups, "--save", "resumed.json")
    assert "24 queries measured by an interrupted run" in shown
    assert "4 queries measured by an interrupted run" in shown
    assert shell.reranker.scored == 20 * 9
    assert not list(shell.here.glob("*.partial.jsonl"))
    shell("evaluate", "q.jsonl", *set_ups, "--save", "whole.json")
    for resumed, whole in zip(load(shell.here / "resumed.json"), load(shell.here / "whole.json"), strict=True):
        assert resumed.values("reranked", "nDCG@10") == whole.values("reranked", "nDCG@10")


def test_set_ups_whose_names_look_alike_have_partial_results_of_their_own(shell):
    shell("evaluate", "q.jsonl", "--set-up", "v1.0:pool_size=5", "--set-up", "v1_0:pool_size=6", "--save", "two.json")
    assert [each.pool_size for each in load(shell.here / "two.json")] == [5, 6]


def test_another_run_does_not_take_partial_results(shell):
    shutil.copytree(shell.corpus.folder / "ix", shell.here / "copy")
    command = ("evaluate", "q.jsonl", "--set-up", "one:index=copy,pool_size=5")
    shell.reranker = Interrupting()
    shell(*command, code=130)
    shell.reranker = TextReranker()
    with registry.INDEXES.open(shell.here / "copy") as collection:
        passage = next(iter(collection.index.passages()))
        changed = [replace(passage, text="something else")]
        collection.index.add(changed, HashedEncoder(64).encode_passages([changed[0].content]))
    assert "interrupted run" not in shell(*command)
    assert shell.reranker.scored == QUERIES * 5
    shell.reranker = Interrupting()
    shell(*command, code=130)
    shell.reranker = TextReranker()
    shell.reranker.weights_hash = lambda: "new weights under the same name"
    assert "interrupted run" not in shell(*command)


def test_a_top_of_the_file_does_not_cut_the_evaluation(shell):
    shell.toml("pool_size = 10\ntop_k = 2\nmin_score = 1e9")
    shell("evaluate", "q.jsonl", "--save", "ten.json")
    (saved,) = load(shell.here / "ten.json")
    assert saved.pool_size == 10
    assert {len(outcome.ranked) for outcome in saved.outcomes} == {10}


def test_the_example_workflow_runs_as_written(shell):
    text = (ROOT / "examples" / "ci" / "retrieval.yml").read_text()
    command = shlex.split(text.split("run: >-")[1].split("- uses")[0])
    options = command[command.index("--index") + 2 :]
    shell("evaluate", "q.jsonl", "--save", "baseline.json")
    (shell.here / "evaluation").mkdir()
    (shell.here / "baseline.json").rename(shell.here / "evaluation" / "baseline.json")
    shell("evaluate", "q.jsonl", *[word.replace("$GITHUB_STEP_SUMMARY", "summary.md") for word in options])
    assert (shell.here / "evaluation" / "now.json").is_file()
    assert "### Against the baseline: passed" in (shell.here / "summary.md").read_text()


def test_a_report_is_written_and_its_place_is_checked_first(shell):
    set_ups = ("--set-up", "one:pool_size=5", "--set-up", "none:rerank=false")
    assert "report written to r.html" in shell("evaluate", "q.jsonl", *set_ups, "--report", "r.html")
    page = (shell.here / "r.html").read_text(encoding="utf-8")
    for part in ("one: Worst queries", "none minus one", "hashed-64", "red "):
        assert part in page
    shell.reranker.scored = 0
    message = shell.fails("evaluate", "q.jsonl", "--report", "missing/r.html")
    assert "missing/r.html is in a folder that does not exist" in message
    assert shell.reranker.scored == 0


class Narrow(TextReranker):
    def score(self, query, texts):
        if len(query) > 100:
            raise InvalidInput("the query is too long")
        return super().score(query, texts)


@pytest.mark.parametrize("command", ["evaluate", "tune", "calibrate"])
def test_a_query_that_was_too_long_can_be_shortened_and_the_command_run_again(shell, command):
    shell.reranker = Narrow()
    short = (shell.corpus.folder / "q.jsonl").read_text()
    (shell.here / "mine.jsonl").write_text(short + json.dumps({"query": "word " * 30, "relevant": ["p1"]}) + "\n")
    options = {"evaluate": (), "tune": ("--sizes", "5,20"), "calibrate": ("--pool", "40")}[command]
    assert "the query is too long" in shell.fails(command, "mine.jsonl", *options)
    (shell.here / "mine.jsonl").write_text(short + json.dumps({"query": "word", "relevant": ["p1"]}) + "\n")
    shell(command, "mine.jsonl", *options)
