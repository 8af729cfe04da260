"""Cosines for the pool of a retriever that gives none."""

from __future__ import annotations

import json

import pytest

import foreign_parts
import shortlist as sl
from command_line import run
from fakes import ListRetriever
from shortlist.config import SearchConfig, resolve
from shortlist.config.weights import Weights
from shortlist.encoders.hashed import HashedEncoder
from shortlist.errors import InvalidInput
from shortlist.evaluation.tuning.settings import file_values
from shortlist.search.encoded_pool import EncodedPool, with_cosines
from shortlist.search.pool import Retrieved
from shortlist.server.build import build
from shortlist.server.operations import Operations
from shortlist.server.options import ServeOptions
from shortlist.types import Hit, Note
from word_queries import WORDS

ENCODER = HashedEncoder(32)
TEXTS = ["red dog", "a local file", "local"]


class Cutting(HashedEncoder):
    """An encoder that reads two words."""

    window = 2

    def token_counts(self, texts, *, query=False):
        return [min(2, len(text.split())) for text in texts], [len(text.split()) > 2 for text in texts]


@pytest.fixture
def fitted(monkeypatch):
    """Weights for the hashed encoder and the reranker of `foreign_parts.Logits`."""
    weights = {("hashed-32", "logits"): Weights({"dense": 3.0})}
    monkeypatch.setattr("shortlist.search.blend.fitted_weights", lambda *names: weights.get(names, Weights()))


def cosine(query, text):
    return float(ENCODER.encode_passages([text])[0] @ ENCODER.encode_queries([query])[0])


def test_hits_keep_order_scores_and_notes_and_get_the_cosine():
    hits = Retrieved(
        [Hit.of("a", "red dog", 2.0, signals={"bm25": 4.0}), Hit.of("b", "local", 1.0, signals={"dense": 9.0})],
        [Note("repeated_rows", count=2)],
    )
    encoded = with_cosines("a local dog", hits, ENCODER)
    assert [(hit.id, hit.retrieval_score) for hit in encoded] == [("a", 2.0), ("b", 1.0)]
    assert encoded[0].signals == {"bm25": 4.0, "dense": pytest.approx(cosine("a local dog", "red dog"))}
    assert encoded[1].signals == {"dense": pytest.approx(cosine("a local dog", "local"))}
    assert {hit.bi_encoder for hit in encoded} == {"hashed-32"}
    assert encoded.notes == (Note("repeated_rows", count=2),)
    assert with_cosines("a", [], ENCODER) == []


def test_texts_that_the_encoder_cuts_are_counted():
    hits = [Hit.of(place, text) for place, text in enumerate(TEXTS)]
    notes = with_cosines("local", hits, Cutting(32)).notes
    assert notes == (Note("pool_texts_cut", count=1, bi_encoder="hashed-32", window=2),)
    ranked = sl.rerank("local", TEXTS, reranker=foreign_parts.Logits(), pool_encoder=Cutting(32))
    assert {row.document: row.truncated for row in ranked} == {"red dog": False, "a local file": True, "local": False}


def test_a_search_over_an_encoded_pool_has_the_fitted_weights(fitted):
    plain = sl.Search(ListRetriever(TEXTS), foreign_parts.Logits()).search("a local dog")
    ranking = sl.Search(sl.EncodedPool(ListRetriever(TEXTS), ENCODER), foreign_parts.Logits()).search("a local dog")
    assert (plain.weights, ranking.weights) == ({}, {"dense": 3.0})
    for hit in ranking:
        assert hit.score == pytest.approx(hit.rerank_score + 3 * cosine("a local dog", hit.text))


def test_an_encoded_pool_lists_and_cuts_as_its_retriever():
    class Listing(ListRetriever):
        prefix_depth = 7

        def passages(self):
            return [hit.passage for hit in self.retrieve("", 9)]

    inner = Listing(TEXTS)
    inner.index = "an index"
    pool = EncodedPool(inner, ENCODER)
    assert ([passage.text for passage in pool.passages()], pool.prefix_depth, pool.index) == (TEXTS, 7, "an index")
    plain = EncodedPool(ListRetriever(TEXTS), ENCODER)
    assert (plain.passages(), plain.prefix_depth, plain.index, plain.name) == (None, 0, None, "ListRetriever")


def test_rerank_with_a_pool_encoder_gives_the_blend(fitted):
    reranker = foreign_parts.Logits()
    alone = sl.rerank("a local dog", TEXTS, reranker=reranker)
    blended = sl.rerank("a local dog", TEXTS, reranker=reranker, pool_encoder=ENCODER)
    assert ({row.order for row in alone}, {row.order for row in blended}) == ({"reranker"}, {"blend"})
    scores = {row.document: row.rerank_score for row in alone}
    for row in blended:
        assert row.rerank_score == scores[row.document]
        assert row.score == pytest.approx(row.rerank_score + 3 * cosine("a local dog", row.document))
    assert sl.rerank("a", [], reranker=reranker, pool_encoder=ENCODER) == []


def test_a_retriever_of_your_own_with_a_pool_encoder(fitted, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    config = SearchConfig(pool_encoder="hashed-32", reranker="foreign_parts:Logits")
    with sl.open("foreign_parts:rows", config=config) as search:
        ranking = search.search(WORDS[0])
        assert (ranking.weights, ranking.note("reranker_alone")) == ({"dense": 3.0}, None)
        assert search.searcher.fits.retriever == "foreign_parts:rows with the cosine of hashed-32"


def test_an_index_with_a_retriever_of_your_own_has_the_pool_encoder(fitted, tmp_path):
    config = SearchConfig(bi_encoder="hashed-64", reranker="foreign_parts:Logits")
    with sl.open(tmp_path / "ix", create=True, config=config) as index:
        index.add([{"id": "a", "text": "red dog"}])
    own = config.override({"retriever": "foreign_parts:rows", "pool_encoder": "hashed-32"})
    with sl.open(tmp_path / "ix", config=own) as index:
        assert index.search(WORDS[0]).weights == {"dense": 3.0}
    with pytest.raises(InvalidInput, match="an index has no pool_encoder") as caught:
        sl.open(tmp_path / "ix", config=config.override({"pool_encoder": "hashed-32"}))
    assert caught.value.field == "pool_encoder"


def test_a_pool_encoder_of_the_file_belongs_to_its_retriever():
    file = {"pool_encoder": "hashed-32", "retriever": "a.b:c"}
    assert resolve({}, file).config.pool_encoder == "hashed-32"
    other = resolve({"retriever": "hybrid"}, file)
    assert other.config.pool_encoder is None
    assert Note("setting_ignored", setting="pool_encoder", reason="other_retriever") in other.notes


def test_fits_with_and_without_a_pool_encoder_have_folders_of_their_own(tmp_path):
    folders = set()
    for name in (None, "hashed-32", "hashed-64"):
        with sl.open("foreign_parts:rows", config=SearchConfig(pool_encoder=name), state=tmp_path) as search:
            folders.add(search.fits_folder)
    assert len(folders) == 3


def test_a_tuning_writes_the_pool_encoder():
    config = SearchConfig(retriever="a.b:c", pool_encoder="hashed-32")
    assert file_values({"pool_size": 20}, config, None, {})["pool_encoder"] == "hashed-32"
    written = file_values({"pool_size": 20}, config, None, {"min_probability": 0.5, "retriever": "a.b:c"})
    assert written["min_probability"] is None


def test_an_encoded_pool_takes_a_function_and_refuses_other_parts():
    pool = EncodedPool(lambda query, k: [("a", "red dog", 1.0)], ENCODER)
    assert pool.retrieve("dog", 3)[0].signals["dense"] == pytest.approx(cosine("dog", "red dog"))
    with pytest.raises(InvalidInput, match="the pool encoder is 5: give a bi-encoder"):
        EncodedPool(ListRetriever(TEXTS), 5)
    with pytest.raises(InvalidInput, match="give a bi-encoder") as caught:
        sl.rerank("a", TEXTS, reranker=foreign_parts.Logits(), pool_encoder=foreign_parts.Logits())
    assert caught.value.field == "pool_encoder"


def test_the_command_rerank_with_a_pool_encoder(fitted, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "candidates.txt").write_text("red dog\na local dog\n")
    arguments = ("rerank", "local", "candidates.txt", "--reranker", "foreign_parts:Logits", "--json")
    alone = [json.loads(line) for line in run(*arguments).out.splitlines()]
    blended = [json.loads(line) for line in run(*arguments, "--pool-encoder", "hashed-32").out.splitlines()]
    assert all(row["rerank"]["score"] == row["rerank"]["rerank_score"] for row in alone)
    for row in blended:
        added = 3 * cosine("local", row["text"])
        assert row["rerank"]["score"] == pytest.approx(row["rerank"]["rerank_score"] + added)


def test_a_server_without_stage_one_has_no_pool_encoder():
    with pytest.raises(InvalidInput, match="a pool_encoder is for searches"):
        build(ServeOptions(config=SearchConfig(pool_encoder="hashed-32")), Operations())
