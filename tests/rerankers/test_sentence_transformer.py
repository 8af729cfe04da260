"""The torch reranker, with a stand-in for sentence-transformers."""

import sys
from types import SimpleNamespace

import numpy as np
import pytest

import tiny
from shortlist.errors import ModelError
from shortlist.models.folder import read_cross_encoder
from shortlist.rerankers.sentence_transformer import SentenceTransformerReranker


@pytest.fixture
def made(tmp_path, monkeypatch):
    def make(*shape):
        predict = SimpleNamespace(predict=lambda pairs, **_: np.ones((len(pairs), *shape)))
        monkeypatch.setitem(sys.modules, "torch", SimpleNamespace(nn=SimpleNamespace(Identity=lambda: None)))
        fake = SimpleNamespace(CrossEncoder=lambda *_, **__: predict)
        monkeypatch.setitem(sys.modules, "sentence_transformers", fake)
        return SentenceTransformerReranker(read_cross_encoder(tiny.cross_encoder(tmp_path), "x"))

    return make


def test_one_score_a_text_of_any_iterable(made):
    assert made().score("q", (text for text in ("a", "b"))) == [1.0, 1.0]
    assert made().score("q", []) == []


def test_two_labels_that_no_file_told_of_are_refused(made):
    with pytest.raises(ModelError, match="x is no cross-encoder with one label: it gives 2 numbers a pair"):
        made(2).score("q", ["a"])
