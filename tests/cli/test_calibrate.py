"""`shortlist calibrate`, and the searches that follow what it stored."""

from __future__ import annotations

import json

import numpy as np
import pytest
from typer.testing import CliRunner

from shortlist import registry as catalog
from shortlist.cli.app import app
from shortlist.cli.options import choose_knobs
from shortlist.encoders.hashed import HashedEncoder
from shortlist.errors import InvalidInput, NotFitted
from shortlist.evaluation.saved import load
from shortlist.indexes.embedded import EmbeddedIndex
from shortlist.types import Passage
from worlds import WORDS, OracleReranker

QUERIES = 70


@pytest.fixture
def shell(tmp_path, monkeypatch):
    """A function that runs a command in a folder with an index of 60 passages and 70 judged queries."""
    monkeypatch.chdir(tmp_path)
    draw = np.random.default_rng(5)
    encoder = HashedEncoder(64)
    corpus = [Passage(f"p{i}", " ".join(draw.choice(WORDS, 5)) + f" number{i}", f"p{i}") for i in range(60)]
    with EmbeddedIndex.create(tmp_path / "ix", encoder_name=encoder.name, dimension=64) as index:
        index.add(corpus, encoder.encode_passages([one.content for one in corpus]))
    rows, answers = [], {}
    for number in range(QUERIES):
        target = corpus[int(draw.integers(0, 60))]
        query = f"{' '.join(target.text.split()[:4])} {number}"
        rows.append({"query": query, "relevant": [target.id]})
        answers[query] = {target.content}
    (tmp_path / "q.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (tmp_path / "few.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows[:20]))
    (tmp_path / "fewer.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows[:5]))

    class Shell:
        here = tmp_path
        query = rows[0]["query"]

        def __call__(self, *arguments, code=0):
            done = CliRunner().invoke(app, [*arguments, "--index", "ix"])
            if isinstance(done.exception, Exception) and not isinstance(done.exception, SystemExit):
                raise done.exception
            assert done.exit_code == code, done.output
            return done.output

        def json(self, *arguments):
            return json.loads(self("search", *arguments, "--json"))

    monkeypatch.setattr(catalog, "load_reranker", lambda name, **_: OracleReranker(answers))
    return Shell()


def test_calibrate_stores_both_and_search_follows(shell):
    shown = shell("calibrate", "q.jsonl", "--pool", "48", "--top", "5", "--measure", "nDCG@5", "--alpha", "0.1")
    for part in (
        "adaptive pool, first 5 of at most 48",
        "mean loss of nDCG@5 at most 0.1, with confidence 0.95; fitted on 70 queries",
        "expected calibration error",
        "log loss on queries that a curve had not seen",
        "what a smallest probability leaves",
        'pool = "auto"',
        'queries would be told "no good answer"',
        "written to ix/stop-rule.json and ix/calibration.json",
    ):
        assert part in shown, shown
    assert not list(shell.here.glob("*.partial.jsonl"))
    found = shell.json(shell.query, "--pool", "auto")
    assert found["pool_size"] == 48
    assert 0 < found["scored"] <= 48
    assert found["why_stopped"]
    assert found["hits"][0]["probability"] is None
    likely = shell.json(shell.query, "--min-probability", "0.5")
    assert (len(likely["hits"]), likely["left_out"], likely["no_good_answer"]) == (1, 4, "")
    assert likely["hits"][0]["probability"] >= 0.5
    none = shell.json("red cat", "--min-probability", "0.5", "--pool", "auto")
    assert none["hits"] == []
    assert none["no_good_answer"].startswith("no good answer: the likeliest passage has probability 0.0")
    text = shell("search", "red cat", "--min-probability", "0.5", "--pool", "auto")
    for part in ("no good answer", "5 left out below probability 0.5", "pool: ", "passages scored"):
        assert part in text
    context = shell("search", "red cat", "--min-probability", "0.5", "--context")
    assert "no good answer" in context


def test_a_share_of_nothing_is_a_dash(shell):
    shown = shell("calibrate", "q.jsonl", "--pool", "60", "--top", "5", "--alpha", "0.1")
    rows = [line.split() for line in shown.split("what a smallest probability leaves")[1].splitlines()]
    least = next(row for row in rows if row[:1] == ["0.01"])
    assert least[4:] == ["0", "-", "-"], "no query is told that there is no answer, and each has one in its pool"
    assert float(least[2]) > 0


def test_the_file_sets_both_and_the_command_line_wins(shell):
    shell("calibrate", "q.jsonl", "--pool", "48", "--top", "5", "--alpha", "0.1")
    (shell.here / "shortlist.toml").write_text('[search]\npool = "auto"\nmin-probability = 0.5\ntop = 3\n')
    found = shell.json(shell.query)
    assert (found["pool_size"], found["min_probability"], len(found["hits"]), found["left_out"]) == (48, 0.5, 1, 2)
    fixed = shell.json(shell.query, "--pool", "7", "--min-probability", "0")
    assert (fixed["pool_size"], fixed["scored"], len(fixed["hits"])) == (7, 7, 3)
    assert "pool 48" in shell("evaluate", "q.jsonl", "--save", "auto.json")
    (auto,) = load(shell.here / "auto.json")
    assert sum(one.scored for one in auto.outcomes) < 48 * QUERIES
    options = ("--set-up", "a:pool=auto", "--set-up", "b:pool=48")
    assert "set-ups compared" in shell("evaluate", "q.jsonl", *options)


def test_an_index_that_grew_since_the_fit_is_said(shell):
    shell("calibrate", "q.jsonl", "--pool", "48", "--top", "5", "--alpha", "0.1")
    asked = (shell.query, "--pool", "auto", "--min-probability", "0.1")
    before = shell.json(*asked)
    assert ("the index holds" in before["why_stopped"], before["doubt"]) == (False, "")
    encoder = HashedEncoder(64)
    with EmbeddedIndex.open(shell.here / "ix") as index:
        index.add([Passage("new", "one more", "new")], encoder.encode_passages(["one more"]))
    found = shell.json(*asked)
    assert " of 48 scored: " in found["why_stopped"]
    rule, curve = (
        f"{what} fitted on 60 passages and the index holds 61"
        for what in ("adaptive pool was", "the curve of probabilities was")
    )
    assert rule in found["why_stopped"]
    assert found["doubt"].startswith(curve)
    shown = shell("search", *asked)
    assert (rule in shown, curve in shown) == (True, True)
    assert shell.json(shell.query)["doubt"] == ""
    assert rule in shell("evaluate", "q.jsonl", "--pool", "auto")
    shell("calibrate", "q.jsonl", "--pool", "48", "--top", "5", "--alpha", "0.1")
    again = shell.json(*asked)
    assert ("the index holds" in again["why_stopped"], again["doubt"]) == (False, "")


def test_without_a_rule_the_fixed_pool_is_scored_and_the_answer_says_so(shell):
    found = shell.json("red cat", "--pool", "auto")
    assert (found["pool_size"], found["scored"]) == (50, 50)
    assert found["why_stopped"].startswith("fixed pool of 50, as no rule is stored beside the index")
    assert "pool: fixed pool of 50" in shell("search", "red cat", "--pool", "auto")
    assert "fixed pool of 50" in shell("evaluate", "q.jsonl", "--pool", "auto")
    assert shell.json("red cat", "--pool", "auto", "--no-rerank")["scored"] == 0
    with pytest.raises(NotFitted, match="scores have no probabilities"):
        shell("search", "red cat", "--min-probability", "0.5")


def test_too_few_queries_certify_nothing_and_keep_the_whole_pool(shell):
    shown = shell("calibrate", "few.jsonl", "--pool", "48")
    assert "nothing can be certified: 20 queries" in shown
    assert "the whole pool is scored" in shown
    assert 'pool = "auto"' not in shown
    found = shell.json("red cat", "--pool", "auto")
    assert (found["scored"], found["pool_size"]) == (48, 48)
    assert "nothing can be certified" in found["why_stopped"]


def test_too_few_relevant_passages_leave_nothing_behind(shell):
    with pytest.raises(InvalidInput, match="are too few for probabilities"):
        shell("calibrate", "fewer.jsonl", "--pool", "48")
    assert not (shell.here / "ix" / "stop-rule.json").exists()
    assert not list(shell.here.glob("*.partial.jsonl"))
    shell("calibrate", "few.jsonl", "--pool", "48", "--checkpoint", "mine.jsonl")


def test_another_blend_or_retriever_is_refused(shell):
    shell("calibrate", "q.jsonl", "--pool", "48", "--blend", "0")
    shell("search", "red cat", "--pool", "auto", "--blend", "0")
    (shell.here / "shortlist.toml").write_text("[search]\nweight.dense = 2.0\n")
    for option in (("--pool", "auto"), ("--min-probability", "0.5")):
        with pytest.raises(NotFitted, match="was fitted for blend none and this search has 2 x dense"):
            shell("search", "red cat", *option)
        with pytest.raises(NotFitted, match="was fitted for retriever hybrid and this search has bm25"):
            shell("search", "red cat", *option, "--blend", "0", "--retriever", "bm25")


def test_another_fusion_weight_is_refused_and_its_own_is_followed(shell):
    shell("calibrate", "q.jsonl", "--pool", "48", "--top", "5", "--fusion", "0.3")
    for option in (("--pool", "auto"), ("--min-probability", "0.5")):
        with pytest.raises(NotFitted, match=r"fitted for retriever hybrid at fusion 0\.3 and this search has hybrid:"):
            shell("search", "red cat", *option)
    (shell.here / "shortlist.toml").write_text("[search]\nfusion = 0.3\n")
    assert shell.json("red cat", "--pool", "auto")["pool_size"] == 48
    shell("calibrate", "q.jsonl", "--pool", "48", "--top", "5")
    assert shell.json("red cat", "--pool", "auto")["pool_size"] == 48


def test_a_threshold_and_a_smallest_probability_are_both_kept_to(shell):
    shell("calibrate", "q.jsonl", "--pool", "48", "--top", "5")
    scores = [hit["score"] for hit in shell.json(shell.query)["hits"]]
    between = str((scores[2] + scores[3]) / 2)
    cut = shell.json(shell.query, "--threshold", between)
    assert (len(cut["hits"]), cut["left_out"], cut["threshold"]) == (3, 2, float(between))
    both = ("--threshold", between, "--min-probability", "0.5")
    found = shell.json(shell.query, *both)
    assert (len(found["hits"]), found["left_out"], found["no_good_answer"]) == (1, 4, "")
    assert " or probability 0.5" in shell("search", shell.query, *both)
    none = shell.json(shell.query, "--threshold", "1e9", "--min-probability", "0.5")
    assert (none["hits"], none["left_out"]) == ([], 5)
    assert none["no_good_answer"].startswith("no good answer: the best final score is ")
    (shell.here / "shortlist.toml").write_text(f"[search]\nthreshold = {between}\nmin-probability = 0.0\n")
    assert len(shell.json(shell.query)["hits"]) == 3


def test_a_smallest_probability_of_zero_is_none_and_needs_no_curve(shell):
    (shell.here / "shortlist.toml").write_text("[search]\nmin-probability = 0.5\n")
    found = shell.json("red cat", "--min-probability", "0")
    assert (len(found["hits"]), found["min_probability"], found["left_out"]) == (5, None, 0)
    (shell.here / "shortlist.toml").write_text("[search]\nmin-probability = 0\n")
    assert shell.json("red cat")["min_probability"] is None


@pytest.mark.parametrize(
    ("options", "why"),
    [
        (["--no-rerank"], "nothing is reranked"),
        (["--tail", "--top", "55"], "what lies below the pool has no probability"),
        (["--cross-encoder", "other/model"], "it was found for another cross-encoder"),
        (["--blend", "0"], "it was found at another blend"),
    ],
)
def test_the_files_smallest_probability_is_left_where_it_says_nothing_of_the_scores(shell, options, why):
    (shell.here / "shortlist.toml").write_text("[search]\nmin-probability = 0.5\n")
    said = f"min-probability of shortlist.toml is not used: {why}"
    assert said in shell("search", "red cat", *options)
    assert said not in shell("search", "red cat", *options, "--min-probability", "0")
    knobs = choose_knobs(progressive=True)
    assert (knobs.min_probability, knobs.not_used.split(": ")[1]) == (None, "progressive scores depend on the pool")
    assert (choose_knobs().min_probability, choose_knobs().not_used) == (0.5, "")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["search", "x", "--pool", "many"], "--pool must be a number of passages, or auto, not 'many'"),
        (["search", "x", "--min-probability", "0.5", "--no-rerank"], "needs a reranker"),
        (["search", "x", "--min-probability", "0.5", "--tail"], "below the pool has no probability"),
        (["calibrate", "q.jsonl", "--method", "beta"], "--method 'beta' is unknown"),
        (["calibrate", "q.jsonl", "--alpha", "2"], "alpha must lie between 0 and 1"),
        (["calibrate", "q.jsonl", "--pool", "5"], "the largest pool has to hold the first 10"),
    ],
)
def test_bad_input_is_said(shell, arguments, message):
    with pytest.raises(InvalidInput, match=message):
        shell(*arguments)


@pytest.mark.parametrize("value", ["2", "-0.5", '"high"'])
def test_a_bad_probability_in_the_file_is_said(shell, value):
    (shell.here / "shortlist.toml").write_text(f"[search]\nmin-probability = {value}\n")
    with pytest.raises(InvalidInput, match="min-probability must be a number"):
        shell("search", "x")
