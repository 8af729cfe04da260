from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakes import WordReranker
from shortlist.encoders.hashed import HashedEncoder
from shortlist.errors import BadScores, InvalidInput
from shortlist.indexes.embedded import EmbeddedEngine
from shortlist.retrievers import Hybrid, Lexical
from shortlist.search.explain import explain, order_score, word_places
from shortlist.types import Passage

A = "pebble runs without a server"
B = "harbor is a server with a port"


class CountingEncoder(HashedEncoder):
    def __init__(self):
        super().__init__(512)
        self.calls = []

    def encode_queries(self, texts):
        self.calls.append(list(texts))
        return super().encode_queries(texts)


def words_of(text):
    return [text[start:end] for start, end in word_places(text)]


def test_effects_are_the_margin_with_less_the_margin_without():
    encoder, reranker = HashedEncoder(512), WordReranker()
    found = explain("engine without port", A, B, encoder, reranker)

    def margins(query):
        vectors = encoder.encode_passages([A, B])
        of_a, of_b = reranker.score(query, [A, B])
        return float(encoder.encode_queries([query])[0] @ (vectors[0] - vectors[1])), of_a - of_b

    cosine, logit = margins("engine without port")
    assert found.retrieval_margin == pytest.approx(cosine, abs=1e-6)
    assert found.rerank_margin == pytest.approx(logit)
    for one, shorter in zip(found.words, ("without port", "engine port", "engine without"), strict=True):
        without = margins(shorter)
        assert one.retrieval == pytest.approx(cosine - without[0], abs=1e-6)
        assert one.rerank == pytest.approx(logit - without[1])


def test_a_word_that_only_one_passage_holds_speaks_for_it_in_both_stages():
    found = {one.word: one for one in explain("a without port", A, B, HashedEncoder(512), WordReranker()).words}
    assert found["without"].retrieval > 0 < found["without"].rerank
    assert found["port"].retrieval < 0 > found["port"].rerank
    assert found["a"].rerank == pytest.approx(0)


def test_swapping_the_passages_turns_every_sign():
    one = explain("a without port", A, B, HashedEncoder(512), WordReranker())
    other = explain("a without port", B, A, HashedEncoder(512), WordReranker())
    assert other.rerank_margin == -one.rerank_margin
    assert [word.retrieval for word in other.words] == pytest.approx([-word.retrieval for word in one.words])


def test_all_shortened_queries_go_through_the_encoder_in_one_call():
    encoder, reranker = CountingEncoder(), WordReranker()
    explain("no server, no port", A, B, encoder, reranker)
    (asked,) = encoder.calls[1:] if encoder.calls[0] == [A, B] else encoder.calls
    assert asked == ["no server, no port", "server, no port", "no , no port", "no server, port", "no server, no"]
    assert [query for query, _ in reranker.calls] == asked


CORPUS = [Passage(f"p{place}", text) for place, text in enumerate([A, B, "pebble port", "a port without a pebble"])]
RETRIEVERS = {
    "hybrid": lambda index, encoder: Hybrid(index, encoder),
    "weighed": lambda index, encoder: Hybrid(index, encoder, fusion=0.8),
    "rm3": lambda index, encoder: Hybrid(index, encoder).with_feedback(),
    "bm25": lambda index, encoder: Lexical(index),
}


@pytest.mark.parametrize("kind", RETRIEVERS)
def test_the_margin_of_stage_one_is_that_of_its_own_order(tmp_path, kind):
    encoder = HashedEncoder(512)
    index = EmbeddedEngine().create(tmp_path, dimension=512)
    index.add(CORPUS, encoder.encode_passages([passage.content for passage in CORPUS]))
    retriever = RETRIEVERS[kind](index, encoder)
    found = explain("engine without port", A, B, order_score(retriever, ["p0", "p1"], 4), WordReranker())

    def margin(query):
        scores = {hit.passage.id: hit.retrieval_score for hit in retriever.retrieve(query, 4)}
        return scores.get("p0", 0) - scores.get("p1", 0)

    assert found.retrieval_margin == pytest.approx(margin("engine without port"), abs=1e-5)
    for one, shorter in zip(found.words, ("without port", "engine port", "engine without"), strict=True):
        assert one.retrieval == pytest.approx(margin("engine without port") - margin(shorter), abs=1e-5)
    names = {"hybrid": "cosine + 0.3 x BM25 share", "weighed": "1.6 x cosine + 0.12 x BM25 share", "bm25": "BM25"}
    assert found.retrieval_score == names.get(kind, names["hybrid"])
    index.close()


def test_bm25_scores_a_passage_below_the_first_list(tmp_path):
    corpus = [Passage(f"p{place}", "port " * (130 - place) + "sea " * place) for place in range(130)]
    index = EmbeddedEngine().create(tmp_path, dimension=1)
    index.add(corpus, np.ones((130, 1), dtype=np.float32))
    whole = {hit.passage.id: hit.retrieval_score for hit in Lexical(index).retrieve("port", 130)}
    assert Lexical(index).scores_of("port", ["p0", "p129"], 10) == [whole["p0"], whole["p129"]]
    assert Lexical(index).scores_of("unknown", ["p0"], 10) == [0.0]
    index.close()


def test_lists_that_are_merged_by_rank_have_no_score():
    class Distances:
        gives_cosines = False

    assert order_score(Hybrid(Distances(), HashedEncoder(8)), ["a", "b"], 10) is None
    assert order_score(object(), ["a", "b"], 10) is None


def test_the_only_word_has_the_whole_margin_as_its_effect():
    found = explain("  port?! ", A, B, HashedEncoder(512), WordReranker())
    (word,) = found.words
    assert (word.word, word.start, word.end) == ("port", 2, 6)
    assert (word.retrieval, word.rerank) == (found.retrieval_margin, found.rerank_margin)


def test_equal_texts_give_nothing_and_ask_no_model():
    reranker = WordReranker()
    found = explain("no port", A, A, HashedEncoder(512), reranker)
    assert (found.retrieval_margin, found.rerank_margin) == (0, 0)
    assert [(one.word, one.retrieval, one.rerank) for one in found.words] == [("no", 0, 0), ("port", 0, 0)]
    assert not reranker.calls


def test_punctuation_alone_has_no_words():
    assert explain("?!", A, B, HashedEncoder(512), WordReranker()).words == ()


@pytest.mark.parametrize(("query", "a", "b"), [("", A, B), (" \n", A, B), ("x", " ", B), ("x", A, "")])
def test_empty_input_is_an_error(query, a, b):
    with pytest.raises(InvalidInput, match="is empty"):
        explain(query, a, b, HashedEncoder(512), WordReranker())


def test_a_broken_reranker_is_named():
    with pytest.raises(BadScores):
        explain("no port", A, B, HashedEncoder(512), WordReranker([float("nan"), 1.0]))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('"No" server (please), really?', ["No", "server", "please", "really"]),
        ("doesn't run C++ on x86-64", ["doesn't", "run", "C++", "on", "x86-64"]),
        ("サーバ no", ["サ", "ー", "バ", "no"]),
        ("हिन्दी में नहीं", ["हिन्दी", "में", "नहीं"]),
        ("-- ... --", []),
        ("", []),
    ],
)
def test_what_a_word_is(text, words):
    assert words_of(text) == words


@given(st.text(min_size=1, max_size=40).filter(str.strip))
def test_any_query_has_an_outcome(query):
    found = explain(query, A, B, HashedEncoder(64), WordReranker())
    assert np.isfinite([found.retrieval_margin, *(one.rerank for one in found.words)]).all()
    for one in found.words:
        assert query[one.start : one.end] == one.word
        assert one.word.strip()
