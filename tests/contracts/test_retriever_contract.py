"""What every retriever must do. A retriever joins by one entry in RETRIEVERS."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

import attribute_parts
from fakes import WordReranker
from shortlist.encoders.hashed import HashedEncoder
from shortlist.errors import InvalidInput
from shortlist.protocols import Fuses, Index, KeepsPrefix, Retriever
from shortlist.registry import ENGINES, make_retriever
from shortlist.retrievers import Dense, Hybrid, Lexical
from shortlist.search.pool import retrieved
from shortlist.search.search import Search
from shortlist.types import Passage

ENCODER = HashedEncoder(64)
PASSAGES = [
    *(Passage(key, text, key, metadata={"kind": "short"}) for key, text in attribute_parts.DOCUMENTS.items()),
    *(Passage(f"n{number}", f"number {number} of the red series", f"n{number}") for number in range(30)),
]

RETRIEVERS: dict[str, Callable[[Index], Retriever]] = {
    "dense": lambda index: Dense(index, ENCODER),
    "bm25": Lexical,
    "hybrid": lambda index: Hybrid(index, ENCODER),
    "hybrid of small depth": lambda index: Hybrid(index, ENCODER, depth=8, fusion=0.3),
    "function": lambda index: make_retriever("attribute_parts:matches", index, None),
    "object": lambda index: make_retriever("attribute_parts:OwnRetriever", index, None),
}
FILTERING = ("dense", "bm25", "hybrid", "hybrid of small depth")


@pytest.fixture(scope="module", params=ENGINES)
def index(request, tmp_path_factory):
    folder: Path = tmp_path_factory.mktemp("engine")
    engine = ENGINES[request.param].create(folder, dimension=ENCODER.dimension)
    engine.add(PASSAGES, ENCODER.encode_passages([passage.content for passage in PASSAGES]))
    yield engine
    engine.close()


@pytest.fixture(params=RETRIEVERS)
def name(request):
    return request.param


@pytest.fixture
def retriever(name, index):
    return RETRIEVERS[name](index)


def ids(hits):
    return [hit.id for hit in hits]


@pytest.mark.parametrize("k", [1, 2, 3, 1000])
def test_hits_are_at_most_k_and_numbered_from_1(retriever, k):
    hits = retrieved(retriever, "red cat", k)
    assert 0 < len(hits) <= k
    assert [hit.rank for hit in hits] == [hit.retrieval_rank for hit in hits] == list(range(1, len(hits) + 1))
    assert len(set(ids(hits))) == len(hits)


def test_the_best_hit_is_first_and_scores_fall(retriever):
    hits = retriever.retrieve("red cat sleeps", 3)
    assert hits[0].id == "a"
    assert hits[0].text == "the red cat sleeps"
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)
    assert [hit.score for hit in hits] == [hit.retrieval_score for hit in hits]


def test_it_does_not_rerank(retriever):
    assert all(hit.rerank_score is None and hit.probability is None for hit in retriever.retrieve("red", 5))


def test_the_same_query_has_the_same_answer(retriever):
    assert retriever.retrieve("red ball", 5) == retriever.retrieve("red ball", 5)


def test_an_unknown_word_alone_finds_nothing_by_words(name, retriever):
    if name in ("bm25", "function", "object"):
        assert retriever.retrieve("zyzzyva", 5) == []


def test_shorter_answers_are_the_start_of_longer_ones_up_to_the_prefix_depth(retriever):
    if not isinstance(retriever, KeepsPrefix):
        pytest.skip("it promises no prefix")
    longest = ids(retriever.retrieve("red series", retriever.prefix_depth))
    for k in (1, 2, 5, retriever.prefix_depth):
        assert ids(retriever.retrieve("red series", k)) == longest[:k]


def test_several_weights_at_once_have_the_answers_of_each_weight(retriever, index):
    if not isinstance(retriever, Fuses):
        pytest.skip("it fuses nothing")
    weights = [0.0, retriever.fusion, 1.0]
    answers = retriever.retrieve_at(weights, "red cat", 5)
    assert answers[1] == retriever.retrieve("red cat", 5)
    for weight, hits in zip(weights, answers, strict=True):
        depth = retriever.prefix_depth
        assert hits == Hybrid(index, ENCODER, depth=depth, fusion=weight).retrieve("red cat", 5)
    with pytest.raises(InvalidInput, match="fusion must be from 0"):
        retriever.retrieve_at([1.5], "red cat", 5)


def test_a_filter_limits_the_hits(name, retriever):
    if name not in FILTERING:
        pytest.skip("it cannot filter")
    assert set(ids(retriever.retrieve("red", 50, {"kind": "short"}))) <= set(attribute_parts.DOCUMENTS)
    assert retriever.retrieve("red", 50, {"kind": "unknown"}) == []


def test_signals_are_named(name, retriever):
    signals = {signal for hit in retriever.retrieve("red cat", 5) for signal in hit.signals}
    assert signals <= {"dense", "bm25", "bm25_share"}
    assert bool(signals) is (name in FILTERING)


@pytest.mark.parametrize(("query", "message"), [("", "query is empty"), (None, "of type NoneType")])
def test_a_query_that_cannot_be_searched_is_refused(name, retriever, query, message):
    if name == "object":
        pytest.skip("a retriever of the user's own")
    with pytest.raises(InvalidInput, match=message):
        retriever.retrieve(query, 3)


def test_k_below_one_is_refused(name, retriever):
    if name == "object":
        pytest.skip("a retriever of the user's own")
    with pytest.raises(InvalidInput, match="k must be at least 1, not 0"):
        retriever.retrieve("red", 0)


def test_a_search_takes_it(retriever):
    ranking = Search(retriever, WordReranker()).search("red house", top_k=2, pool_size=20)
    assert ranking[0].id == "d"
    assert ranking.status == "ok"
