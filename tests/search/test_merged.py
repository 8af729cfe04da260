"""One pool from the pools of several collections."""

from __future__ import annotations

import pytest

from shortlist.errors import InvalidInput, RetrieverFailed
from shortlist.search.merged import MergedRetriever, Part, merged, own_where
from shortlist.search.pool import Retrieved
from shortlist.types import Hit, Note


def hit(key, dense=None, bm25=None, share=None):
    signals = {"dense": dense, "bm25": bm25, "bm25_share": share}
    return Hit.of(key, f"text {key}", signals={name: value for name, value in signals.items() if value is not None})


class Fixed:
    """A retriever with the same hits for every query."""

    def __init__(self, hits, bi_encoder="m", depth=100, notes=()):
        self.hits, self.bi_encoder, self.prefix_depth, self.notes = hits, bi_encoder, depth, notes
        self.asked = []

    def retrieve(self, query, k, where=None):
        self.asked.append((query, k, where))
        return Retrieved(self.hits[:k], self.notes)


def ids(hits):
    return [found.id for found in hits]


def test_collections_with_equal_boosts_take_turns():
    pools = {"a": [hit("1"), hit("2"), hit("3")], "b": [hit("1")]}
    order = merged(pools, {"a": 1.0, "b": 1.0}, ties=False)
    assert ids(order) == ["a:1", "b:1", "a:2", "a:3"]
    assert [(found.collection, found.rank, found.retrieval_rank) for found in order[:2]] == [("a", 1, 1), ("b", 2, 2)]
    assert [found.retrieval_score for found in order] == [1.0, 1.0, 1 / 2, 1 / 3]


def test_a_boost_of_one_half_gives_half_as_many_places():
    pools = {name: [hit(str(n)) for n in range(1, 31)] for name in "ab"}
    order = merged(pools, {"a": 1.0, "b": 0.5}, ties=False)
    assert sum(found.collection == "b" for found in order[:30]) == 10


def test_equal_places_are_ordered_by_the_signals_of_one_bi_encoder():
    pools = {"a": [hit("1", dense=0.2)], "b": [hit("1", dense=0.7)]}
    boosts = {"a": 1.0, "b": 1.0}
    assert ids(merged(pools, boosts, ties=True)) == ["b:1", "a:1"]
    assert ids(merged(pools, boosts, ties=False)) == ["a:1", "b:1"]


def test_the_share_of_bm25_is_that_of_the_best_collection():
    pools = {"a": [hit("1", bm25=8.0, share=1.0)], "b": [hit("1", bm25=2.0, share=1.0), hit("2", dense=0.1)]}
    shares = {found.id: found.signals.get("bm25_share") for found in merged(pools, {"a": 1.0, "b": 1.0}, ties=True)}
    assert shares == {"a:1": 1.0, "b:1": 0.25, "b:2": None}


def test_the_best_bm25_score_counts_also_if_its_hit_is_not_in_the_pool():
    pools = {"a": [hit("1", bm25=4.0, share=0.5)], "b": [hit("1", bm25=2.0, share=1.0)]}
    shares = [found.signals["bm25_share"] for found in merged(pools, {"a": 1.0, "b": 1.0}, ties=False)]
    assert shares == [0.5, 0.25]


def test_ids_and_sources_begin_with_the_name_of_the_collection():
    found = Hit.of("d#0", "text", document_id="d", metadata={"source": "d.md", "year": 2024})
    own = merged({"docs": [found]}, {"docs": 1.0}, ties=False)[0]
    assert (own.id, own.document_id, own.metadata) == ("docs:d#0", "docs:d", {"source": "docs:d.md", "year": 2024})


def test_a_filter_names_sources_with_and_without_the_collection():
    where = {"source": ["docs:a.md", "b.md"], "document_id": {"ne": "docs:x"}, "kind": "docs:y"}
    assert own_where(where, "docs") == {"source": ["a.md", "b.md"], "document_id": {"ne": "x"}, "kind": "docs:y"}
    assert own_where(where, "other") == where
    assert own_where(None, "docs") is None


def test_each_collection_is_searched_for_the_whole_pool_and_notes_are_shown_once():
    note = Note("stage_one_approximate")
    first, second = Fixed([hit("1"), hit("2")], notes=[note]), Fixed([hit("1"), hit("2")], notes=[note])
    found = MergedRetriever([Part("a", first), Part("b", second)]).retrieve("q", 3)
    assert ids(found) == ["a:1", "b:1", "a:2"]
    assert first.asked == second.asked == [("q", 3, None)]
    assert found.notes == (note,)


def test_a_smaller_pool_is_the_start_of_a_larger_one():
    retriever = MergedRetriever([Part("a", Fixed([hit(str(n)) for n in range(20)])), Part("b", Fixed([hit("x")]), 0.3)])
    longest = ids(retriever.retrieve("q", 20))
    assert all(ids(retriever.retrieve("q", k)) == longest[:k] for k in range(1, 20))
    assert retriever.prefix_depth == 100


def test_what_the_retriever_tells_about_itself():
    same = MergedRetriever([Part("a", Fixed([])), Part("b", Fixed([], depth=7))])
    assert (same.bi_encoder, same.prefix_depth) == ("m", 7)
    mixed = MergedRetriever([Part("a", Fixed([])), Part("b", Fixed([], bi_encoder="other"))])
    assert (mixed.bi_encoder, mixed.bi_encoders) == ("", ["m", "other"])


@pytest.mark.parametrize("boost", [0, -1, float("nan"), float("inf"), True])
def test_a_boost_is_a_number_above_0(boost):
    with pytest.raises(InvalidInput, match="the boost of a must be a number above 0"):
        Part("a", Fixed([]), boost)


def test_names_are_needed_and_unique():
    with pytest.raises(InvalidInput, match="there is no collection"):
        MergedRetriever([])
    with pytest.raises(InvalidInput, match="two collections are named 'a'"):
        MergedRetriever([Part("a", Fixed([])), Part("a", Fixed([]))])


def test_a_collection_that_fails_is_not_left_out():
    class Broken:
        def retrieve(self, query, k, where=None):
            raise RuntimeError("down")

    with pytest.raises(RetrieverFailed, match="down"):
        MergedRetriever([Part("a", Fixed([hit("1")])), Part("b", Broken())]).retrieve("q", 3)
