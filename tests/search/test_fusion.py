import pytest
from hypothesis import given
from hypothesis import strategies as st

from shortlist.errors import InvalidInput
from shortlist.search.fusion import may_rank, rrf, sums

ids = st.lists(st.sampled_from("abcdefgh"), unique=True)


def test_rrf_by_hand():
    fused = dict(rrf([["a", "b", "c"], ["c", "a"]]))
    assert fused["a"] == pytest.approx(1 / 61 + 1 / 62)
    assert fused["c"] == pytest.approx(1 / 63 + 1 / 61)
    assert fused["b"] == pytest.approx(1 / 62)
    assert [key for key, _ in rrf([["a", "b", "c"], ["c", "a"]])] == ["a", "c", "b"]


def test_rrf_of_nothing_is_empty():
    assert rrf([]) == []
    assert rrf([[], []]) == []


def test_rrf_counts_a_repeated_id_once():
    assert dict(rrf([["a", "a", "b"]])) == {"a": 1 / 61, "b": 1 / 62}


@given(st.lists(ids, max_size=4))
def test_rrf_does_not_depend_on_the_order_of_lists(lists):
    assert dict(rrf(lists)) == pytest.approx(dict(rrf(lists[::-1])))


@given(st.lists(ids, max_size=4))
def test_rrf_is_sorted_and_holds_every_id_once(lists):
    fused = rrf(lists)
    assert [score for _, score in fused] == sorted((score for _, score in fused), reverse=True)
    assert sorted(key for key, _ in fused) == sorted({key for one in lists for key in one})


def test_equal_scores_are_in_the_order_of_their_first_appearance():
    assert [key for key, _ in rrf([["a", "b"], ["b", "a"]])] == ["a", "b"]


def test_weights_change_who_leads_and_equal_ones_change_nothing():
    lists = [["a", "b"], ["c", "b"]]
    assert rrf(lists, weights=[1.0, 1.0]) == rrf(lists)
    assert [key for key, _ in rrf(lists, weights=[0.0, 2.0])] == ["c", "b", "a"]
    assert dict(rrf(lists, weights=[0.0, 2.0]))["a"] == 0.0
    with pytest.raises(InvalidInput, match="2 lists need 2 weights, not 1"):
        rrf(lists, weights=[1.0])


def test_a_sum_by_hand():
    scores = sums({"a": 0.8, "b": 0.5}, {"b": 1.0, "c": 0.9}, 0.5)
    assert scores == pytest.approx({"a": 0.8, "b": 0.8})
    assert sums({"a": 0.8, "b": 0.5}, {"b": 1.0}, 1.0) == pytest.approx({"a": 1.6, "b": 1.0})
    assert sums({"a": 0.8, "b": 0.5}, {"b": 1.0}, 0.0) == pytest.approx({"a": 0.0, "b": 0.6})
    assert sums({}, {"c": 0.9}, 0.5) == {}


cosines = st.dictionaries(st.sampled_from("abcdefgh"), st.floats(-1, 1), min_size=1)
bm25_shares = st.dictionaries(st.sampled_from("efghijkl"), st.floats(0, 1))
weights = st.floats(0, 1)


@given(cosines, bm25_shares, weights, st.integers(1, 12), st.data())
def test_no_id_that_may_rank_is_missed(dense, shares, fusion, k, data):
    """Whatever cosine up to the lowest one the others have, the first k are those of all ids."""
    lowest = min(dense.values())
    others = {key: data.draw(st.floats(-1, lowest)) for key in shares if key not in dense}
    found = may_rank(dense, shares, fusion, lowest=lowest, k=k)
    whole = sums({**dense, **others}, shares, fusion)
    known = sums({**dense, **{key: others[key] for key in found}}, shares, fusion)
    assert sorted(known.values(), reverse=True)[:k] == sorted(whole.values(), reverse=True)[:k]


def test_an_id_too_low_for_the_first_k_needs_no_cosine():
    dense = {"a": 0.9, "b": 0.8, "c": 0.7}
    assert may_rank(dense, {"a": 1.0, "x": 0.5, "y": 0.1}, 0.5, lowest=0.7, k=2) == ["x"]
    assert may_rank(dense, {"a": 1.0, "x": 0.5, "y": 0.1}, 0.5, lowest=0.7, k=4) == ["x", "y"]
