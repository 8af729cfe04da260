from __future__ import annotations

import json
from dataclasses import replace

import pytest

from shortlist.errors import InvalidInput
from shortlist.evaluation.calibration.calibrate import CalibrateOptions, calibrate
from shortlist.evaluation.evaluate import compare, difference, evaluate
from shortlist.evaluation.gate import apply_rule, parse_rule
from shortlist.evaluation.markdown import summary
from shortlist.evaluation.metrics.measures import measure_run, parse
from shortlist.evaluation.metrics.outcomes import KINDS
from shortlist.evaluation.query_sets.identical_ids import WithoutOwnId
from shortlist.evaluation.query_sets.query_set import Judged
from shortlist.evaluation.saved import load, save
from shortlist.types import Note, Passage
from shortlist.wording import describe
from worlds import OracleReranker, PoolRetriever, TextReranker, hits, searching, whole_ranking, world

MEASURES = ("nDCG@10", "RR@10", "R@10", "Success@10", "AP@10", "Judged@10")


def line(names, signals=None):
    passages = [Passage(name, f"text {name}", name[0]) for name in names]
    return PoolRetriever({"ask": hits(passages, signals or [{} for _ in names]), "other": hits(passages[:1], [{}])})


def judged(grades, level="passage"):
    return Judged("tiny", {"q1": "ask", "q2": "other"}, {"q1": grades, "q2": {"a": 1}}, level)


class Fixed(TextReranker):
    """Scores by id. The ids in `cut` were truncated."""

    def __init__(self, scores, cut=()):
        super().__init__()
        self.scores, self.cut = scores, cut

    def values(self, query, texts):
        return [float(self.scores.get(text.removeprefix("text "), 0)) for text in texts]

    def truncates(self, text):
        return text.removeprefix("text ") in self.cut


def outcome(retriever, reranker, grades, pool_size=3, cutoff=1, level="passage"):
    search = searching(retriever, reranker)
    evaluation = evaluate(search, judged(grades, level), pool_size=pool_size, cutoff=cutoff, measures=["RR@1", "R@2"])
    return evaluation.outcomes[0]


def test_both_stages_and_the_ceiling_equal_the_measures_of_their_runs():
    retriever, queries, _ = world()
    search = searching(retriever, TextReranker(), {"dense": 2.0})
    evaluation = evaluate(search, queries, pool_size=12, measures=MEASURES)
    runs = {"stage one": {}, "reranked": {}}
    for query_id, query in queries.queries.items():
        whole = whole_ranking(search, query, 12)
        runs["reranked"][query_id] = {hit.passage.id: -hit.rank for hit in whole.hits}
        runs["stage one"][query_id] = {hit.passage.id: -hit.retrieval_rank for hit in whole.hits}
    for stage, run in runs.items():
        expected = measure_run([parse(name) for name in MEASURES], queries.qrels, run)
        for name, value in expected.items():
            assert evaluation.estimate(stage, name).mean == pytest.approx(value)
    assert all(
        outcome.ceiling["nDCG@10"] >= max(outcome.reranked["nDCG@10"], outcome.stage_one["nDCG@10"])
        for outcome in evaluation.outcomes
    )
    assert sum(evaluation.failures.values()) == len(queries.queries)
    assert list(evaluation.failures) == list(KINDS)


def test_a_perfect_reranker_reaches_the_ceiling_and_no_more():
    retriever, queries, answers = world(first=3)
    evaluation = evaluate(
        searching(retriever, OracleReranker(answers)), queries, pool_size=15, measures=["RR@10", "Success@10"]
    )
    assert evaluation.values("reranked", "RR@10") == evaluation.values("ceiling", "RR@10")
    assert evaluation.gain("RR@10").losses == 0
    missed = [missed_query for missed_query in evaluation.outcomes if missed_query.failure.kind == "not retrieved"]
    assert all(missed_query.recall == 0.0 for missed_query in missed)


def test_fine():
    evaluation = outcome(line("abc"), Fixed({"b": 1}), {"b": 1})
    assert (evaluation.failure.kind, evaluation.failure.final_rank, evaluation.failure.retrieval_rank) == ("fine", 1, 2)
    assert not evaluation.failure.stage_one_had_it


def test_not_retrieved():
    evaluation = outcome(line("abcd"), Fixed({}), {"d": 1})
    assert (evaluation.failure.kind, evaluation.recall, evaluation.failure.beaten_by) == ("not retrieved", 0.0, ())


def test_ranked_out_names_what_beat_it_and_that_stage_one_had_it():
    failure = outcome(line("abc"), Fixed({"b": 2, "c": 1}), {"a": 1}).failure
    assert (failure.kind, failure.final_rank, failure.retrieval_rank) == ("ranked out", 3, 1)
    assert (failure.beaten_by, failure.stage_one_had_it) == (("b",), True)


def test_truncated_where_the_reranker_saw_only_its_start():
    assert outcome(line("abc"), Fixed({"a": 1}, cut=("b",)), {"b": 1}).failure.kind == "truncated"
    assert outcome(line("abc"), Fixed({"a": 1}, cut=("c",)), {"b": 1}).failure.kind == "ranked out"


def test_below_the_cut_where_no_reranker_ran():
    assert outcome(line("abc"), None, {"b": 1}).failure.kind == "below the cut"


def test_nothing_relevant_counts_zero():
    evaluation = outcome(line("abc"), Fixed({}), {"b": 0})
    assert (evaluation.failure.kind, evaluation.reranked["RR@1"]) == ("nothing relevant", 0.0)


def test_documents_count_once_at_their_best_passage():
    passages = [Passage(name, f"text {name}", name[0]) for name in ("a1", "a2", "b1")]
    retriever = PoolRetriever({"ask": hits(passages, [{}] * 3), "other": hits(passages[:1], [{}])})
    evaluation = outcome(retriever, None, {"b": 1}, cutoff=2, level="document")
    assert evaluation.stage_one_top == ("a", "b")
    assert evaluation.reranked["R@2"] == 1.0


def test_a_skipped_query_keeps_stage_one_and_the_reason():
    reason = Note("rerank_skipped", reason="too long")

    class Skipping(Fixed):
        def skip_reason(self, query):
            return reason if query == "ask" else None

    evaluation = outcome(line("abc"), Skipping({"b": 1}), {"b": 1})
    assert (evaluation.skipped, evaluation.top, evaluation.failure.kind) == (reason, ("a",), "below the cut")


def test_the_query_itself_is_left_out_and_the_pool_keeps_its_size():
    passages = [Passage(name, name, name) for name in ("q1", "a", "b", "c")]
    inner = PoolRetriever({"ask": hits(passages, [{}] * 4)})
    evaluation = WithoutOwnId(inner, {"q1": "ask"}).retrieve("ask", 2)
    assert [(hit.passage.id, hit.rank, hit.retrieval_rank) for hit in evaluation] == [("a", 1, 1), ("b", 2, 2)]
    assert len(WithoutOwnId(inner, {"q1": "ask"}).retrieve("ask", 9)) == 3
    several = [Passage(f"q1#{i}", "x", "q1") for i in range(3)] + [Passage("a", "a", "a")]
    deep = PoolRetriever({"ask": hits(several, [{}] * 4)})
    assert [hit.passage.id for hit in WithoutOwnId(deep, {"q1": "ask"}).retrieve("ask", 1)] == ["a"]


def test_set_ups_are_compared_in_pairs_with_correction():
    retriever, queries, answers = world(queries=20, first=2)
    rerankers = {"none": None, "good": OracleReranker(answers), "bad": OracleReranker(answers, -1)}
    evaluations = [
        evaluate(searching(retriever, one), queries, pool_size=20, name=name) for name, one in rerankers.items()
    ]
    pairs = compare(evaluations)
    assert [(one.first, one.second) for one in pairs] == [("none", "good"), ("none", "bad"), ("good", "bad")]
    assert pairs[0].paired.difference.low > 0 > pairs[1].paired.difference.high
    assert all(one.adjusted_p >= one.paired.p for one in pairs)
    assert compare(evaluations[:1]) == []
    with pytest.raises(InvalidInput, match="a name of its own"):
        compare([evaluations[0], evaluations[0]])


def test_other_judgments_can_not_be_compared():
    retriever, queries, _ = world()
    first = evaluate(searching(retriever), queries)
    with pytest.raises(InvalidInput, match="queries or judgments differ"):
        difference(first, replace(first, fingerprint="x"), "nDCG@10")
    with pytest.raises(InvalidInput, match="R@7 was not measured"):
        difference(first, first, "R@7")


@pytest.mark.parametrize("read", ["estimate", "values"])
def test_an_unknown_stage_is_an_error_that_names_the_stages(read):
    retriever, queries, _ = world()
    evaluation = evaluate(searching(retriever), queries)
    with pytest.raises(InvalidInput, match="stage is 'rerank': give one of 'stage one', 'reranked', 'ceiling'"):
        getattr(evaluation, read)("rerank", "nDCG@10")


def test_saved_and_loaded_is_the_same(tmp_path):
    retriever, queries, _ = world()
    evaluation = evaluate(searching(retriever, TextReranker()), queries, pool_size=5)
    save([evaluation], tmp_path / "run.json")
    assert load(tmp_path / "run.json") == [evaluation]


@pytest.mark.parametrize(
    "text", ["", "{}", "[1]", '{"version": 2, "evaluations": [{}]}', '{"version": 2, "evaluations": 3}']
)
def test_a_file_that_is_no_saved_run(tmp_path, text):
    (tmp_path / "x").write_text(text)
    with pytest.raises(InvalidInput, match="is not a saved evaluation"):
        load(tmp_path / "x")
    (tmp_path / "x").write_text(json.dumps({"version": 9}))
    with pytest.raises(InvalidInput, match="format 9"):
        load(tmp_path / "x")


@pytest.mark.parametrize(
    ("rule", "failed"),
    [("nDCG@10 < -0.01", True), ("nDCG@10<0", True), ("nDCG@10 > 0.5", False), ("RR@10 >= -1", True)],
)
def test_rules(rule, failed):
    retriever, queries, answers = world()
    before = evaluate(searching(retriever, OracleReranker(answers)), queries, pool_size=20)
    after = evaluate(searching(retriever), queries, pool_size=20)
    assert apply_rule(parse_rule(rule), after, before).failed is failed


@pytest.mark.parametrize("text", ["nDCG@10", "nDCG@10 = 1", "nDCG@10 < x", "x < 1", "< 1", ""])
def test_rules_that_can_not_be_read(text):
    with pytest.raises(InvalidInput):
        parse_rule(text)


def test_the_summary_holds_every_number_and_what_failed():
    retriever, queries, answers = world()
    before = evaluate(searching(retriever, OracleReranker(answers)), queries, pool_size=20, name="old | one")
    after = evaluate(searching(retriever), queries, pool_size=20, name="new")
    result = apply_rule(parse_rule("nDCG@10 < -0.01"), after, before)
    text = summary([after, before], compare([before, after]), [result], [("nDCG@10", result.paired)])
    assert text.startswith("### Against the baseline: failed")
    assert f"{after.estimate('reranked', 'nDCG@10').mean:.4f}" in text
    assert "- FAILED: new: fail if `nDCG@10 < -0.01`" in text
    assert "Recall of the pool, the ceiling of any reranker: " in text
    assert "new - old \\| one" in text


def test_few_queries_are_warned_of_wherever_their_intervals_stand(tmp_path):
    retriever, queries, answers = world(queries=3)
    few = evaluate(searching(retriever, OracleReranker(answers)), queries, pool_size=20)
    (warning,) = few.warnings
    assert warning == Note("few_queries", queries=3, fewest=20)
    assert describe(warning).startswith("3 queries are few: their 95 % intervals are too narrow")
    assert f"**Warning:** {describe(warning)}." in summary([few])
    save([few], tmp_path / "few.json")
    assert json.loads((tmp_path / "few.json").read_text())["warnings"] == [{"name": "default", **warning.to_dict()}]
    assert load(tmp_path / "few.json") == [few]
    retriever, queries, answers = world(queries=20)
    enough = evaluate(searching(retriever, OracleReranker(answers)), queries, pool_size=20)
    assert enough.warnings == ()
    assert "Warning" not in summary([enough])


def test_progress_is_reported_and_measures_are_needed():
    retriever, queries, _ = world(queries=3)
    seen = []
    evaluate(searching(retriever), queries, progress=lambda done, total: seen.append((done, total)))
    assert seen == [(1, 3), (2, 3), (3, 3)]
    with pytest.raises(InvalidInput, match="at least one measure"):
        evaluate(searching(retriever), queries, measures=[])


@pytest.mark.parametrize("cutoff", [0, -3])
def test_a_cutoff_below_one_is_an_error(cutoff):
    retriever, queries, _ = world()
    with pytest.raises(InvalidInput, match=f"cutoff must be at least 1, not {cutoff}"):
        evaluate(searching(retriever), queries, cutoff=cutoff)


@pytest.mark.parametrize("name", ["AP", "nDCG", "RR", "Judged"])
def test_a_measure_without_a_cutoff_is_refused(name):
    retriever, queries, _ = world(queries=3)
    with pytest.raises(InvalidInput, match=f"give a cutoff, such as {name}@100"):
        evaluate(searching(retriever, TextReranker()), queries, measures=[name])
    with pytest.raises(InvalidInput, match=f"give a cutoff, such as {name}@100"):
        calibrate(searching(retriever, TextReranker()), queries, CalibrateOptions(pool_size=20, measure=name))
