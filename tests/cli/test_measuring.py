"""`shortlist evaluate` and `shortlist tune`, and `shortlist.toml`, on a real index with a stand-in reranker."""

from __future__ import annotations

import html
import json
import shlex
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from shortlist import atomic_io as files
from shortlist import registry as catalog
from shortlist.cli.app import app
from shortlist.encoders.hashed import HashedEncoder
from shortlist.errors import InvalidInput
from shortlist.evaluation.metrics.outcomes import STAGES
from shortlist.evaluation.saved import load
from shortlist.indexes.embedded import EmbeddedIndex
from shortlist.types import Passage
from worlds import WORDS, OracleReranker, TextReranker

QUERIES = 24
ROOT = Path(__file__).resolve().parent.parent.parent


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """An index of 40 passages, and 24 judged queries in three forms."""
    folder = tmp_path_factory.mktemp("made")
    draw = np.random.default_rng(5)
    encoder = HashedEncoder(64)
    corpus = [Passage(f"p{i}", " ".join(draw.choice(WORDS, 5)) + f" number{i}", f"p{i}") for i in range(40)]
    with EmbeddedIndex.create(folder / "ix", encoder_name=encoder.name, dimension=64) as index:
        index.add(corpus, encoder.encode_passages([one.content for one in corpus]))
    rows, answers = [], {}
    for number in range(QUERIES):
        target = corpus[int(draw.integers(0, 40))]
        query = f"{' '.join(target.text.split()[:3])} {number}"
        rows.append({"query": query, "relevant": [target.id]})
        answers[query] = {target.content}
    (folder / "q.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (folder / "topics.tsv").write_text("".join(f"{n}\t{row['query']}\n" for n, row in enumerate(rows)))
    (folder / "qrels.txt").write_text("".join(f"{n} 0 {row['relevant'][0]} 1\n" for n, row in enumerate(rows)))
    return folder, answers


@pytest.fixture
def shell(made, tmp_path, monkeypatch):
    """A function that runs a command in an empty folder; `shell.reranker` is what every model name loads."""
    folder, answers = made
    monkeypatch.chdir(tmp_path)

    class Shell:
        reranker = OracleReranker(answers)
        here = tmp_path
        made = folder

        def __call__(self, *arguments, code=0):
            named = [str(folder / one) if (folder / one).exists() else one for one in arguments]
            done = CliRunner().invoke(app, [*named, "--index", str(folder / "ix")])
            if isinstance(done.exception, Exception) and not isinstance(done.exception, SystemExit):
                raise done.exception
            assert done.exit_code == code, done.output
            return done.output

    shell = Shell()
    monkeypatch.setattr(catalog, "load_reranker", lambda name, **_: shell.reranker)
    return shell


def test_evaluate_shows_both_stages_ceiling_times_and_failures(shell):
    shown = shell("evaluate", "q.jsonl", "--pool", "10", "--save", "run.json")
    (found,) = load(shell.here / "run.json")
    for measure in found.measures:
        for one in (*(found.estimate(stage, measure) for stage in STAGES[:2]), found.gain(measure).difference):
            assert f"{one.mean:.4f} " in shown
            assert f"{one.low:.3f}, " in shown
            assert f"{one.high:.3f}]" in shown
    assert max(map(len, shown.split("recall of the pool")[0].splitlines()[1:])) <= 80
    for part in (
        "stage one",
        "reranked",
        "ceiling",
        "[95 %]",
        "won/lost",
        "/tied",
        "nDCG@10",
        "Judged@10",
        "p95",
        " fine",
    ):
        assert part in shown
    assert "24 judged queries; ids name passages" in shown


def test_evaluate_warns_of_few_queries(shell):
    assert "warning: " not in shell("evaluate", "q.jsonl", "--pool", "5")
    few = (shell.made / "q.jsonl").read_text().splitlines(keepends=True)[:3]
    (shell.here / "few.jsonl").write_text("".join(few))
    assert "warning: 3 queries are few" in shell("evaluate", "few.jsonl", "--pool", "5")


def test_evaluate_takes_trec_files_and_measures(shell):
    shown = shell("evaluate", "topics.tsv", "--qrels", str(shell.made / "qrels.txt"), "--measure", "RR@3")
    assert "RR@3" in shown
    assert "nDCG" not in shown


def test_a_baseline_passes_and_fails_with_an_exit_code_and_a_summary(shell):
    shell("evaluate", "q.jsonl", "--save", "base.json")
    rule = ("--baseline", "base.json", "--fail-if", "nDCG@10 < -0.01", "--markdown", "summary.md")
    assert "passed: fail if nDCG@10 < -0.01" in shell("evaluate", "q.jsonl", *rule)
    assert "### Against the baseline: passed" in (shell.here / "summary.md").read_text()
    shell.reranker = OracleReranker(shell.reranker.relevant, -1)
    assert "FAILED: fail if nDCG@10 < -0.01" in shell("evaluate", "q.jsonl", *rule, code=1)
    assert "### Against the baseline: failed" in (shell.here / "summary.md").read_text()


def test_each_set_up_has_its_own_verdict_under_its_name(shell):
    set_ups = ("--set-up", "one:pool=5", "--set-up", "two|b:pool=9")
    shell("evaluate", "q.jsonl", *set_ups, "--save", "base.json")
    rule = ("--baseline", "base.json", "--fail-if", "RR@10 < -0.01", "--markdown", "m.md", "--report", "r.html")
    shown = shell("evaluate", "q.jsonl", *set_ups, *rule)
    summary, page = (shell.here / "m.md").read_text(), (shell.here / "r.html").read_text(encoding="utf-8")
    assert "passed: one: fail if RR@10 < -0.01\npassed: two|b: fail if RR@10 < -0.01" in shown
    assert "- passed: one: fail if `RR@10 < -0.01`\n- passed: two\\|b: fail if `RR@10 < -0.01`" in summary
    assert "one: fail if RR@10 &lt; -0.01" in page
    assert "two|b: fail if RR@10 &lt; -0.01" in page


def test_set_ups_are_compared_and_saved_by_name(shell):
    (shell.here / "more.toml").write_text("[shallow]\npool = 5\nretriever = 'bm25'\n")
    options = ("--set-up", "deep:pool=20,blend=0", "--set-up", "more.toml", "--set-up", "none:rerank=false")
    shown = shell("evaluate", "q.jsonl", *options, "--save", "three.json")
    assert "set-ups compared" in shown
    found = load(shell.here / "three.json")
    assert [(one.name, one.pool_size) for one in found] == [("deep", 20), ("shallow", 5), ("none", 50)]
    assert found[1].about["retriever"] == "bm25"
    assert all(outcome.scored == 0 for outcome in found[2].outcomes)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--baseline", "other.json"], "was measured on other .2 queries., and its queries or judgments differ"),
        (["--baseline", "base.json", "--fail-if", "RR@10 < 0"], "RR@10 and the baseline base.json lacks it"),
        (["--baseline", "base.json", "--set-up", "a:pool=5", "--set-up", "b:pool=6"], "holds no set-up 'a'"),
        (["--baseline", "none.json", "--fail-if", "nDCG@10 < 0"], "none.json holds a list of evaluations with nothing"),
        (["--baseline", "base.json", "--measure", "RR@5"], "holds none of RR@5, so nothing can be compared"),
        (["--save", "nope/x.json"], "nope/x.json lies in a folder that does not exist"),
        (["--save", "."], "is a folder: name another file"),
        (["--report", "read-only/x.html"], "x.html can't be written: it, or its folder, is read-only here"),
        (["--write-run", "read-only/x.run"], "x.run can't be written: it, or its folder, is read-only here"),
        (["--markdown", "nope/x.md"], "nope/x.md lies in a folder that does not exist"),
        (["--set-up", "a:pool=5", "--set-up", "b:index=cut-otherwise"], "does not judge the same in"),
    ],
)
def test_what_would_end_a_run_in_vain_is_said_before_anything_is_scored(shell, arguments, message, monkeypatch):
    (shell.here / "read-only").mkdir()
    monkeypatch.setattr(files.os, "access", lambda place, _: place.name != "read-only")
    (shell.here / "other.jsonl").write_text("".join(f'{{"query": "{q}", "relevant": ["p1"]}}\n' for q in "ab"))
    shell("evaluate", "other.jsonl", "--save", "other.json", "--measure", "nDCG@10")
    (shell.here / "none.json").write_text('{"version": 1, "evaluations": []}')
    with EmbeddedIndex.create(shell.here / "cut-otherwise", encoder_name="hashed-64", dimension=64) as index:
        corpus = [Passage(f"new{n}", f"text number{n}", f"p{n}") for n in range(40)]
        index.add(corpus, HashedEncoder(64).encode_passages([one.content for one in corpus]))
    shell("evaluate", "q.jsonl", "--save", "base.json", "--measure", "nDCG@10")
    shell.reranker.scored = 0
    with pytest.raises(InvalidInput, match=message):
        shell("evaluate", "q.jsonl", *arguments)
    assert shell.reranker.scored == 0
    assert not list(shell.here.glob("*.partial.jsonl"))


def test_a_run_is_shown_and_kept_before_it_is_compared(shell, monkeypatch):
    def failing(*_):
        raise InvalidInput("can't be compared")

    monkeypatch.setattr("shortlist.cli.commands.evaluate.compare", failing)
    with pytest.raises(InvalidInput, match="can't be compared"):
        shell("evaluate", "q.jsonl", "--pool", "5", "--save", "kept.json")
    assert len(load(shell.here / "kept.json")[0].outcomes) == QUERIES
    monkeypatch.undo()
    monkeypatch.chdir(shell.here)
    monkeypatch.setattr(catalog, "load_reranker", lambda name, **_: shell.reranker)
    assert f"{QUERIES} queries were measured by an interrupted run" in shell("evaluate", "q.jsonl", "--pool", "5")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--fail-if", "nDCG@10 < 0"], "give --baseline FILE as well"),
        (["--set-up", "x:depth=3"], "'depth' is unknown"),
        (["--set-up", "x:pool=many"], "pool must be a number"),
        (["--set-up", "x:rerank=maybe"], "rerank must be true or false"),
        (["--set-up", "pool=3"], "write name:key=value"),
        (["--set-up", "x:pool"], "write name:key=value"),
        (["--set-up", "x:pool=3", "--set-up", "x:pool=4"], "two set-ups are named 'x'"),
        (["--set-up", "index.toml"], "set-up 'x': index must be a text, not 3"),
        (["--set-up", "bi-encoder.toml"], "set-up 'x': bi-encoder must be a text, not 3"),
        (["--set-up", "retriever.toml"], "set-up 'x': retriever must be a text, not 3"),
        (["--set-up", "x:cross-encoder="], "set-up 'x': cross-encoder must be a text, not ''"),
        (["--cut", "0"], "--cut must be 1 or more, not 0"),
        (["--cut", "-3"], "--cut must be 1 or more, not -3"),
        (["--failures", "-1"], "--failures must be 0 or more, not -1"),
        (["--measure", "mrr"], "measure 'mrr' is called RR here"),
        (["--baseline", "missing.json"], "missing.json can't be read"),
    ],
)
def test_evaluate_says_what_is_wrong(shell, arguments, message):
    for key in ("index", "bi-encoder", "retriever"):
        (shell.here / f"{key}.toml").write_text(f"[x]\n{key} = 3\n")
    with pytest.raises(InvalidInput, match=message):
        shell("evaluate", "q.jsonl", *arguments)


def test_judgments_of_another_corpus_are_named(shell):
    rows = '{"query": "a", "relevant": ["p1"]}\n{"query": "b", "relevant": ["zzz"]}\n'
    (shell.here / "other.jsonl").write_text(rows)
    with pytest.raises(
        InvalidInput, match=r"1 of 2 judged ids .* such as 'zzz' \(other\.jsonl line 2, query 'b'\).*unknown"
    ):
        shell("evaluate", "other.jsonl")
    assert "1 judged ids or snippets are not in the index" in shell("evaluate", "other.jsonl", "--allow-unknown")


def test_tune_recommends_writes_and_search_follows(shell):
    shown = shell("tune", "q.jsonl", "--sizes", "5,10,20,40", "--write")
    for part in (
        "ceiling",
        "within the interval of the best: pool",
        "90 % of the gain",
        "on the other half",
        "[search]",
    ):
        assert part in shown
    assert "one pass at 40; every smaller pool read off it" in shown
    text = (shell.here / "shortlist.toml").read_text()
    assert text.startswith("[search]\nrerank = true\npool = ")
    pool = int(text.split("pool = ")[1].split()[0])
    found = json.loads(shell("search", "red cat", "--json"))
    assert (found["pool_size"], found["reranked"]) == (pool, True)
    assert json.loads(shell("search", "red cat", "--json", "--pool", "7"))["pool_size"] == 7
    assert not list(shell.here.glob("*.partial.jsonl"))


def test_a_derived_weight_is_written_and_used(shell):
    shell.reranker = OracleReranker(shell.reranker.relevant, 0.02)
    shown = shell("tune", "q.jsonl", "--sizes", "40", "--write", "--fusions", ",", "--fusion", "1")
    assert "weights none were fitted; tried at blend 1: " in shown
    text = (shell.here / "shortlist.toml").read_text()
    assert "weight.dense = " in text
    weight = float(text.split("weight.dense = ")[1].split()[0])
    found = json.loads(shell("search", "red cat", "--json"))
    assert "fusion = 1.0" in text
    assert found["weights"] == {"dense": weight}
    row = next(line.split() for line in shown.splitlines() if line.split()[:1] == [str(found["pool_size"])])
    shell("evaluate", "q.jsonl", "--save", "now.json", "--measure", "nDCG@10")
    assert f"{load(shell.here / 'now.json')[0].estimate('reranked', 'nDCG@10').mean:.3f}" in row
    assert json.loads(shell("search", "red cat", "--json", "--blend", "0"))["weights"] == {}


def test_fusion_weight_and_threshold_are_tuned_written_and_followed(shell):
    shown = shell("tune", "q.jsonl", "--sizes", "5,40", "--fusions", "0,1", "--write")
    for part in ("fusion weight: ", "nDCG@10 by the vectors' share: 0: ", "threshold: ", "recall ", "left out"):
        assert part in " ".join(shown.split())
    text = (shell.here / "shortlist.toml").read_text()
    fusion, threshold = (float(text.split(f"{name} = ")[1].split()[0]) for name in ("fusion", "threshold"))
    query = next(iter(shell.reranker.relevant))
    found = json.loads(shell("search", query, "--json", "--top", "5"))
    assert len(found["hits"]) == 1
    assert found["left_out"] == 4
    assert found["hits"][0]["score"] >= threshold
    assert "4 left out below final score " in shell("search", query, "--top", "5")
    assert "no good answer: the best final score is " in shell("search", query, "--threshold", "1e9")
    everything = json.loads(shell("search", query, "--json", "--top", "5", "--threshold", "-inf"))
    assert (len(everything["hits"]), everything["left_out"]) == (5, 0)
    for options in (("--blend", "0.7"), ("--cross-encoder", "another"), ("--no-rerank",)):
        assert len(json.loads(shell("search", query, "--json", "--top", "5", *options))["hits"]) == 5
    (shell.here / "shortlist.toml").write_text(text.replace(f"fusion = {fusion}", "fusion = 1.0"))
    assert (
        json.loads(shell("search", "red cat", "--json", "--no-rerank", "--top", "5"))["hits"]
        == (json.loads(shell("search", "red cat", "--json", "--no-rerank", "--top", "5", "--fusion", "1"))["hits"])
    )
    for fusion, retriever, signal in (("0", "bm25", "bm25"), ("1", "dense", "dense")):
        asked = ("search", "red cat", "--json", "--no-rerank")
        fused, alone = (
            [hit["signals"][signal] for hit in json.loads(shell(*asked, *more))["hits"]]
            for more in (("--fusion", fusion), ("--retriever", retriever))
        )
        assert fused == pytest.approx(alone)


def test_a_threshold_that_no_longer_helps_is_taken_out_of_the_file(shell):
    (shell.here / "shortlist.toml").write_text("[search]\nthreshold = 3.5\npool = 7\n")
    shell.reranker = OracleReranker(shell.reranker.relevant, -1)
    shell("tune", "q.jsonl", "--sizes", "5,20", "--write")
    text = (shell.here / "shortlist.toml").read_text()
    assert "threshold" not in text
    assert "rerank = false" in text


def test_a_smallest_probability_goes_with_the_scores_that_it_was_found_for(shell):
    def kept(*options):
        lines = "[search]\nblend = 2.0\nweight.dense = 8.0\nfusion = 0.5\nmin-probability = 0.2\n"
        (shell.here / "shortlist.toml").write_text(lines)
        shell("tune", "q.jsonl", "--sizes", "20", "--blends", "2", "--fusions", ",", *options, "--write")
        return "min-probability" in (shell.here / "shortlist.toml").read_text()

    assert kept()
    assert not kept("--cross-encoder", "other/model")
    assert not kept("--fusion", "0.75")
    assert not kept("--blend", "1")
    shell.reranker = OracleReranker(shell.reranker.relevant, -1)
    assert not kept()


def test_another_models_blend_and_weights_are_taken_out_of_the_file(shell):
    (shell.here / "shortlist.toml").write_text("[search]\nblend = 2.0\nweight.dense = 8.0\nweight.bm25 = 3.0\n")
    shown = shell("tune", "q.jsonl", "--sizes", "5,20", "--blends", ",", "--cross-encoder", "other/model", "--write")
    text = (shell.here / "shortlist.toml").read_text()
    assert 'cross-encoder = "other/model"' in text
    assert "weight" not in text
    assert "blend = 2.0" not in text
    assert "weight" not in shown.split("# shortlist.toml")[1]
    assert json.loads(shell("search", "red cat", "--json"))["weights"] == {}


def test_weights_of_the_file_stay_where_the_blend_that_was_found_scales_them(shell):
    (shell.here / "shortlist.toml").write_text("[search]\nblend = 2.0\nweight.dense = 8.0\n")
    shown = shell("tune", "q.jsonl", "--sizes", "20", "--blends", "0.5", "--fusions", ",", "--write")
    text = (shell.here / "shortlist.toml").read_text()
    blend = float(text.split("blend = ")[1].split()[0])
    assert "weight.dense = 8.0" in text
    assert "weight.dense = 8.0" in shown.split("# shortlist.toml")[1]
    assert json.loads(shell("search", "red cat", "--json"))["weights"] == {"dense": 8 * blend}


def test_settings_of_another_retriever_are_not_written(shell):
    shell.reranker.scored = 0
    with pytest.raises(InvalidInput, match=r"--write with --retriever bm25: shortlist\.toml names no retriever"):
        shell("tune", "q.jsonl", "--retriever", "bm25", "--write")
    assert shell.reranker.scored == 0


def test_a_file_of_settings_that_can_not_be_written_is_said_before_anything_is_scored(shell, monkeypatch):
    monkeypatch.setattr(files.os, "access", lambda place, _: place != shell.here)
    with pytest.raises(InvalidInput, match=r"shortlist\.toml can't be written"):
        shell("tune", "q.jsonl", "--sizes", "20", "--write")
    assert shell.reranker.scored == 0


def test_set_ups_take_a_fusion_weight(shell):
    options = ("--set-up", "words:fusion=0,rerank=false", "--set-up", "bm25:retriever=bm25,rerank=false")
    shell("evaluate", "q.jsonl", *options, "--save", "two.json", "--measure", "nDCG@3")
    words, bm25 = load(shell.here / "two.json")
    assert words.values("reranked", "nDCG@3") == bm25.values("reranked", "nDCG@3")
    with pytest.raises(InvalidInput, match="fusion must be from 0"):
        shell("evaluate", "q.jsonl", "--fusion", "2")


def test_tune_refuses_to_do_harm(shell):
    shell.reranker = OracleReranker(shell.reranker.relevant, -1)
    shown = shell("tune", "q.jsonl", "--sizes", "5,20", "--write")
    assert "warning: reranking is worse than none at pool" in shown
    assert "recommended: no reranking" in shown
    assert json.loads(shell("search", "red cat", "--json"))["reranked"] is False
    assert json.loads(shell("search", "red cat", "--json", "--rerank"))["reranked"] is True


def test_few_queries_switch_nothing_off(shell):
    (shell.here / "shortlist.toml").write_text("[search]\npool = 7\nthreshold = 3.5\n")
    few = (shell.made / "q.jsonl").read_text().splitlines(keepends=True)[:3]
    (shell.here / "few.jsonl").write_text("".join(few))
    shell.reranker = OracleReranker(shell.reranker.relevant, -1)
    shown = shell("tune", "few.jsonl", "--sizes", "5,20", "--write")
    assert "recommended: nothing; 3 queries are too few to say whether to rerank: it takes 20" in shown
    assert "nothing to put in shortlist.toml; it is left as it was" in shown
    assert (shell.here / "shortlist.toml").read_text() == "[search]\npool = 7\nthreshold = 3.5\n"


class Interrupting(TextReranker):
    left = 10

    def score(self, query, texts):
        self.left -= 1
        if self.left < 0:
            raise KeyboardInterrupt
        return super().score(query, texts)


def test_tune_survives_ctrl_c_and_resumes(shell):
    shell.reranker = Interrupting()
    assert "the same command goes on from there" in shell("tune", "q.jsonl", "--sizes", "5,20", code=130)
    (partial,) = shell.here.glob("shortlist-tune.*.partial.jsonl")
    assert len(partial.read_text().splitlines()) == 11
    shell.reranker = TextReranker()
    assert "10 results came from an interrupted run" in shell("tune", "q.jsonl", "--sizes", "5,20")
    assert not partial.exists()


def test_evaluate_survives_ctrl_c_and_resumes_with_the_same_result(shell):
    set_ups = ("--set-up", "one:pool=5", "--set-up", "two/b:pool=9")
    shell.reranker = Interrupting()
    shell.reranker.left = QUERIES + 4
    assert "the same command goes on from there" in shell("evaluate", "q.jsonl", *set_ups, code=130)
    shell.reranker = TextReranker()
    shown = shell("evaluate", "q.jsonl", *set_ups, "--save", "resumed.json")
    assert "24 queries were measured by an interrupted run" in shown
    assert "4 queries were measured by an interrupted run" in shown
    assert shell.reranker.scored == 20 * 9
    assert not list(shell.here.glob("*.partial.jsonl"))
    shell("evaluate", "q.jsonl", *set_ups, "--save", "whole.json")
    for resumed, whole in zip(load(shell.here / "resumed.json"), load(shell.here / "whole.json"), strict=True):
        assert resumed.values("reranked", "nDCG@10") == whole.values("reranked", "nDCG@10")


def test_set_ups_whose_names_look_alike_have_partial_results_of_their_own(shell):
    shell("evaluate", "q.jsonl", "--set-up", "v1.0:pool=5", "--set-up", "v1_0:pool=6", "--save", "two.json")
    assert [one.pool_size for one in load(shell.here / "two.json")] == [5, 6]


def test_another_run_is_not_stopped_by_partial_results_and_does_not_take_them(shell):
    shutil.copytree(shell.made / "ix", shell.here / "copy")
    asked = ("evaluate", "q.jsonl", "--set-up", "one:index=copy,pool=5")
    shell.reranker = Interrupting()
    shell(*asked, code=130)
    shell.reranker = TextReranker()
    with EmbeddedIndex.open(shell.here / "copy") as index:
        passage = next(iter(index.passages()))
        changed = [replace(passage, text="something else")]
        index.add(changed, HashedEncoder(64).encode_passages([one.content for one in changed]))
    assert "interrupted run" not in shell(*asked)
    assert shell.reranker.scored == QUERIES * 5
    shell.reranker = Interrupting()
    shell(*asked, code=130)
    shell.reranker = TextReranker()
    shell.reranker.weights_hash = lambda: "new weights under the same name"
    assert "interrupted run" not in shell(*asked)


class Narrow(TextReranker):
    def score(self, query, texts):
        if len(query) > 100:
            raise InvalidInput("the query is too long")
        return super().score(query, texts)


@pytest.mark.parametrize("command", ["evaluate", "tune", "calibrate"])
def test_a_query_that_was_too_long_can_be_shortened_and_the_command_run_again(shell, command):
    shell.reranker = Narrow()
    short = (shell.made / "q.jsonl").read_text()
    (shell.here / "mine.jsonl").write_text(short + json.dumps({"query": "word " * 30, "relevant": ["p1"]}) + "\n")
    options = {"evaluate": (), "tune": ("--sizes", "5,20"), "calibrate": ("--pool", "40")}[command]
    with pytest.raises(InvalidInput, match="the query is too long"):
        shell(command, "mine.jsonl", *options)
    (shell.here / "mine.jsonl").write_text(short + json.dumps({"query": "word", "relevant": ["p1"]}) + "\n")
    shell(command, "mine.jsonl", *options)


def test_the_recommended_pool_gives_what_evaluate_measures(shell):
    shell("evaluate", "q.jsonl", "--pool", "10", "--save", "ten.json", "--measure", "nDCG@10")
    mean = load(shell.here / "ten.json")[0].estimate("reranked", "nDCG@10").mean
    shown = shell("tune", "q.jsonl", "--sizes", "5,10,20")
    row = next(line.split() for line in shown.splitlines() if line.startswith("  10") or line.startswith("10 "))
    assert f"{mean:.3f}" in row


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--sizes", "5,x"], "--sizes '5,x': write numbers"),
        (["--sizes", ","], "pool sizes must be at least 1"),
        (["--blends", "-1"], "blends must be 0 or more"),
    ],
)
def test_tune_says_what_is_wrong(shell, arguments, message):
    with pytest.raises(InvalidInput, match=message):
        shell("tune", "q.jsonl", *arguments)


def test_the_command_line_wins_over_the_file_and_a_slip_is_an_error(shell):
    (shell.here / "shortlist.toml").write_text("[search]\npool = 3\nblend = 0.5\n")
    found = json.loads(shell("search", "red cat", "--json"))
    assert (found["pool_size"], len(found["hits"])) == (3, 3)
    assert json.loads(shell("search", "red cat", "--json", "--pool", "9", "--top", "6"))["pool_size"] == 9
    with pytest.raises(InvalidInput, match=r"k \(--top\) is 6 but the pool \(pool_size, --pool\) holds 3"):
        shell("search", "red cat", "--top", "6")
    (shell.here / "shortlist.toml").write_text("[search]\npools = 3\n")
    with pytest.raises(InvalidInput, match="'pools' is unknown"):
        shell("search", "red cat")


def test_search_says_what_it_took_from_the_file(shell):
    file = shell.here / "shortlist.toml"
    file.write_text("[search]\nrerank = false\npool = 9\nblend = 2.0\nweight.dense = 8.0\n")
    assert json.loads(shell("search", "red cat", "--json"))["shortlist.toml"] == {"rerank": False, "pool": 9}
    assert "from shortlist.toml in this folder: rerank = false, pool = 9" in shell("search", "red cat")
    both = json.loads(shell("search", "red cat", "--json", "--rerank", "--pool", "8"))
    assert both["shortlist.toml"] == {"blend": 2.0, "weight.dense": 8.0}
    other = json.loads(shell("search", "red cat", "--json", "--rerank", "--cross-encoder", "other/model"))
    assert other["shortlist.toml"] == {"pool": 9}
    file.unlink()
    assert json.loads(shell("search", "red cat", "--json"))["shortlist.toml"] == {}
    assert "shortlist.toml" not in shell("search", "red cat")


def test_a_top_of_the_file_is_not_cut_to_the_pool(shell):
    (shell.here / "shortlist.toml").write_text("[search]\npool = 10\ntop = 20\n")
    with pytest.raises(InvalidInput, match=r"top is 20 in shortlist\.toml but the pool \(--pool\) holds 10"):
        shell("search", "red cat")
    assert len(json.loads(shell("search", "red cat", "--json", "--tail"))["hits"]) == 20
    assert len(json.loads(shell("search", "red cat", "--json", "--top", "4"))["hits"]) == 4
    assert "nDCG@10" in shell("evaluate", "q.jsonl")


def test_the_example_workflow_runs_as_written(shell):
    text = (ROOT / "examples" / "ci" / "retrieval.yml").read_text()
    command = shlex.split(text.split("run: >-")[1].split("- uses")[0])
    options = command[command.index("--index") + 2 :]
    shell("evaluate", "q.jsonl", "--save", "baseline.json")
    (shell.here / "evaluation").mkdir()
    (shell.here / "baseline.json").rename(shell.here / "evaluation" / "baseline.json")
    shell("evaluate", "q.jsonl", *[one.replace("$GITHUB_STEP_SUMMARY", "summary.md") for one in options])
    assert (shell.here / "evaluation" / "now.json").is_file()
    assert "### Against the baseline: passed" in (shell.here / "summary.md").read_text()


def test_evaluate_writes_a_report_and_checks_its_place_first(shell):
    set_ups = ("--set-up", "one:pool=5", "--set-up", "none:rerank=false")
    assert "report written to r.html" in shell("evaluate", "q.jsonl", *set_ups, "--report", "r.html")
    made = (shell.here / "r.html").read_text(encoding="utf-8")
    for part in ("one: Worst queries", "none minus one", "hashed-64", "red "):
        assert part in made
    shell.reranker.scored = 0
    with pytest.raises(InvalidInput, match=r"missing/r\.html lies in a folder that does not exist"):
        shell("evaluate", "q.jsonl", "--report", "missing/r.html")
    assert shell.reranker.scored == 0


def test_tune_writes_a_report_of_the_pool_it_recommends_or_of_the_best(shell):
    shown = shell("tune", "q.jsonl", "--sizes", "5,10,20", "--report", "r.html")
    size = shown.split("recommended: pool ")[1].split(",")[0]
    made = (shell.here / "r.html").read_text(encoding="utf-8")
    assert f"a pool of {size}, by the rule" in made
    assert f"Pool {size}: Worst queries" in made
    shell.reranker = OracleReranker(shell.reranker.relevant, -1)
    shell("tune", "q.jsonl", "--sizes", "5,20", "--report", "r.html")
    made = (shell.here / "r.html").read_text(encoding="utf-8")
    assert "no reranking: stage one alone" in made
    assert "reranking is worse than none at pool" in made


def test_the_report_of_tuning_names_the_weights_that_were_tuned(shell):
    (shell.here / "shortlist.toml").write_text("[search]\nweight.dense = 8.0\n")
    shell("tune", "q.jsonl", "--sizes", "20", "--blends", "0.5", "--blend", "0.5", "--report", "r.html")
    assert "score + 4 x dense" in html.unescape((shell.here / "r.html").read_text(encoding="utf-8"))
    (shell.here / "shortlist.toml").unlink()
    shell.reranker = OracleReranker(shell.reranker.relevant, 0.02)
    shown = shell("tune", "q.jsonl", "--sizes", "40", "--fusions", ",", "--fusion", "1", "--report", "r.html")
    weight = float(shown.split("weight.dense = ")[1].split()[0])
    assert f"score + {weight:g} x dense" in html.unescape((shell.here / "r.html").read_text(encoding="utf-8"))
