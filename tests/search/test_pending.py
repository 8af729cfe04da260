"""`Pending`: the state between the stages, driven by hand as an asynchronous server drives it."""

import pytest

from fakes import ListRetriever, WordReranker
from shortlist.errors import BadScores, QueryTooLong
from shortlist.search.rerank import rank
from shortlist.search.search import Search, scores_of
from shortlist.search.stopping import StopRule
from shortlist.types import Scores

TEXTS = ["server farm", "a local file", "red cat", "a local cat file", "blue"]


def pending_for(query="local cat file", **settings):
    search = Search(ListRetriever(TEXTS), WordReranker())
    return search, search.begin(query, config=search.configured({"pool_size": 5, "top_k": 5, **settings}))


def test_begin_scores_nothing_and_gives_the_texts():
    search, pending = pending_for()
    assert search.reranker.calls == []
    assert pending.texts == TEXTS
    assert pending.next_texts(Scores()) == TEXTS
    assert pending.next_texts(Scores([0.0] * 5)) == []


def test_finish_with_all_scores_is_what_search_answers():
    search, pending = pending_for()
    by_hand = pending.finish(scores_of(pending))
    at_once = search.search("local cat file", pool_size=5, top_k=5)
    assert (by_hand.hits, by_hand.status, by_hand.notes) == (at_once.hits, at_once.status, at_once.notes)


def test_a_query_beyond_the_window_can_still_be_searched_without_reranking():
    class Narrow:
        def score(self, query, texts):
            raise QueryTooLong("the query has 600 tokens. Shorten the query to 480 tokens")

    search = Search(ListRetriever(TEXTS), Narrow())
    with pytest.raises(QueryTooLong, match=r"Shorten the query to 480 tokens, or search without reranking$"):
        search.search("local cat file")
    assert search.search("local cat file", rerank=False).status == "off"
    with pytest.raises(QueryTooLong, match=r"480 tokens$"):
        rank("local cat file", TEXTS, Narrow())


def test_finish_with_some_scores_puts_the_others_behind_and_gives_the_cause():
    _, pending = pending_for()
    ranking = pending.finish(Scores([0.0, 2.0]), cause="budget")
    assert [hit.id for hit in ranking] == ["p2", "p1", "p3", "p4", "p5"]
    assert [hit.rank for hit in ranking] == [1, 2, 3, 4, 5]
    assert (ranking.status, ranking.scored) == ("partial", 2)
    assert ranking.note("rerank_partial").values == {"scored": 2, "pool": 5, "cause": "budget"}


def test_a_limit_leaves_out_the_passages_that_were_not_scored_in_time_and_counts_them():
    _, pending = pending_for(min_score=1.0)
    ranking = pending.finish(Scores([0.0, 2.0]), cause="budget")
    assert ([hit.id for hit in ranking], ranking.left_out) == (["p2"], 4)
    assert ranking.note("left_out").values["count"] == 1
    assert ranking.note("unscored_left_out").values["count"] == 3
    nothing = pending.finish(Scores([0.0]), cause="budget")
    assert [note.code for note in nothing.notes] == [
        "rerank_partial", "left_out", "unscored_left_out", "no_good_answer",
    ]  # fmt: skip


def test_a_search_that_scored_nothing_in_its_time_applies_no_limit():
    _, pending = pending_for(min_score=5.0)
    ranking = pending.finish(Scores(), cause="budget")
    assert [hit.id for hit in ranking] == ["p1", "p2", "p3", "p4", "p5"]
    assert (ranking.status, ranking.left_out, ranking.note("left_out")) == ("partial", 0, None)
    assert ranking.note("limits_not_applied") is not None


def test_finish_with_an_error_keeps_stage_one_order_and_applies_no_limit():
    _, pending = pending_for(min_score=5.0)
    ranking = pending.finish(Scores([9.0, 9.0]), error=BadScores("NaN"))
    assert [hit.id for hit in ranking] == ["p1", "p2", "p3", "p4", "p5"]
    assert (ranking.status, ranking.reranked, ranking.scored) == ("failed", False, 0)
    assert ranking.note("rerank_failed").values == {"error": "BadScores", "message": "NaN"}
    assert ranking.note("limits_not_applied") is not None


def test_an_error_of_an_empty_or_unreranked_search_changes_nothing():
    search, _ = pending_for()
    off = search.begin("q", config=search.configured({"rerank": False}))
    assert off.texts == []
    assert off.finish().status == "off"


@pytest.mark.parametrize("size", [1, 2, 5])
def test_blocks_of_an_adaptive_pool_do_not_change_the_answer(size):
    class Fits:
        def stop_rule(self, weights, expand=None):
            return StopRule(5, 1, None, size), []

        def calibration(self, weights, expand=None):
            raise AssertionError("not called")

    search = Search(ListRetriever(TEXTS), WordReranker(), fits=Fits())
    ranking = search.search("local cat file", pool_size="auto", top_k=1)
    assert ranking.hits == Search(ListRetriever(TEXTS), WordReranker()).search("local cat file", top_k=1).hits
    assert [len(texts) for _, texts in search.reranker.calls] == [min(size, 5 - start) for start in range(0, 5, size)]
