import math

import pytest

from fakes import ListRetriever, WordReranker
from shortlist.errors import InvalidInput, NotFitted
from shortlist.search.probability import Isotonic, Platt
from shortlist.search.search import Search
from shortlist.types import Note


class ListwiseReranker(WordReranker):
    name, pointwise = "listwise", False


TEXTS = ["a local file", "local", "red cat"]


class Fits:
    """Probability 0 at score 0, and 1 at score 1."""

    def stop_rule(self, weights, expand=None):
        raise AssertionError("not called")

    def calibration(self, weights, expand=None):
        return Isotonic((0.0, 1.0), (0.0, 1.0)), [Note("fit_outdated", fit="calibration", fitted_on=2, passages=3)]


def search_of(**settings):
    return Search(ListRetriever(TEXTS), WordReranker(), fits=Fits()).search("local file", **settings)


def test_hits_below_the_least_score_are_left_out_and_counted():
    ranking = search_of(min_score=0.4)
    assert [hit.id for hit in ranking] == ["p1", "p2"]
    assert (ranking.left_out, ranking.min_score) == (1, 0.4)
    assert ranking.note("left_out").values == {"count": 1, "hits": 3, "min_score": 0.4, "min_probability": None}


def test_the_best_score_is_named_if_nothing_stays():
    ranking = search_of(min_score=7.0)
    assert (ranking.hits, ranking.left_out) == ((), 3)
    assert ranking.note("no_good_answer").values["best_score"] == 1.0


def test_probabilities_are_given_and_limited():
    ranking = search_of(min_probability=0.5)
    assert [(hit.id, hit.probability) for hit in ranking] == [("p1", 1.0), ("p2", 0.5)]
    assert ranking.left_out == 1
    assert ranking.notes[0].code == "fit_outdated"


def test_a_hit_must_reach_both_limits():
    assert [hit.id for hit in search_of(min_probability=0.1, min_score=0.9)] == ["p1"]
    assert [hit.id for hit in search_of(min_probability=0.9, min_score=0.1)] == ["p1"]


def test_no_limit_leaves_out_nothing_and_needs_no_curve():
    assert len(search_of(min_score=-math.inf, min_probability=0)) == 3
    assert search_of(min_score=-math.inf).notes == ()


def test_passages_without_a_score_are_left_out_under_a_limit():
    ranking = search_of(min_score=-5.0, pool_size=1, top_k=3, tail=True)
    assert ([hit.id for hit in ranking], ranking.left_out) == (["p1"], 2)
    assert [(note.code, note.values["count"]) for note in ranking.notes] == [("unscored_left_out", 2)]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"rerank": False}, "min_probability needs a reranker"),
        ({"tail": True}, "passages below the pool have no probability"),
    ],
)
def test_a_search_without_probabilities_is_refused(settings, message):
    with pytest.raises(InvalidInput, match=message) as error:
        search_of(min_probability=0.5, **settings)
    assert error.value.field == "min_probability"


def test_scores_that_depend_on_the_pool_have_no_probability():
    search = Search(ListRetriever(TEXTS), ListwiseReranker(), fits=Fits())
    with pytest.raises(InvalidInput, match="the scores of listwise depend on the whole pool"):
        search.search("local", min_probability=0.5)


def test_a_missing_curve_is_an_error_before_anything_is_scored():
    class Missing(Fits):
        def calibration(self, weights, expand=None):
            raise NotFitted("no curve")

    search = Search(ListRetriever(TEXTS), WordReranker(), fits=Missing())
    with pytest.raises(NotFitted):
        search.search("local", min_probability=0.5)
    assert search.reranker.calls == []


def test_curves_by_hand():
    assert Platt(1.0, 0.0).of(0.0) == 0.5
    assert Platt(2.0, 1.0).of(1.0) == pytest.approx(1 / (1 + math.exp(-3)))
    curve = Isotonic((0.0, 2.0, 4.0), (0.1, 0.5, 0.9))
    assert [curve.of(score) for score in (-1, 0, 1, 2, 3, 4, 9)] == pytest.approx([0.1, 0.1, 0.3, 0.5, 0.7, 0.9, 0.9])
