"""`shortlist calibrate`, and the searches that follow what it stored."""

from __future__ import annotations

import shutil

import pytest

from corpora import make_corpus, shell_in
from shortlist.encoders.hashed import HashedEncoder
from shortlist.evaluation.saved import load
from shortlist.registry import INDEXES
from shortlist.types import Passage

QUERIES = 70
FIT = ("--pool", "48", "--top", "5", "--alpha", "0.1")


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    """An index of 60 passages with 70 judged queries, and nothing stored with it."""
    corpus = make_corpus(tmp_path_factory.mktemp("made"), passages=60, queries=QUERIES, words=4)
    lines = (corpus.folder / "q.jsonl").read_text().splitlines(keepends=True)
    (corpus.folder / "few.jsonl").write_text("".join(lines[:20]))
    (corpus.folder / "fewer.jsonl").write_text("".join(lines[:5]))
    return corpus


@pytest.fixture
def shell(plain, tmp_path, monkeypatch):
    """A shell on a copy of the index."""
    monkeypatch.chdir(tmp_path)
    shell = shell_in(tmp_path, plain, monkeypatch)
    shutil.copytree(plain.folder, tmp_path, dirs_exist_ok=True)
    shell.files = ()
    monkeypatch.setattr(shell, "arguments", lambda arguments: [*arguments, "--index", "ix"])
    shell.query = str(plain.rows[0]["query"])
    return shell


def codes(answer):
    return [note["code"] for note in answer["notes"]]


def test_both_fits_are_stored_and_search_follows(shell):
    shown = shell("calibrate", "q.jsonl", *FIT, "--measure", "nDCG@5")
    for part in (
        "adaptive pool, first 5 of at most 48",
        "mean loss of nDCG@5 at most 0.1, with confidence 0.95; fitted on 70 queries",
        "expected calibration error",
        "log loss on unseen queries",
        "the effect of a smallest probability",
        'pool_size = "auto"',
        'queries would get "no good answer"',
        "written to ix/stop-rule.json and ix/calibration.json and ix/gate.json",
    ):
        assert part in shown, shown
    assert not list(shell.here.glob("*.partial.jsonl"))
    answer = shell.search(shell.query, "--pool", "auto")
    assert answer["pool_size"] == 48
    assert 0 < answer["scored"] <= 48
    assert codes(answer) in (["pool_stopped"], ["pool_scored_whole"])
    assert answer["hits"][0]["probability"] is None
    likely = shell.search(shell.query, "--min-probability", "0.5")
    assert (len(likely["hits"]), likely["left_out"], codes(likely)) == (1, 4, ["left_out"])
    assert likely["hits"][0]["probability"] >= 0.5
    none = shell.search("red cat", "--min-probability", "0.5", "--pool", "auto")
    assert none["hits"] == []
    assert "no_good_answer" in codes(none)
    text = shell("search", "red cat", "--min-probability", "0.5", "--pool", "auto")
    for part in (
        "no good answer: the best passage has probability 0.0",
        "5 of 5 hits left out below min_probability 0.5",
    ):
        assert part in text
    assert "no good answer" in shell("search", "red cat", "--min-probability", "0.5", "--context")


def test_a_share_of_nothing_is_a_dash(shell):
    shown = shell.result("calibrate", "q.jsonl", "--pool", "60", "--top", "5", "--alpha", "0.1").out
    rows = [line.split() for line in shown.split("the effect of a smallest probability")[1].splitlines()]
    least = next(row for row in rows if row[:1] == ["0.01"])
    assert least[4:] == ["0", "-", "-"], "every query has an answer in its pool, and shows one"
    assert float(least[2]) > 0


def test_the_file_sets_both_and_the_command_line_wins(shell):
    shell("calibrate", "q.jsonl", *FIT)
    shell.toml('pool_size = "auto"\nmin_probability = 0.5\ntop_k = 3')
    answer = shell.search(shell.query)
    assert (answer["pool_size"], answer["min_probability"], len(answer["hits"]), answer["left_out"]) == (48, 0.5, 1, 2)
    fixed = shell.search(shell.query, "--pool", "7", "--min-probability", "0")
    assert (fixed["pool_size"], fixed["scored"], len(fixed["hits"])) == (7, 7, 3)
    assert "pool 48" in shell("evaluate", "q.jsonl", "--save", "auto.json")
    (auto,) = load(shell.here / "auto.json")
    assert sum(outcome.scored for outcome in auto.outcomes) < 48 * QUERIES
    options = ("--set-up", "a:pool_size=auto", "--set-up", "b:pool_size=48")
    assert "set-ups compared" in shell("evaluate", "q.jsonl", *options)


def test_an_index_that_grew_since_the_fit_is_reported(shell):
    shell("calibrate", "q.jsonl", *FIT)
    command = (shell.query, "--pool", "auto", "--min-probability", "0.1")
    assert "fit_outdated" not in codes(shell.search(*command))
    with INDEXES.open(shell.here / "ix") as collection:
        collection.index.add([Passage("new", "one more", "new")], HashedEncoder(64).encode_passages(["one more"]))
    outdated = [note for note in shell.search(*command)["notes"] if note["code"] == "fit_outdated"]
    assert [(note["fit"], note["fitted_on"], note["passages"]) for note in outdated] == [
        ("stop_rule", 60, 61),
        ("calibration", 60, 61),
    ]
    sentence = "the stop rule was fitted on 60 passages, and there are now 61"
    assert sentence in shell("search", *command)
    assert sentence in shell("evaluate", "q.jsonl", "--pool", "auto")
    assert "fit_outdated" not in codes(shell.search(shell.query))
    shell("calibrate", "q.jsonl", *FIT)
    assert "fit_outdated" not in codes(shell.search(*command))


def test_without_a_rule_the_fixed_pool_is_scored_with_a_note(shell):
    answer = shell.search("red cat", "--pool", "auto")
    assert (answer["pool_size"], answer["scored"], codes(answer)) == (50, 50, ["no_stop_rule"])
    assert "fixed pool size: no stop rule is stored" in shell("search", "red cat", "--pool", "auto")
    assert "fixed pool size: no stop rule is stored" in shell("evaluate", "q.jsonl", "--pool", "auto")
    assert shell.search("red cat", "--pool", "auto", "--no-rerank")["scored"] == 0
    message = shell.fails("search", "red cat", "--min-probability", "0.5", code=3)
    assert "scores have no probabilities" in message


def test_too_few_queries_certify_nothing_and_keep_the_whole_pool(shell):
    shown = shell.result("calibrate", "few.jsonl", "--pool", "48").out
    assert "nothing can be certified with 20 queries" in shown
    assert "the whole pool is scored" in shown
    assert 'pool_size = "auto"' not in shown
    answer = shell.search("red cat", "--pool", "auto")
    assert (answer["scored"], answer["pool_size"], codes(answer)) == (48, 48, ["pool_never_stops"])


def test_too_few_relevant_passages_leave_nothing_behind(shell):
    assert "are too few: probabilities need at least 10" in shell.fails("calibrate", "fewer.jsonl", "--pool", "48")
    assert not (shell.here / "ix" / "stop-rule.json").exists()
    assert not list(shell.here.glob("*.partial.jsonl"))
    shell("calibrate", "few.jsonl", "--pool", "48", "--checkpoint", "mine.jsonl")


@pytest.mark.parametrize("option", [("--pool", "auto"), ("--min-probability", "0.5")])
def test_other_weights_or_another_retriever_are_refused(shell, option):
    shell("calibrate", "q.jsonl", "--pool", "48", "--blend", "0")
    shell("search", "red cat", *option, "--blend", "0")
    weights = ("--weight", "dense=2")
    message = shell.fails("search", "red cat", *option, *weights, code=3)
    assert "was made for weights none, and this search has 2 x dense" in message
    message = shell.fails("search", "red cat", *option, *weights, "--blend", "0", "--retriever", "bm25", code=3)
    assert "was made for retriever hybrid with added scores, and this search has bm25" in message


def test_a_missing_fit_proposes_the_command_for_this_search(shell):
    for option, name in ((("--pool", "auto"), "no stop rule"), (("--gate",), "no gate")):
        shown = shell("search", "red cat", "--fusion", "0.75", "--expand", "rm3", *option)
        command = "shortlist calibrate QUERIES --index ix --fusion 0.75 --expand rm3"
        assert f"{name} is stored for this search. Make one with: {command}" in shown
        assert "--fusion" not in shell("search", "red cat", *option)


@pytest.mark.parametrize("option", [("--pool", "auto"), ("--min-probability", "0.5")])
def test_another_fusion_weight_is_refused_and_its_own_is_followed(shell, option):
    shell("calibrate", "q.jsonl", "--pool", "48", "--top", "5", "--fusion", "0.3")
    message = shell.fails("search", "red cat", *option, code=3)
    assert (
        "made for retriever hybrid with added scores at fusion 0.3, and this search has hybrid with added scores:"
        in message
    )
    assert message.rstrip().endswith("make it with: shortlist calibrate QUERIES --index ix")
    message = shell.fails("search", "red cat", *option, "--fusion", "0.75", "--expand", "rm3", code=3)
    proposed = message.rstrip().rpartition("shortlist ")[2]
    assert proposed == "calibrate QUERIES --index ix --fusion 0.75 --expand rm3"
    shell("calibrate", "q.jsonl", "--pool", "48", "--top", "5", *proposed.split()[4:])
    shell("search", "red cat", *option, "--fusion", "0.75", "--expand", "rm3")
    shell("calibrate", "q.jsonl", "--pool", "48", "--top", "5", "--fusion", "0.3")
    shell.toml("fusion = 0.3")
    shell("search", "red cat", *option)


def test_a_smallest_score_and_a_smallest_probability_both_apply(shell):
    shell("calibrate", "q.jsonl", "--pool", "48", "--top", "5")
    scores = [hit["score"] for hit in shell.search(shell.query)["hits"]]
    between = str((scores[2] + scores[3]) / 2)
    cut = shell.search(shell.query, "--min-score", between)
    assert (len(cut["hits"]), cut["left_out"], cut["min_score"]) == (3, 2, float(between))
    both = ("--min-score", between, "--min-probability", "0.5")
    answer = shell.search(shell.query, *both)
    assert (len(answer["hits"]), answer["left_out"], codes(answer)) == (1, 4, ["left_out"])
    assert "or min_probability 0.5" in shell("search", shell.query, *both)
    none = shell.search(shell.query, "--min-score", "1e9", "--min-probability", "0.5")
    assert (none["hits"], none["left_out"], codes(none)) == ([], 5, ["left_out", "no_good_answer"])
    shell.toml(f"min_score = {between}\nmin_probability = 0.0")
    assert len(shell.search(shell.query)["hits"]) == 3


def test_a_smallest_probability_of_zero_needs_no_curve(shell):
    shell.toml("min_probability = 0.5")
    answer = shell.search("red cat", "--min-probability", "0")
    assert (len(answer["hits"]), answer["min_probability"], answer["left_out"]) == (5, None, 0)
    shell.toml("min_probability = 0")
    assert shell.search("red cat")["min_probability"] is None


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (["--no-rerank"], "the search does not rerank"),
        (["--tail", "--top", "55"], "passages below the pool have no probability"),
        (["--reranker", "other/model"], "it is valid for another reranker"),
        (["--blend", "0"], "it is valid for another blend"),
    ],
)
def test_the_files_smallest_probability_is_ignored_where_it_does_not_apply(shell, options, reason):
    shell.toml("min_probability = 0.5")
    sentence = f"min_probability of shortlist.toml is ignored: {reason}"
    assert sentence in shell("search", "red cat", *options)
    assert sentence not in shell("search", "red cat", *options, "--min-probability", "0")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["search", "x", "--pool", "many"], "--pool must be a whole number of at least 1, or \"auto\", not 'many'"),
        (["search", "x", "--min-probability", "0.5", "--no-rerank"], "--min-probability needs a reranker"),
        (["search", "x", "--min-probability", "0.5", "--tail"], "leave out --tail or --min-probability"),
        (["calibrate", "q.jsonl", "--method", "beta"], "--method must be auto, platt or isotonic, not 'beta'"),
        (["calibrate", "q.jsonl", "--alpha", "2"], "alpha must"),
        (
            ["calibrate", "q.jsonl", "--pool", "5"],
            "the largest pool must hold the first 10: a --pool of 5 is too small",
        ),
    ],
)
def test_mistakes_are_named(shell, arguments, message):
    assert message in shell.fails(*arguments)


@pytest.mark.parametrize("value", ["2", "-0.5", '"high"'])
def test_a_bad_probability_in_the_file_is_an_error(shell, value):
    shell.toml(f"min_probability = {value}")
    assert "shortlist.toml: min_probability must be a number from 0 to 1" in shell.fails("search", "x")


@pytest.mark.parametrize("option", ["--alpha", "--delta"])
def test_levels_are_checked_before_the_index_is_opened(shell, monkeypatch, option):
    monkeypatch.setattr("shortlist.cli.setups.open_search", lambda *_, **__: pytest.fail("the index is opened"))
    assert f"{option} must be between 0 and 1, not 2.0" in shell.fails("calibrate", "q.jsonl", option, "2")
