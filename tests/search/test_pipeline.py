import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakes import ListRetriever, WordReranker
from shortlist.errors import BadScores, InvalidInput
from shortlist.search.pipeline import Shortlist, above, placed, rerank_pool

TEXTS = ["server farm", "a local file", "red cat", "a local cat file", "blue"]


def ids(ranking):
    return [hit.passage.id for hit in ranking.hits]


def test_the_reranker_decides_the_order_and_both_stages_stay_visible():
    ranking = Shortlist(ListRetriever(TEXTS), WordReranker()).search("local cat file", pool_size=5, k=3)
    assert ids(ranking) == ["p4", "p2", "p3"]
    first = ranking.hits[0]
    assert (first.rank, first.retrieval_rank, first.rerank_score, first.retrieval_score) == (1, 4, 1.0, 0.25)
    assert (ranking.scored, ranking.reranked, ranking.truncated) == (5, True, 0)
    assert set(ranking.seconds) == {"retrieve", "rerank"}


def test_ties_keep_stage_one_order():
    ranking = Shortlist(ListRetriever(["x"] * 5), WordReranker()).search("q", pool_size=5, k=5)
    assert ids(ranking) == ["p1", "p2", "p3", "p4", "p5"]


@pytest.mark.parametrize("k", [1, 2, 5])
def test_the_pool_never_depends_on_k(k):
    reranker = WordReranker()
    Shortlist(ListRetriever(TEXTS), reranker).search("local cat", pool_size=5, k=k)
    assert reranker.calls == [("local cat", TEXTS)]


def test_a_smaller_k_is_a_prefix_of_a_larger_one():
    shortlist = Shortlist(ListRetriever(TEXTS), WordReranker())
    long = ids(shortlist.search("local cat file", pool_size=5, k=5))
    assert ids(shortlist.search("local cat file", pool_size=5, k=2)) == long[:2]


def test_k_above_the_pool_says_why():
    with pytest.raises(
        InvalidInput,
        match=r"k \(--top\) is 6 but the pool \(pool_size, --pool\) holds 3: only passages in the pool are rer",
    ):
        Shortlist(ListRetriever(TEXTS), WordReranker()).search("q", pool_size=3, k=6)


def test_the_tail_follows_in_stage_one_order():
    ranking = Shortlist(ListRetriever(TEXTS), WordReranker()).search("local file", pool_size=2, k=4, tail=True)
    assert ids(ranking) == ["p2", "p1", "p3", "p4"]
    assert [hit.rerank_score is None for hit in ranking.hits] == [False, False, True, True]
    assert ranking.scored == 2


def test_the_pool_is_the_retrievers_own_answer_and_a_short_one_has_no_tail():
    retriever = ListRetriever(TEXTS)
    Shortlist(retriever, WordReranker()).search("local file", pool_size=2, k=4, tail=True)
    Shortlist(retriever, WordReranker()).search("local file", pool_size=9, k=12, tail=True)
    assert retriever.asked == [2, 4, 9]


def test_a_pool_larger_than_the_corpus_is_scored_whole():
    ranking = Shortlist(ListRetriever(TEXTS), WordReranker()).search("q", pool_size=50, k=10)
    assert (ranking.scored, len(ranking.hits), ranking.pool_size) == (5, 5, 50)


def test_no_hits_give_an_empty_ranking():
    reranker = WordReranker()
    ranking = Shortlist(ListRetriever([]), reranker).search("q")
    assert (ranking.hits, ranking.scored, reranker.calls) == ((), 0, [])


def test_without_a_reranker_stage_one_decides():
    ranking = Shortlist(ListRetriever(TEXTS)).search("blue", pool_size=5, k=2)
    assert (ids(ranking), ranking.reranked, ranking.scored) == (["p1", "p2"], False, 0)


@pytest.mark.parametrize("sizes", [{"k": 0}, {"pool_size": 0, "k": 1}, {"k": -1}])
def test_sizes_below_one_are_refused(sizes):
    with pytest.raises(InvalidInput, match="at least 1"):
        Shortlist(ListRetriever(TEXTS)).search("q", **sizes)


@pytest.mark.parametrize(
    ("scores", "message"),
    [
        ([1.0], "returned 1 scores for 5 texts"),
        ([1.0] * 6, "returned 6 scores for 5 texts"),
        ([1.0, math.nan, 0, 0, 0], "returned nan for text 1: 'a local file'"),
        ([math.inf, 0, 0, 0, 0], "returned inf for text 0"),
    ],
)
def test_a_broken_reranker_raises(scores, message):
    with pytest.raises(BadScores, match=message):
        Shortlist(ListRetriever(TEXTS), WordReranker(scores)).search("q")


def test_weights_add_stage_one_signals_to_the_score_and_leave_the_raw_one():
    signals = [{"dense": 0.9}, {"dense": 0.1, "bm25_share": 1.0}, {"dense": 0.2}, {}, {}]
    retriever = ListRetriever(TEXTS, signals)
    shortlist = Shortlist(retriever, WordReranker([0.0, 0.0, 0.5, 0.1, 0.0]), weights={"dense": 2.0, "bm25_share": 3.0})
    ranking = shortlist.search("q", pool_size=5, k=5)
    assert [(hit.passage.id, pytest.approx(hit.score)) for hit in ranking.hits] == [
        ("p2", 3.2),
        ("p1", 1.8),
        ("p3", 0.9),
        ("p4", 0.1),
        ("p5", 0.0),
    ]
    assert [hit.rerank_score for hit in ranking.hits] == [0.0, 0.0, 0.5, 0.1, 0.0]


@pytest.mark.parametrize("weight", [-1.0, math.nan, math.inf])
def test_bad_weights_are_refused(weight):
    with pytest.raises(InvalidInput, match="weight of dense must be 0 or more"):
        Shortlist(ListRetriever(TEXTS), WordReranker(), weights={"dense": weight})


@given(st.lists(st.text("ab ", min_size=1), min_size=1, max_size=12), st.integers(1, 12))
def test_a_score_does_not_depend_on_the_rest_of_the_pool(texts, size):
    pool = ListRetriever(texts, [{"dense": i / 20} for i in range(len(texts))]).retrieve("a b", 12)
    whole = {hit.passage.id: hit.score for hit in rerank_pool(WordReranker(), "a b", pool, {"dense": 1.0})}
    part = {hit.passage.id: hit.score for hit in rerank_pool(WordReranker(), "a b", pool[:size], {"dense": 1.0})}
    assert part.items() <= whole.items()


def test_truncation_is_counted():
    class Cutting(WordReranker):
        def score_and_report(self, query, texts):
            return self.score(query, texts), [len(text) > 6 for text in texts]

    ranking = Shortlist(ListRetriever(TEXTS), Cutting()).search("q", pool_size=5, k=1)
    assert ranking.truncated == 4


def test_hits_are_values():
    hit = ListRetriever(["x"]).retrieve("q", 1)[0]
    assert replace(hit) == hit


def test_placed_by_hand():
    pool = ListRetriever(["a", "b", "c", "d"], [{"dense": 1.0}, {"dense": 0.5}, {}, {"dense": 3.0}]).retrieve("q", 4)
    hits = placed(pool, [1.0, 2.0, 2.0, 9.0], [False, True, False, False], {"dense": 2.0}, [0, 0, 0, 1])
    assert [(hit.passage.text, hit.rank, hit.score, hit.rerank_score, hit.truncated) for hit in hits] == [
        ("a", 1, 3.0, 1.0, False),
        ("b", 2, 3.0, 2.0, True),
        ("c", 3, 2.0, 2.0, False),
        ("d", 4, 15.0, None, False),
    ]
    assert placed([], [], [], {}) == []


@pytest.mark.parametrize(
    ("query", "sizes", "message"),
    [
        (None, {}, "the query is of type NoneType: give a string"),
        (7, {}, "the query is of type int"),
        (" ", {}, "the query is empty"),
        ("q", {"pool_size": "foo"}, r"the pool \(pool_size, --pool\) must be a whole number, not 'foo'"),
        ("q", {"pool_size": 10.0}, r"must be a whole number, not 10\.0"),
        ("q", {"pool_size": True}, r"must be a whole number, not True"),
        ("q", {"k": None}, r"k \(--top\) must be a whole number, not None"),
    ],
)
def test_arguments_of_another_type_are_named(query, sizes, message):
    with pytest.raises(InvalidInput, match=message):
        Shortlist(ListRetriever(TEXTS), WordReranker()).search(query, **sizes)


def test_whole_numbers_of_numpy_are_sizes():
    ranking = Shortlist(ListRetriever(TEXTS), WordReranker()).search("q", pool_size=np.int64(3), k=np.int32(2))
    assert len(ranking.hits) == 2


def test_a_threshold_that_is_no_number_is_named():
    ranking = Shortlist(ListRetriever(TEXTS), WordReranker()).search("q")
    with pytest.raises(InvalidInput, match="the threshold must be a number, not 'high'"):
        above(ranking, "high")


def test_half_a_surrogate_pair_in_a_query_reaches_neither_stage():
    reranker = WordReranker()
    assert Shortlist(ListRetriever(TEXTS), reranker).search("a \ud800").query == "a \ufffd"
    assert reranker.calls[0][0] == "a \ufffd"
