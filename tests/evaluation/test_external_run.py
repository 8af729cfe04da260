"""External runs: the numbers of ir_measures, and errors for runs of other queries."""

from __future__ import annotations

import random
from dataclasses import replace

import ir_measures
import pytest

from shortlist.errors import InvalidInput
from shortlist.evaluation import evaluate_run
from shortlist.evaluation.evaluate import evaluate
from shortlist.evaluation.query_sets.identical_ids import without_own_id
from shortlist.evaluation.query_sets.query_set import QuerySet, resolve
from shortlist.types import Passage
from worlds import PoolRetriever, TextReranker, hits, searching, world

MEASURES = ("nDCG@10", "R@5", "AP@20", "Success@3")


def test_its_numbers_are_those_of_ir_measures_ties_and_missing_queries_included():
    _, judged, _ = world(20, 30, 1)
    draw = random.Random(4)
    run = {
        key: {f"p{i}": float(draw.randint(0, 6)) for i in draw.sample(range(30), draw.randint(1, 25))}
        for key in list(judged.queries)[:-3]
    } | {"nobody": {"p1": 1.0}}
    evaluation = evaluate_run(run, judged, measures=MEASURES)
    expected = ir_measures.calc_aggregate([ir_measures.parse_measure(name) for name in MEASURES], judged.qrels, run)
    for measure, value in expected.items():
        for stage in ("stage one", "reranked"):
            assert evaluation.estimate(stage, str(measure)).mean == pytest.approx(value, abs=1e-6), measure
    assert evaluation.pool_size == max(len(run[key]) for key in judged.queries if key in run)
    assert evaluation.outcomes[-1].failure.kind == "not retrieved"


def test_a_written_ranking_measures_the_same_when_it_comes_back():
    retriever, judged, _ = world(12, 30, 2)
    own = evaluate(searching(retriever, TextReranker()), judged, pool_size=8)
    run = {outcome.query_id: {key: -rank for rank, key in enumerate(outcome.ranked)} for outcome in own.outcomes}
    assert all(len(outcome.ranked) == 10 for outcome in own.outcomes)
    again = evaluate_run(run, judged)
    for measure in own.measures:
        assert again.values("reranked", measure) == own.values("reranked", measure)
    assert again.fingerprint == own.fingerprint


def test_documents_count_at_their_best_passage_and_a_query_may_leave_itself_out():
    corpus = [Passage(f"{name}#{i}", f"text {name} {i}", name) for name in ("a", "b", "q1") for i in range(2)]
    judged = resolve(QuerySet("s", {"q1": "x", "q2": "y"}, {"q1": {"b": 1}, "q2": {"a": 1}}), corpus)
    documents = {passage.id: passage.document_id for passage in corpus}
    run = {"q1": {"q1#0": 9.0, "a#1": 5.0, "a#0": 4.0, "b#1": 3.0}, "q2": {"a": 1.0}}
    assert evaluate_run(run, judged, documents=documents).outcomes[0].ranked == ("q1", "a", "b")
    run["q1"] = {"q1": 9.0, "a": 5.0, "b": 3.0}
    evaluation = evaluate_run(run, judged, documents=documents, ignore_identical_ids=True, measures=["RR@10"])
    assert evaluation.values("reranked", "RR@10") == [0.5, 1.0]


def test_a_run_of_passages_leaves_itself_out_as_a_set_up_does():
    corpus = [Passage(f"d{n}#{i}", f"text {n} {i}", f"d{n}") for n in range(1, 4) for i in range(2)]
    judged = resolve(QuerySet("s", {"d1": "x", "d2": "y", "d3": "y"}, {"d1": {"d2": 1}, "d2": {"d1": 1}}), corpus)
    judged = replace(judged, qrels={**judged.qrels, "d3": {"d1": 1}})
    order = [corpus[place] for place in (4, 0, 1, 2, 3, 5)]
    evaluation = {text: hits(order, [{}] * len(order)) for text in ("x", "y")}
    retriever = without_own_id(PoolRetriever(evaluation), judged.queries)
    own = evaluate(searching(retriever), judged, pool_size=4, measures=["RR@10"])
    run = {key: {passage.id: -rank for rank, passage in enumerate(order)} for key in judged.queries}
    documents = {passage.id: passage.document_id for passage in corpus}
    evaluation = evaluate_run(run, judged, documents=documents, ignore_identical_ids=True, measures=["RR@10"])
    assert evaluation.values("reranked", "RR@10") == own.values("reranked", "RR@10") == [0.5, 1.0, 1.0]
    assert evaluation.pool_size == 4


@pytest.mark.parametrize(
    ("run", "example"), [({}, "because it is empty"), ({"7": {"p1": 1.0}, "q1": {}}, "such as '7'")]
)
def test_a_run_of_other_queries_is_an_error(run, example):
    _, judged, _ = world(3)
    with pytest.raises(InvalidInput, match=f"answers none of the 3 judged queries .*{example}.* such as 'q0'"):
        evaluate_run(run, judged)
