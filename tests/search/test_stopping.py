from __future__ import annotations

import statistics

import pytest

from fakes import ListRetriever, WordReranker
from shortlist.errors import InvalidInput
from shortlist.search.search import Search
from shortlist.search.stopping import StopRule, demand
from shortlist.types import Note


class ListwiseReranker(WordReranker):
    name, pointwise = "listwise", False


TEXTS = ["a cat", "a dog", "red cat", "local file", "a stone", "a tree", "red tree", "blue cat"]


def test_steps_are_whole_blocks_and_the_first_holds_k():
    rule = StopRule(100, 10, 0.0, 16)
    assert rule.steps(100) == [16, 32, 48, 64, 80, 96, 100]
    assert rule.steps(96) == [16, 32, 48, 64, 80, 96]
    assert rule.steps(16) == [16]
    assert rule.steps(7) == [7]
    assert rule.steps(0) == []
    assert StopRule(100, 20, 0.0, 16).steps(50) == [32, 48, 50]


def test_demand_by_hand():
    scored = [(5.0, 2.0), (3.0, 1.0), (1.0, -3.0)]
    # The second best is 3; the largest share left is 1.5; raw scores have mean 0 and spread sqrt(14 / 3).
    assert demand(scored, [0.5, 1.5], 2) == pytest.approx(1.5 / statistics.pstdev([2.0, 1.0, -3.0]))
    shifted = [(final + 7, raw + 7) for final, raw in scored]
    assert demand(shifted, [0.5, 1.5], 2) == pytest.approx(demand(scored, [0.5, 1.5], 2))
    scaled = [(final * 3, raw * 3) for final, raw in scored]
    assert demand(scaled, [1.5, 4.5], 2) == pytest.approx(demand(scored, [0.5, 1.5], 2))
    assert demand([(3.0, 1.0), (2.0, 1.0)], [0.0], 1) == float("-inf")


class Fits:
    """Gives one rule, whatever the weights."""

    def __init__(self, rule, notes=()):
        self.rule, self.notes = rule, list(notes)

    def stop_rule(self, weights, expand=None):
        return self.rule, self.notes

    def calibration(self, weights, expand=None):
        raise AssertionError("not called")


def searched(rule, texts=TEXTS, signals=None, weights=None, reranker=None, **settings):
    search = Search(ListRetriever(texts, signals), reranker or WordReranker(), weights=weights or {}, fits=Fits(rule))
    return search, search.search("red cat", pool_size="auto", **settings)


def test_scoring_stops_if_the_rest_can_hardly_enter():
    signals = [{"dense": value} for value in (9.0, 8.0, 7.0, 6.0, 1.0, 1.0, 1.0, 1.0)]
    search, ranking = searched(StopRule(8, 2, 3.5, 2), signals=signals, weights={"dense": 1.0}, top_k=2)
    assert [len(texts) for _, texts in search.reranker.calls] == [2, 2]
    assert (ranking.scored, ranking.pool_size, ranking.status) == (4, 8, "ok")
    assert ranking.notes == (Note("pool_stopped", scored=4, pool=8, top_k=2),)
    assert [hit.id for hit in ranking] == ["p1", "p2"]
    _, tail = searched(StopRule(8, 2, 3.5, 2), signals=signals, weights={"dense": 1.0}, top_k=8, tail=True)
    assert [hit.id for hit in tail[4:]] == ["p5", "p6", "p7", "p8"]
    assert all(hit.rerank_score is None for hit in tail[4:])


def test_without_a_threshold_the_whole_pool_is_scored_with_the_same_answer():
    search, ranking = searched(StopRule(8, 3, None, 3), top_k=3)
    assert ranking.notes == (Note("pool_never_stops", pool=8, top_k=3),)
    assert ranking.hits == search.search("red cat", pool_size=8, top_k=3).hits
    _, high = searched(StopRule(8, 3, 99.0, 3), top_k=3)
    assert high.notes == (Note("pool_scored_whole", pool=8, top_k=3),)
    assert high.hits == ranking.hits


def test_ties_across_blocks_keep_the_order_of_stage_one():
    _, ranking = searched(StopRule(7, 2, None, 2), texts=["x"] * 7, top_k=2)
    assert [hit.id for hit in ranking] == ["p1", "p2"]


def test_an_empty_pool_and_no_reranker():
    _, ranking = searched(StopRule(8, 2, 0.0, 2), texts=[], top_k=2)
    assert (ranking.hits, ranking.scored) == ((), 0)
    alone = Search(ListRetriever(TEXTS), fits=Fits(StopRule(8, 2, 0.0, 2))).search("q", pool_size="auto", top_k=2)
    assert (alone.scored, alone.status, alone.pool_size) == (0, "off", 50)
    assert alone.notes == (Note("no_stop_rule", reason="not_reranked"),)


def test_without_a_stored_rule_the_pool_is_fixed_and_a_note_tells():
    search = Search(ListRetriever(TEXTS), WordReranker(), fits=Fits(None, [Note("no_stop_rule", reason="not_fitted")]))
    ranking = search.search("red cat", pool_size="auto")
    assert (ranking.pool_size, ranking.scored) == (50, 8)
    assert ranking.notes == (Note("no_stop_rule", reason="not_fitted"),)
    assert Search(ListRetriever(TEXTS), WordReranker()).search("q", pool_size="auto").notes == ranking.notes


def test_a_skipped_query_is_not_scored():
    class Skipping(WordReranker):
        def skip_reason(self, query):
            return Note("rerank_skipped", reason="query_too_long", tokens=9, longest=8, reranker="words")

    _, ranking = searched(StopRule(8, 2, 0.0, 2), reranker=Skipping(), top_k=2)
    assert (ranking.scored, ranking.status, [note.code for note in ranking.notes]) == (0, "skipped", ["rerank_skipped"])


def test_misuse_is_an_error():
    with pytest.raises(InvalidInput, match="top_k is 3, and the stored stop rule was fitted for a top_k of 2"):
        searched(StopRule(8, 2, 0.0, 2), top_k=3)
    with pytest.raises(InvalidInput, match="the scores of listwise depend on the whole pool"):
        searched(StopRule(8, 2, 0.0, 2), reranker=ListwiseReranker(), top_k=2)
    with pytest.raises(InvalidInput, match="top_k from 1 to its pool size"):
        StopRule(8, 9, 0.0)
