import pytest
from hypothesis import given
from hypothesis import strategies as st

from shortlist.errors import InvalidInput
from shortlist.search.fusion import rrf

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


def test_ties_are_broken_by_the_numbers_and_then_by_the_first_appearance():
    lists = [["a", "b"], ["b", "a"]]
    assert [key for key, _ in rrf(lists)] == ["a", "b"]
    assert [key for key, _ in rrf(lists, ties={"a": 0.1, "b": 0.2})] == ["b", "a"]
    assert [key for key, _ in rrf(lists, ties={"b": 0.2})] == ["b", "a"]
    assert [key for key, _ in rrf([["a", "b"]], ties={"a": 0.1, "b": 0.2})] == ["a", "b"]


def test_weights_change_who_leads_and_equal_ones_change_nothing():
    lists = [["a", "b"], ["c", "b"]]
    assert rrf(lists, weights=[1.0, 1.0]) == rrf(lists)
    assert [key for key, _ in rrf(lists, weights=[0.0, 2.0])] == ["c", "b", "a"]
    assert dict(rrf(lists, weights=[0.0, 2.0]))["a"] == 0.0
    with pytest.raises(InvalidInput, match="2 lists need 2 weights, not 1"):
        rrf(lists, weights=[1.0])
