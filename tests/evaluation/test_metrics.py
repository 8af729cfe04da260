"""Our measures equal those of ir_measures and pytrec_eval, to 1e-6."""

from __future__ import annotations

import ir_measures
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shortlist.errors import InvalidInput
from shortlist.evaluation.metrics import measures as metrics
from shortlist.evaluation.metrics.measures import Measure, measure_run, ordered, parse, per_query

BY_PYTREC_EVAL = ("nDCG", "nDCG@1", "nDCG@3", "nDCG@10", "RR", "R@3", "R@10", "Success@1", "Success@5", "AP", "AP@3")
IDS = [f"d{i}" for i in range(8)]
QUERIES = ["q1", "q2", "q3"]

qrels_strategy = st.dictionaries(
    st.sampled_from(QUERIES), st.dictionaries(st.sampled_from(IDS), st.integers(0, 3), min_size=1), min_size=1
)
few_scores = st.sampled_from([0.0, 0.5, 0.5000000001, 1.0, 2.5, -3.0])
run_strategy = st.dictionaries(
    st.sampled_from([*QUERIES, "not-judged"]), st.dictionaries(st.sampled_from(IDS), few_scores, min_size=1)
)


def theirs(names, qrels, run):
    measures = [ir_measures.parse_measure(name) for name in names]
    values = {str(name): {} for name in names}
    for row in ir_measures.iter_calc(measures, qrels, run):
        values[str(row.measure)][row.query_id] = row.value
    return values


@settings(max_examples=150, deadline=None)
@given(qrels_strategy, run_strategy)
def test_equals_pytrec_eval_with_ties_missing_queries_and_queries_without_judgments(qrels, run):
    rankings = {query: ordered(scores) for query, scores in run.items()}
    ours = per_query([parse(name) for name in BY_PYTREC_EVAL], qrels, rankings)
    if not set(qrels) & set(run):
        assert all(value == 0.0 for values in ours.values() for value in values.values())
        return
    for name, expected in theirs(BY_PYTREC_EVAL, qrels, run).items():
        for query in qrels:
            assert ours[name][query] == pytest.approx(expected.get(query, 0.0), abs=1e-6), (name, query)


@settings(max_examples=100, deadline=None)
@given(qrels_strategy, st.dictionaries(st.sampled_from(QUERIES), st.permutations(IDS), min_size=1))
def test_cut_rr_and_judged_equal_ir_measures_where_ranks_are_distinct(qrels, orders):
    names = ("RR@3", "RR@10", "Judged@3", "Judged@20")
    run = {query: {key: float(-place) for place, key in enumerate(order)} for query, order in orders.items()}
    ours = per_query([parse(name) for name in names], qrels, {query: ordered(scores) for query, scores in run.items()})
    for name, expected in theirs(names, qrels, run).items():
        for query in qrels:
            assert ours[name][query] == pytest.approx(expected.get(query, 0.0), abs=1e-6), (name, query)


@settings(max_examples=50, deadline=None)
@given(qrels_strategy, run_strategy)
def test_means_equal_ir_measures_which_also_counts_every_judged_query(qrels, run):
    names = ("nDCG@10", "R@3", "AP")
    expected = ir_measures.calc_aggregate([ir_measures.parse_measure(name) for name in names], qrels, run)
    ours = measure_run([parse(name) for name in names], qrels, run)
    for measure, value in expected.items():
        assert ours[str(measure)] == pytest.approx(value, abs=1e-6)


def test_ties_follow_trec_eval_and_float32():
    assert ordered({"a": 1.0, "b": 1.0, "c": 2.0}) == ["c", "b", "a"]
    assert ordered({"a": 0.9000000001, "b": 0.9}) == ["b", "a"]


def test_values_by_hand():
    grades = {"a": 2, "b": 1, "c": 0}
    assert parse("nDCG@2").of(["x", "a"], grades) == pytest.approx((2 / 1.5849625) / (2 + 1 / 1.5849625))
    assert parse("RR@10").of(["x", "b"], grades) == 0.5
    assert parse("R@1").of(["a"], grades) == 0.5
    assert parse("AP").of(["a", "x", "b"], grades) == pytest.approx((1 + 2 / 3) / 2)
    assert parse("Judged@4").of(["a", "x", "c"], grades) == pytest.approx(2 / 3)


@pytest.mark.parametrize("name", ["nDCG@10", "RR", "R@5", "Success@1", "AP", "Judged@10"])
def test_nothing_found_or_nothing_relevant_gives_zero(name):
    assert parse(name).of([], {"a": 1}) == 0.0
    assert parse(name).of(["b"], {"a": 0}) == 0.0


def test_a_missing_query_counts_zero():
    qrels = {"q1": {"a": 1}, "q2": {"b": 1}}
    assert measure_run([parse("RR@10")], qrels, {"q1": {"a": 1.0}}) == {"RR@10": 0.5}


def test_negative_grades_are_judged_and_not_relevant():
    grades = {"a": -2, "b": 1}
    assert parse("nDCG@10").of(["a", "b"], grades) == pytest.approx(1 / 1.5849625)
    assert parse("Judged@2").of(["a", "b"], grades) == 1.0


def test_the_identical_id_rule_drops_the_query_itself():
    qrels = {"q1": {"a": 1}}
    rankings = {"q1": ["q1", "a"]}
    measures = [parse("RR@10")]
    assert per_query(measures, qrels, rankings)["RR@10"]["q1"] == 0.5
    assert per_query(measures, qrels, rankings, ignore_identical_ids=True)["RR@10"]["q1"] == 1.0


@pytest.mark.parametrize("name", ["ndcg@10", "nDCG@0", "R", "Success", "P@5", "", "nDCG@", "nDCG@-1"])
def test_unknown_measures_are_refused(name):
    with pytest.raises(InvalidInput, match="is unknown: write nDCG@10"):
        parse(name)


@pytest.mark.parametrize(
    ("name", "ours"), [("MRR@10", "RR@10"), ("mrr", "RR@10"), ("Recall@50", "R@50"), ("MAP@100", "AP@100")]
)
def test_an_error_names_the_measure_as_ir_measures_does(name, ours):
    with pytest.raises(InvalidInput, match=f"write {ours}$"):
        parse(name)


def test_an_id_twice_is_refused():
    with pytest.raises(InvalidInput, match="'a' occurs twice"):
        Measure("RR").of(["a", "b", "a"], {"a": 1})


def test_no_judgments_is_refused():
    with pytest.raises(InvalidInput, match="no query is judged"):
        metrics.measure_run([Measure("RR")], {}, {})


def test_names_print_as_they_are_read():
    for name in (*BY_PYTREC_EVAL, "Judged@10"):
        assert str(parse(name)) == name


@pytest.mark.parametrize("cutoff", ["10000001", "99999999999", "9" * 5000])
def test_too_large_a_cutoff_names_the_measure(cutoff):
    assert parse("nDCG@10000000").cutoff == 10_000_000
    with pytest.raises(InvalidInput, match=r"^measure 'nDCG@\d+.*: use a cutoff of at most 10,000,000") as caught:
        parse(f"nDCG@{cutoff}")
    assert caught.value.field == "measures"
    assert len(str(caught.value)) < 200
