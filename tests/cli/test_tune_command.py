"""`shortlist tune`, and the searches that follow `shortlist.toml`."""

from __future__ import annotations

import html

import pytest

from corpora import make_corpus, shell_in
from shortlist import atomic_io
from shortlist.evaluation.saved import load
from worlds import OracleReranker, TextReranker

QUERIES = 24


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    return make_corpus(tmp_path_factory.mktemp("made"), passages=40, queries=QUERIES, words=3)


@pytest.fixture
def shell(corpus, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return shell_in(tmp_path, corpus, monkeypatch)


def file_of(shell):
    return (shell.here / "shortlist.toml").read_text()


def value_in(text, name):
    return float(text.split(f"{name} = ")[1].split()[0])


def test_it_recommends_and_writes_and_search_follows(shell):
    shown = shell("tune", "q.jsonl", "--sizes", "5,10,20,40", "--write")
    for part in ("ceiling", "within the interval of the best: pool", "90 % of the gain", "on the other half"):
        assert part in shown
    assert "one scoring pass at pool 40, and every smaller pool computed from it" in shown
    text = file_of(shell)
    assert text.startswith("[search]\nrerank = true\npool_size = ")
    assert "# shortlist.toml\n[search]\nrerank = true\npool_size = " in shown
    pool = int(value_in(text, "pool_size"))
    answer = shell.search("red cat")
    assert (answer["pool_size"], answer["status"]) == (pool, "ok")
    assert shell.search("red cat", "--pool", "7")["pool_size"] == 7
    assert not list(shell.here.glob("*.partial.jsonl"))


def test_a_derived_weight_is_written_and_used(shell):
    shell.reranker = OracleReranker(shell.corpus.answers, 0.02)
    shown = shell("tune", "q.jsonl", "--sizes", "40", "--write", "--fusions", ",", "--fusion", "1")
    assert "weights tried at blend 1, because none were fitted: " in shown
    text = file_of(shell)
    weight = float(text.split("weights = {dense = ")[1].split("}")[0])
    answer = shell.search("red cat")
    assert "fusion = 1.0" in text
    assert answer["weights"] == {"dense": weight}
    row = next(line.split() for line in shown.splitlines() if line.split()[:1] == [str(answer["pool_size"])])
    shell("evaluate", "q.jsonl", "--save", "now.json", "--measure", "nDCG@10")
    assert f"{load(shell.here / 'now.json')[0].estimate('reranked', 'nDCG@10').mean:.3f}" in row
    assert shell.search("red cat", "--blend", "0")["weights"] == {}


def test_fusion_weight_and_smallest_score_are_tuned_written_and_followed(shell):
    shown = shell("tune", "q.jsonl", "--sizes", "5,40", "--fusions", "0,1", "--write")
    for part in ("fusion weight: ", "nDCG@10 by fusion weight: 0: ", "smallest score: ", "recall ", "left out"):
        assert part in " ".join(shown.split())
    text = file_of(shell)
    fusion, least = value_in(text, "fusion"), value_in(text, "min_score")
    query = next(iter(shell.corpus.answers))
    answer = shell.search(query, "--top", "5")
    assert (len(answer["hits"]), answer["left_out"]) == (1, 4)
    assert answer["hits"][0]["score"] >= least
    assert "4 of 5 hits left out below min_score " in shell("search", query, "--top", "5")
    assert "no good answer: the best passage has score " in shell("search", query, "--min-score", "1e9")
    everything = shell.search(query, "--top", "5", "--min-score", "-inf")
    assert (len(everything["hits"]), everything["left_out"]) == (5, 0)
    for options in (("--blend", "0.7"), ("--reranker", "another"), ("--no-rerank",)):
        assert len(shell.search(query, "--top", "5", *options)["hits"]) == 5
    (shell.here / "shortlist.toml").write_text(text.replace(f"fusion = {fusion}", "fusion = 1.0"))
    plain = ("red cat", "--no-rerank", "--top", "5")
    assert shell.search(*plain)["hits"] == shell.search(*plain, "--fusion", "1")["hits"]


@pytest.mark.parametrize(("fusion", "retriever", "signal"), [("0", "bm25", "bm25"), ("1", "dense", "dense")])
def test_the_ends_of_the_fusion_weight_are_the_two_lists(shell, fusion, retriever, signal):
    fused, alone = (
        [hit["signals"][signal] for hit in shell.search("red cat", "--no-rerank", *options)["hits"]]
        for options in (("--fusion", fusion), ("--retriever", retriever))
    )
    assert fused == pytest.approx(alone)


def test_a_smallest_score_that_no_longer_helps_is_removed_from_the_file(shell):
    shell.toml("min_score = 3.5\npool_size = 7")
    shell.reranker = OracleReranker(shell.corpus.answers, -1)
    shell("tune", "q.jsonl", "--sizes", "5,20", "--write")
    assert "min_score" not in file_of(shell)
    assert "rerank = false" in file_of(shell)


def test_a_smallest_probability_goes_with_the_scores_that_it_was_found_for(shell):
    def kept(*options):
        shell.toml("blend = 2.0\nweights = {dense = 8.0}\nfusion = 0.5\nmin_probability = 0.2")
        shell("tune", "q.jsonl", "--sizes", "20", "--blends", "2", "--fusions", ",", *options, "--write")
        return "min_probability" in file_of(shell)

    assert kept()
    assert not kept("--reranker", "other/model")
    assert not kept("--fusion", "0.75")
    assert not kept("--blend", "1")
    shell.reranker = OracleReranker(shell.corpus.answers, -1)
    assert not kept()


def test_blend_and_weights_of_another_reranker_are_removed_from_the_file(shell):
    shell.toml("blend = 2.0\nweights = {dense = 8.0, bm25 = 3.0}")
    options = ("--sizes", "5,20", "--blends", ",", "--reranker", "other/model")
    shown = shell.result("tune", "q.jsonl", *options, "--write")
    text = file_of(shell)
    assert 'reranker = "other/model"' in text
    assert "weights" not in text
    assert "blend = 2.0" not in text
    assert "weights" not in shown.out.split("# shortlist.toml\n")[1].split("written to")[0]
    assert shell.search("red cat")["weights"] == {}


def test_weights_of_the_file_stay_if_the_found_blend_scales_them(shell):
    shell.toml("blend = 2.0\nweights = {dense = 8.0}")
    shown = shell("tune", "q.jsonl", "--sizes", "20", "--blends", "0.5", "--fusions", ",", "--write")
    text = file_of(shell)
    blend = value_in(text, "blend")
    assert "dense = 8.0" in text
    assert "dense = 8.0" in shown.split("# shortlist.toml")[1]
    assert shell.search("red cat")["weights"] == {"dense": 8 * blend}


def test_the_retriever_that_was_tuned_is_written_too(shell):
    shell("tune", "q.jsonl", "--retriever", "bm25", "--sizes", "20", "--write")
    assert 'retriever = "bm25"' in file_of(shell)
    assert set(shell.search("red cat", "--min-score", "-inf")["hits"][0]["signals"]) == {"bm25"}


def test_a_file_that_cannot_be_written_is_an_error_before_anything_is_scored(shell, monkeypatch):
    monkeypatch.setattr(atomic_io.os, "access", lambda place, _: place != shell.here)
    message = shell.fails("tune", "q.jsonl", "--sizes", "20", "--write")
    assert message.startswith(f"{shell.here}/shortlist.toml can")
    assert shell.reranker.scored == 0


def test_it_refuses_to_do_harm(shell):
    shell.reranker = OracleReranker(shell.corpus.answers, -1)
    shown = shell("tune", "q.jsonl", "--sizes", "5,20", "--write")
    assert "warning: reranking is worse than no reranking at pool" in shown
    assert "recommended: no reranking" in shown
    assert shell.search("red cat")["status"] == "off"
    assert shell.search("red cat", "--rerank")["status"] == "ok"


def test_a_budget_that_allows_no_reranking_states_the_loss(shell):
    shown = shell("tune", "q.jsonl", "--sizes", "5,20", "--budget-ms", "0", "--write")
    assert "recommended: no reranking, which loses 0." in shown
    assert "warning: without reranking, nDCG@10 is" in shown
    assert shown.count("no pool is within 0 ms") == 1
    assert "rerank = false" in file_of(shell)
    message = shell.fails("search", "red cat", "--effort", "mid")
    assert "--effort is 'mid', and no such level is stored. An effort is a pool size" in message
    assert "turn reranking on and give a --pool" in message
    assert shell.search("red cat", "--rerank", "--pool", "20")["status"] == "ok"


def test_without_a_pool_in_the_budget_the_earlier_pool_is_removed_and_the_output_lists_it(shell):
    shell.toml("pool_size = 20\ntop_k = 3\nblend = 2.0")
    options = ("--sizes", "5,20", "--budget-ms", "0", "--fusions", ",")
    assert "\n--write also removes from the file: blend, pool_size\n" in shell("tune", "q.jsonl", *options)
    shown = shell("tune", "q.jsonl", *options, "--write")
    assert "shortlist.toml; removed from the file: blend, pool_size\n" in shown
    assert file_of(shell).split() == ["[search]", "top_k", "=", "3", "rerank", "=", "false"]
    assert "removed" not in shell("tune", "q.jsonl", *options, "--write")


def test_the_answer_names_its_effort(shell):
    shell.toml("\n[efforts]\nlow = {pool_size = 6}")
    assert "; effort low: pool of 6" in shell("search", "red cat", "--effort", "low")
    assert "effort" not in shell("search", "red cat", "--pool", "6")


def test_few_queries_switch_nothing_off(shell):
    shell.toml("pool_size = 7\nmin_score = 3.5")
    before = file_of(shell)
    few = (shell.corpus.folder / "q.jsonl").read_text().splitlines(keepends=True)[:3]
    (shell.here / "few.jsonl").write_text("".join(few))
    shell.reranker = OracleReranker(shell.corpus.answers, -1)
    shown = shell("tune", "few.jsonl", "--sizes", "5,20", "--write")
    assert "recommended: nothing; 3 queries are too few to decide whether to rerank: judge at least 20" in shown
    assert "nothing to write into shortlist.toml; the file is unchanged" in shown
    assert file_of(shell) == before
    (shell.here / "shortlist.toml").unlink()
    shown = shell("tune", "few.jsonl", "--sizes", "5,20", "--write")
    assert "nothing to write into shortlist.toml\n" in shown
    assert "unchanged" not in shown


class Interrupting(TextReranker):
    left = 10

    def score(self, query, texts):
        self.left -= 1
        if self.left < 0:
            raise KeyboardInterrupt
        return super().score(query, texts)


def test_it_survives_ctrl_c_and_resumes(shell):
    shell.reranker = Interrupting()
    assert "run the same command again to continue" in shell("tune", "q.jsonl", "--sizes", "5,20", code=130)
    (partial,) = shell.here.glob("shortlist-tune.*.partial.jsonl")
    assert len(partial.read_text().splitlines()) == 11
    shell.reranker = TextReranker()
    assert "10 results from an interrupted run" in shell("tune", "q.jsonl", "--sizes", "5,20")
    assert not partial.exists()


def test_the_recommended_pool_gives_what_evaluate_measures(shell):
    shell("evaluate", "q.jsonl", "--pool", "10", "--save", "ten.json", "--measure", "nDCG@10")
    mean = load(shell.here / "ten.json")[0].estimate("reranked", "nDCG@10").mean
    shown = shell("tune", "q.jsonl", "--sizes", "5,10,20")
    row = next(line.split() for line in shown.splitlines() if line.split()[:1] == ["10"])
    assert f"{mean:.3f}" in row


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--sizes", "5,x"], "--sizes is '5,x': write whole numbers separated by commas"),
        (["--sizes", ","], "--sizes must be pool sizes of at least 1"),
        (["--blends", "-1"], "--blends must be from 0 to 1,000,000, not -1.0"),
        (["--budget-ms", "-1"], "--budget-ms must be 0 or more"),
        (["--timed", "99"], "--timed must be from 1 to 24 queries"),
        (["--report", "missing/r.html"], "missing/r.html is in a folder that does not exist"),
    ],
)
def test_mistakes_are_named(shell, arguments, message):
    assert message in shell.fails("tune", "q.jsonl", *arguments)


def test_sizes_of_the_file_give_way_to_options(shell):
    shell.toml("pool_size = 3\nblend = 0.5")
    answer = shell.search("red cat")
    assert (answer["pool_size"], len(answer["hits"])) == (3, 3)
    assert shell.search("red cat", "--pool", "9", "--top", "6")["pool_size"] == 9
    larger = shell.search("red cat", "--top", "6")
    assert (larger["pool_size"], len(larger["hits"])) == (50, 6)
    assert larger["from_file"] == {"blend": 0.5}, "the pool of the file gave way"
    shell.toml("pool_size = 10\ntop_k = 20")
    assert "top_k is 20 and pool_size is 10" in shell.fails("search", "red cat")


def test_a_report_is_of_the_recommended_pool_or_of_the_best(shell):
    shown = shell("tune", "q.jsonl", "--sizes", "5,10,20", "--report", "r.html")
    size = shown.split("recommended: pool ")[1].split(",")[0]
    page = (shell.here / "r.html").read_text(encoding="utf-8")
    assert f"a pool of {size}, by the rule" in page
    assert f"Pool {size}: Worst queries" in page
    shell.reranker = OracleReranker(shell.corpus.answers, -1)
    shell("tune", "q.jsonl", "--sizes", "5,20", "--report", "r.html")
    page = (shell.here / "r.html").read_text(encoding="utf-8")
    assert "no reranking: stage one alone" in page
    assert "reranking is worse than no reranking at pool" in page.lower()


def test_a_report_names_the_weights_that_were_tuned(shell):
    shell.toml("weights = {dense = 8.0}")
    shell("tune", "q.jsonl", "--sizes", "20", "--blends", "0.5", "--blend", "0.5", "--report", "r.html")
    assert "score + 4 x dense" in html.unescape((shell.here / "r.html").read_text(encoding="utf-8"))
    (shell.here / "shortlist.toml").unlink()
    shell.reranker = OracleReranker(shell.corpus.answers, 0.02)
    shown = shell("tune", "q.jsonl", "--sizes", "40", "--fusions", ",", "--fusion", "1", "--report", "r.html")
    weight = float(shown.split("weights = {dense = ")[1].split("}")[0])
    assert f"score + {weight:g} x dense" in html.unescape((shell.here / "r.html").read_text(encoding="utf-8"))


@pytest.mark.parametrize("arguments", [["--sizes", "0"], ["--blends", "-1"], ["--budget-ms", "-1"]])
def test_values_are_checked_before_the_index_is_opened(shell, monkeypatch, arguments):
    monkeypatch.setattr("shortlist.cli.setups.open_search", lambda *_, **__: pytest.fail("the index is opened"))
    assert f"{arguments[0]} must be" in shell.fails("tune", "q.jsonl", *arguments)
