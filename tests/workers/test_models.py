"""The workers that score and encode, in this process."""

from __future__ import annotations

import re

import numpy as np
import pytest

import tiny
from shortlist.errors import HubUnreachable, ModelNotFound
from shortlist.rerankers.cross_encoder import CrossEncoder
from shortlist.workers.encoding import TextEncoder
from shortlist.workers.scoring import PairScorer

TEXTS = ["cat", "the cat sat", "a dog runs", "red blue green file", "a", "not no", "the server"]


@pytest.fixture
def shows_batch(tmp_path):
    """A cross-encoder whose scores tell which batch a pair was in."""
    return str(tiny.cross_encoder(tmp_path / "shows", shows_batch=True))


@pytest.mark.parametrize("precision", ["exact", "auto"])
def test_the_batches_of_a_worker_do_not_depend_on_its_threads(shows_batch, precision):
    def scores(threads, as_worker):
        model = CrossEncoder(shows_batch, threads=threads, precision=precision, as_worker=as_worker)
        return list(model.score("cat", TEXTS))

    assert scores(1, True) == scores(2, True) == scores(5, True)
    assert scores(1, False) != scores(5, False)


def test_the_vectors_of_a_worker_do_not_depend_on_its_threads(tmp_path):
    folder = str(tiny.encoder(tmp_path / "encoder"))
    vectors = [TextEncoder(folder, threads=threads)(TEXTS).vectors for threads in (1, 3)]
    assert (vectors[0] == vectors[1]).all()


def test_the_score_of_a_pair_depends_on_its_unit_alone(shows_batch):
    scorer = PairScorer(shows_batch, threads=1)
    unit = [("cat", TEXTS), ("dog", TEXTS[:3])]
    first = scorer(unit)
    scorer([("server", TEXTS)])
    assert scorer(unit).scores.tolist() == first.scores.tolist()
    assert first.scores.shape == (10,)


def test_scores_are_those_of_the_reranker(tmp_path):
    folder = str(tiny.cross_encoder(tmp_path / "model", window=40))
    scored = PairScorer(folder, precision="exact", threads=1)([("cat", TEXTS), ("red dog", ["the cat sat " * 30])])
    model = CrossEncoder(folder, precision="exact")
    expected = [*model.score("cat", TEXTS), *model.score("red dog", ["the cat sat " * 30])]
    assert np.allclose(scored.scores, expected, atol=1e-5)
    assert scored.cut.tolist() == [False] * 7 + [True]
    assert scored.failures == []
    assert "model" in scored.made_by
    assert "onnxruntime fp32" in scored.made_by


def test_a_query_that_cannot_be_scored_fails_alone(tmp_path):
    folder = str(tiny.cross_encoder(tmp_path / "model", window=64))
    scored = PairScorer(folder, threads=1)([("cat " * 40, ["a", "b"]), (" ", ["c"]), ("dog", ["the dog", "a"])])
    assert [place for place, _ in scored.failures] == [0, 1, 2]
    assert "must leave" in scored.failures[0][1]
    assert "empty" in scored.failures[2][1]
    assert np.isnan(scored.scores).tolist() == [True, True, True, False, False]


def test_a_reranker_that_depends_on_the_pool_receives_whole_pools():
    scored = PairScorer("bulk_parts:OfPool")([("q", ["a", "bb", "bad"]), ("r", ["a", "bb"])])
    assert [place for place, _ in scored.failures] == [0, 1, 2]
    assert scored.scores[3:].tolist() == [1.0, 2.0]


def test_a_pointwise_reranker_loses_only_the_text_that_fails():
    scored = PairScorer("bulk_parts:Pointwise")([("q", ["a", "bb", "bad"]), ("r", ["a", "bb"])])
    ((place, reason),) = scored.failures
    assert place == 2
    assert re.fullmatch(r"length failed: ValueError: bad, in bulk_parts\.py line \d+", reason)
    assert scored.scores.tolist()[:2] == [1.0, 2.0]


def test_a_text_that_cannot_be_encoded_fails_alone():
    encoded = TextEncoder("bulk_parts:make_encoder")(["one", "bad", "three"])
    assert encoded.failures == [(1, "ValueError: bad")]
    assert np.isnan(encoded.vectors[1]).all()
    assert np.isfinite(encoded.vectors[[0, 2]]).all()
    assert encoded.vectors.dtype == np.float32


def test_vectors_of_queries_are_those_of_the_encoder():
    encoded = TextEncoder("hashed-16", queries=True)(["red cat", ""])
    assert encoded.vectors.shape == (2, 16)
    assert encoded.made_by == "hashed-16"


def test_cut_texts_are_marked(tmp_path):
    encoded = TextEncoder(str(tiny.encoder(tmp_path / "encoder")))(["cat", "cat " * 40])
    assert encoded.cut.tolist() == [False, True]


def test_a_vector_with_nan_fails():
    encoded = TextEncoder("bulk_parts:make_broken_encoder")(["one", "two"])
    assert [place for place, _ in encoded.failures] == [0, 1]
    assert "NaN" in encoded.failures[0][1]


def test_a_missing_model_is_an_error():
    with pytest.raises((ModelNotFound, HubUnreachable)):
        PairScorer("no/such-model-at-all")
