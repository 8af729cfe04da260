from __future__ import annotations

import statistics

import pytest

from fakes import ListRetriever, WordReranker
from shortlist.errors import InvalidInput
from shortlist.search.pipeline import Shortlist
from shortlist.search.stopping import StopRule, demand
from worlds import ListwiseReranker

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


def test_it_stops_where_what_is_left_can_hardly_enter_and_says_why():
    signals = [{"dense": one} for one in (9.0, 8.0, 7.0, 6.0, 1.0, 1.0, 1.0, 1.0)]
    reranker = WordReranker()
    shortlist = Shortlist(ListRetriever(TEXTS, signals), reranker, weights={"dense": 1.0})
    found = shortlist.search("red cat", pool_size=StopRule(8, 2, 3.5, 2, "promised"), k=2)
    assert [len(texts) for _, texts in reranker.calls] == [2, 2]
    assert (found.scored, found.pool_size, found.reranked) == (4, 8, True)
    assert found.why_stopped == "4 of 8 scored: what is left can hardly enter the first 2 (promised)"
    assert [hit.passage.id for hit in found.hits] == ["p1", "p2"]
    tail = shortlist.search("red cat", pool_size=StopRule(8, 2, 3.5, 2), k=8, tail=True)
    assert [hit.passage.id for hit in tail.hits[4:]] == ["p5", "p6", "p7", "p8"]
    assert all(hit.rerank_score is None for hit in tail.hits[4:])


def test_without_a_threshold_the_whole_pool_is_scored_with_the_same_answer():
    shortlist = Shortlist(ListRetriever(TEXTS), WordReranker())
    rule = StopRule(8, 3, None, 3, "nothing can be certified")
    found = shortlist.search("red cat", pool_size=rule, k=3)
    assert found.why_stopped == "all 8 of the pool scored: nothing can be certified"
    assert found.hits == shortlist.search("red cat", pool_size=8, k=3).hits
    high = shortlist.search("red cat", pool_size=StopRule(8, 3, 99.0, 3), k=3)
    assert high.why_stopped == "all 8 of the pool scored: until the end, what was left could enter the first 3"
    assert high.hits == found.hits


def test_ties_across_blocks_keep_stage_ones_order():
    found = Shortlist(ListRetriever(["x"] * 7), WordReranker()).search("q", pool_size=StopRule(7, 2, None, 2), k=2)
    assert [hit.passage.id for hit in found.hits] == ["p1", "p2"]


def test_an_empty_pool_and_no_reranker():
    rule = StopRule(8, 2, 0.0, 2)
    found = Shortlist(ListRetriever([]), WordReranker()).search("q", pool_size=rule, k=2)
    assert (found.hits, found.scored) == ((), 0)
    alone = Shortlist(ListRetriever(TEXTS)).search("q", pool_size=rule, k=2)
    assert (alone.scored, alone.reranked, alone.why_stopped) == (0, False, "")


def test_a_declined_query_is_not_scored():
    class Declining(WordReranker):
        def declines(self, query):
            return "too long"

    found = Shortlist(ListRetriever(TEXTS), Declining()).search("q", pool_size=StopRule(8, 2, 0.0, 2), k=2)
    assert (found.scored, found.why_not, found.why_stopped) == (0, "too long", "")


def test_misuse_is_said():
    shortlist = Shortlist(ListRetriever(TEXTS), WordReranker())
    with pytest.raises(
        InvalidInput, match=r"k \(--top\) is 3 but the rule of the adaptive pool was fitted for the first 2"
    ):
        shortlist.search("q", pool_size=StopRule(8, 2, 0.0, 2), k=3)
    with pytest.raises(InvalidInput, match="listwise scores a pool as a whole"):
        Shortlist(ListRetriever(TEXTS), ListwiseReranker()).search("q", pool_size=StopRule(8, 2, 0.0, 2), k=2)
    with pytest.raises(InvalidInput, match="k from 1 to its pool size"):
        StopRule(8, 9, 0.0)
