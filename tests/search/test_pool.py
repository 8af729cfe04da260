"""The hits of a retriever of one's own, as a search uses them."""

import pytest

from fakes import WordReranker
from shortlist.errors import RetrieverFailed
from shortlist.search.pool import Retrieved, retrieved
from shortlist.search.search import Search
from shortlist.types import Hit, Note


class Own:
    def __init__(self, hits):
        self.hits = hits

    def retrieve(self, query, k, where=None):
        return self.hits


def test_hits_are_numbered_in_their_order():
    hits = [Hit.of("b", "text b", 0.1), Hit.of("a", "text a", 0.9), Hit.of(3, "text c")]
    ranking = Search(Own(hits)).search("q")
    assert [(hit.id, hit.rank, hit.retrieval_rank) for hit in ranking] == [("b", 1, 1), ("a", 2, 2), ("3", 3, 3)]
    assert [hit.retrieval_score for hit in ranking] == [0.1, 0.9, 0.0]


def test_a_hit_needs_an_id_and_a_text_and_may_have_more():
    hit = Hit.of(7, "a text", 2.0, title="Guide", metadata={"year": 2024}, signals={"dense": 0.5}, bi_encoder="m")
    assert (hit.id, hit.document_id, hit.text, hit.title, hit.metadata) == ("7", "7", "a text", "Guide", {"year": 2024})
    assert (hit.score, hit.retrieval_score, hit.signals, hit.bi_encoder) == (2.0, 2.0, {"dense": 0.5}, "m")
    assert Hit.of("a#1", "text", document_id="a").document_id == "a"
    assert (Hit.of("a", "text").score, Hit.of("a", "text").signals, Hit.of("a", "text").rerank_score) == (0.0, {}, None)


def test_hits_beyond_k_are_not_used_and_notes_stay():
    hits = Retrieved([Hit.of(place, "text") for place in range(9)], [Note("repeated_rows", count=2)])
    search = Search(Own(hits), WordReranker())
    ranking = search.search("q", pool_size=3, top_k=3)
    assert ([hit.id for hit in ranking], ranking.scored, ranking.note("repeated_rows").values) == (
        ["0", "1", "2"],
        3,
        {"count": 2},
    )


def test_numbered_hits_stay_the_same_object():
    hits = retrieved(Own([Hit.of("a", "text")]), "q", 3)
    assert retrieved(Own(hits), "q", 3) is hits


@pytest.mark.parametrize("hits", [None, 7, [("a", "text")], ["a text"], iter([])])
def test_what_is_no_list_of_hits_is_refused(hits):
    with pytest.raises(RetrieverFailed, match=r"Own.retrieve returned .*: return a list of hits, such as Hit.of"):
        retrieved(Own(hits), "q", 3)
