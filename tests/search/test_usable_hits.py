"""The hits of an object with `retrieve`: the rules for rows of a function apply to them."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

from fakes import WordReranker
from shortlist.errors import InvalidInput, RetrieverFailed
from shortlist.search.pool import retrieved
from shortlist.search.search import Search
from shortlist.types import Hit


class Fixed:
    """A retriever that returns these hits."""

    def __init__(self, *hits: Hit) -> None:
        self.hits = list(hits)

    def retrieve(self, query, k, where=None):
        return self.hits


def test_the_first_hit_of_an_id_is_used_and_the_others_are_counted():
    hits = Fixed(Hit.of("a", "red"), Hit.of("a", "blue"), Hit.of("b", "green"), Hit.of("c", "sky"), Hit.of("c", "sea"))
    ranking = Search(hits).search("red", pool_size=3, top_k=3)
    assert [(hit.id, hit.text, hit.retrieval_rank) for hit in ranking] == [
        ("a", "red", 1),
        ("b", "green", 2),
        ("c", "sky", 3),
    ]
    assert [(note.code, note.values) for note in ranking.notes] == [("repeated_rows", {"count": 1})]


def test_usable_hits_stay_the_same_objects():
    hits = [Hit.of("a", "red")]
    assert retrieved(Fixed(*hits), "red", 5)[0] is hits[0]


@pytest.mark.parametrize(
    ("hit", "message"),
    [
        (Hit.of("a", ""), "Fixed: passage 'a' has no text"),
        (Hit.of("a", " \n"), "Fixed: passage 'a' has no text"),
        (Hit.of("a", None), "Fixed: passage 'a' has no text"),
        (Hit.of("a", "red", math.nan), "Fixed: the score of passage 'a' is nan, not a finite number"),
        (Hit.of("a", "red", None), "the score of passage 'a' is None"),
        (Hit.of("a", "red", "0.5"), "the score of passage 'a' is '0.5'"),
        (Hit.of("a", "red", signals={"dense": math.inf}), "the signal dense of passage 'a' is inf"),
        (Hit.of(" ", "red"), "a hit has the id ' '"),
    ],
)
def test_a_hit_that_cannot_be_used_is_named(hit, message):
    with pytest.raises(RetrieverFailed, match=message):
        Search(Fixed(hit)).search("red")


def test_a_hit_needs_an_id():
    with pytest.raises(InvalidInput, match="a hit with the text 'red' has the id None"):
        Hit.of(None, "red")


def test_numbers_of_numpy_become_numbers_of_python():
    metadata = {"year": np.int64(2024), "open": np.bool_(True), "size": {"width": 3}, "none": None}
    hit = Hit.of(np.int64(7), "red", np.float32(0.5), signals={"dense": np.float32(0.25)}, metadata=metadata)
    ranking = Search(Fixed(hit), WordReranker()).search("red")
    answer = json.loads(json.dumps(ranking.to_dict()))
    (shown,) = answer["hits"]
    assert (shown["id"], shown["retrieval_score"], shown["signals"]) == ("7", 0.5, {"dense": 0.25})
    assert shown["metadata"] == {"year": 2024, "open": True, "size.width": 3}
