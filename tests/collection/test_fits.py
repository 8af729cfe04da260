"""Probabilities of a ranking, and what is stored beside an index and refused for anything else."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from shortlist.search.pipeline import Shortlist

from fakes import ListRetriever, WordReranker
from shortlist.collection import fits_store as store
from shortlist.collection.fits import Beside
from shortlist.errors import IndexWriteFailed, InvalidInput, NotFitted
from shortlist.search.probability import Isotonic, Platt, leave_out
from shortlist.search.stopping import StopRule
from worlds import ListwiseReranker

TEXTS = ["server farm", "a local file", "red cat", "a local cat file", "blue"]
MADE_FOR = {"bi-encoder": "a", "retriever": "hybrid", "cross-encoder": "b", "blend": {"dense": 12.0}}
RULE = StopRule(100, 10, 1.25, 16, "a promise")


def ranking(k=5):
    return Shortlist(ListRetriever(TEXTS), WordReranker()).search("local cat file", pool_size=5, k=k)


def test_what_is_below_the_smallest_probability_is_left_out_and_counted():
    found = leave_out(ranking(), Platt(10.0, -5.0), 0.5)
    assert [hit.passage.id for hit in found.hits] == ["p4", "p2"]
    assert found.hits[0].probability == pytest.approx(1 / (1 + 2.718281828**-5))
    assert (found.left_out, found.min_probability, found.no_good_answer) == (3, 0.5, "")
    every = leave_out(ranking(), Platt(10.0, -5.0), 0.0)
    assert (len(every.hits), every.left_out) == (5, 0)


def test_when_nothing_stays_the_answer_says_so():
    found = leave_out(ranking(), Isotonic((0.0, 1.0), (0.1, 0.4)), 0.9)
    assert (found.hits, found.left_out) == ((), 5)
    assert found.no_good_answer == "no good answer: the likeliest passage has probability 0.400, below 0.9"
    empty = Shortlist(ListRetriever([]), WordReranker()).search("q")
    assert leave_out(empty, Platt(1.0, 0.0), 0.5).no_good_answer == "no good answer: no passage matches"


def test_a_query_that_was_not_reranked_keeps_its_hits():
    alone = Shortlist(ListRetriever(TEXTS)).search("q", pool_size=5, k=5)
    found = leave_out(alone, Platt(1.0, 0.0), 0.9)
    assert (found.hits, found.left_out, found.min_probability) == (alone.hits, 0, 0.9)


@given(st.floats(0, 1), st.lists(st.floats(-50, 50), min_size=1, max_size=6))
def test_what_is_left_out_never_stands_above_what_stays(least, scores):
    base = ranking(1)
    hits = [replace(base.hits[0], score=score) for score in sorted(scores, reverse=True)]
    found = leave_out(replace(base, hits=tuple(hits)), Platt(0.3, -1.0), least)
    assert [hit.score for hit in found.hits] == [hit.score for hit in hits][: len(found.hits)]


@pytest.mark.parametrize("least", [-0.1, 1.1, float("nan")])
def test_a_probability_is_a_share(least):
    with pytest.raises(InvalidInput, match="from 0 to 1"):
        leave_out(ranking(), Platt(1.0, 0.0), least)


@pytest.mark.parametrize("rule", [RULE, replace(RULE, threshold=None)])
@pytest.mark.parametrize("curve", [Platt(0.1, -3.7), Isotonic((0.1, 0.30000000000000004), (1e-5, 0.5))])
def test_what_is_stored_comes_back_the_same(tmp_path, rule, curve):
    store.write_stop_rule(tmp_path, rule, MADE_FOR, {"queries": 3})
    store.write_calibration(tmp_path, curve, MADE_FOR, {})
    assert store.read_stop_rule(tmp_path, MADE_FOR) == rule
    assert store.read_calibration(tmp_path, MADE_FOR) == curve
    assert json.loads((tmp_path / store.STOP_RULE).read_text())["fit"] == {"queries": 3}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["calibration.json", "stop-rule.json"]


@pytest.mark.parametrize(
    ("other", "message"),
    [
        ({"cross-encoder": "c"}, "was fitted for cross-encoder b and this search has c"),
        ({"bi-encoder": "z"}, "was fitted for bi-encoder a and this search has z"),
        ({"retriever": "bm25"}, "was fitted for retriever hybrid and this search has bm25"),
        ({"blend": {}}, "was fitted for blend 12 x dense and this search has none"),
        ({"cross-encoder weights": "77"}, "was fitted for cross-encoder weights None and this search has 77"),
    ],
)
def test_what_was_fitted_for_something_else_is_refused(tmp_path, other, message):
    store.write_stop_rule(tmp_path, RULE, MADE_FOR, {})
    store.write_calibration(tmp_path, Platt(1.0, 0.0), MADE_FOR, {})
    for read in (store.read_stop_rule, store.read_calibration):
        with pytest.raises(NotFitted, match=message):
            read(tmp_path, {**MADE_FOR, **other})


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        '{"version": 1, "fitted_for": FOR}',
        '{"version": 1, "fitted_for": FOR, "method": "isotonic", "scores": [], "values": []}',
        '{"version": 1, "fitted_for": FOR, "method": "other", "scores": [1], "values": [1]}',
        '{"version": 1, "fitted_for": FOR, "pool_size": 5, "k": 9, "block": 1, "threshold": 1, "promise": ""}',
    ],
)
def test_a_damaged_file_is_said(tmp_path, text):
    for name, read in ((store.STOP_RULE, store.read_stop_rule), (store.CALIBRATION, store.read_calibration)):
        (tmp_path / name).write_text(text.replace("FOR", json.dumps(MADE_FOR)))
        with pytest.raises(NotFitted, match=f"{name} is damaged"):
            read(tmp_path, MADE_FOR)


def test_a_newer_format_and_a_missing_file(tmp_path):
    assert store.read_stop_rule(tmp_path, MADE_FOR) is None
    with pytest.raises(NotFitted, match=r"has no calibration.json.*shortlist calibrate"):
        store.read_calibration(tmp_path, MADE_FOR)
    (tmp_path / store.STOP_RULE).write_text('{"version": 2, "fitted_for": {}}')
    with pytest.raises(NotFitted, match="has format 2, this version reads 1"):
        store.read_stop_rule(tmp_path, MADE_FOR)


def test_a_folder_that_can_not_be_written(tmp_path):
    with pytest.raises(IndexWriteFailed, match=r"stop-rule\.json can't be written"):
        store.write_stop_rule(tmp_path / "missing", RULE, MADE_FOR, {})


def beside(folder, reranker, weights=None):
    return Beside(folder, "a", "hybrid", reranker, weights or {})


def test_auto_gives_the_rule_or_the_fixed_pool_and_says_so(tmp_path):
    here = beside(tmp_path, WordReranker())
    assert here.pool(30, 50) == (30, "")
    size, said = here.pool("auto", 50)
    assert size == 50
    assert said.startswith("fixed pool of 50, as no rule is stored beside the index: fit it with: shortlist calibrate")
    store.write_stop_rule(tmp_path, RULE, here.fitted_for, {})
    assert here.pool("auto", 50) == (RULE, "")
    assert beside(tmp_path, None).pool("auto", 50) == (50, "no reranker runs, so there is nothing to stop")
    with pytest.raises(InvalidInput, match="scores a pool as a whole"):
        beside(tmp_path, ListwiseReranker()).pool("auto", 50)
    with pytest.raises(NotFitted, match="blend none and this search has 2 x dense"):
        beside(tmp_path, WordReranker(), {"dense": 2.0}).pool("auto", 50)


def test_other_weights_under_the_same_name_are_told_apart(tmp_path):
    class Weighed(WordReranker):
        digits = "1"

        def weights_hash(self):
            return self.digits

    store.write_calibration(tmp_path, Platt(1.0, 0.0), beside(tmp_path, Weighed()).fitted_for, {})
    assert beside(tmp_path, Weighed()).calibration(tail=False) == Platt(1.0, 0.0)
    changed = Weighed()
    changed.digits = "2"
    with pytest.raises(NotFitted, match="cross-encoder weights 1 and this search has 2"):
        beside(tmp_path, changed).calibration(tail=False)


def test_scores_without_probabilities_are_said(tmp_path):
    for reranker in (None, ListwiseReranker()):
        with pytest.raises(InvalidInput, match="needs a reranker whose scores do not depend on the pool"):
            beside(tmp_path, reranker).calibration(tail=False)
    with pytest.raises(InvalidInput, match="what lies below the pool has no probability"):
        beside(tmp_path, WordReranker()).calibration(tail=True)
