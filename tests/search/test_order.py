from fakes import ListRetriever
from shortlist.search.order import ordered, stage_one_share
from shortlist.types import Scores


def pool_of(texts, signals=None):
    return ListRetriever(texts, signals).retrieve("q", len(texts))


def test_ordered_by_hand():
    pool = pool_of(["a", "b", "c", "d"], [{"dense": 1.0}, {"dense": 0.5}, {}, {"dense": 3.0}])
    scores = Scores([1.0, 2.0, 2.0, 9.0], [False, True, False, False], [0, 0, 0, 1])
    hits = ordered(pool, scores, {"dense": 2.0})
    assert [(hit.text, hit.rank, hit.score, hit.rerank_score, hit.truncated) for hit in hits] == [
        ("a", 1, 3.0, 1.0, False),
        ("b", 2, 3.0, 2.0, True),
        ("c", 3, 2.0, 2.0, False),
        ("d", 4, 15.0, None, False),
    ]


def test_hits_without_a_score_follow_in_their_order():
    hits = ordered(pool_of(["a", "b", "c"]), Scores([5.0]), {})
    assert [(hit.text, hit.rank, hit.rerank_score) for hit in hits] == [("a", 1, 5.0), ("b", 2, None), ("c", 3, None)]


def test_nothing_gives_nothing():
    assert ordered([], Scores(), {}) == []


def test_a_missing_signal_adds_nothing():
    hit = pool_of(["a"], [{"dense": 0.5}])[0]
    assert stage_one_share(hit, {"dense": 4.0, "bm25": 100.0}) == 2.0


def test_hits_are_values():
    from dataclasses import replace

    hit = pool_of(["x"])[0]
    assert replace(hit) == hit
