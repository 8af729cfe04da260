"""The cross-encoder under torch, with a stand-in for sentence-transformers."""

import sys
from types import SimpleNamespace

import numpy as np
import pytest

import tiny
from shortlist.errors import InvalidInput, ModelError
from shortlist.models.folder import read_cross_encoder
from shortlist.rerankers.sentence_transformer import SentenceTransformerReranker


@pytest.fixture
def make(tmp_path, monkeypatch):
    def make(*shape, gpu=False, **options):
        devices = []

        def load(folder, *, device, trust_remote_code):
            assert trust_remote_code is False
            devices.append(device)
            return SimpleNamespace(predict=lambda pairs, **_: np.ones((len(pairs), *shape)))

        torch = SimpleNamespace(
            nn=SimpleNamespace(Identity=lambda: None), cuda=SimpleNamespace(is_available=lambda: gpu)
        )
        monkeypatch.setitem(sys.modules, "torch", torch)
        monkeypatch.setitem(sys.modules, "sentence_transformers", SimpleNamespace(CrossEncoder=load))
        return SentenceTransformerReranker(read_cross_encoder(tiny.cross_encoder(tmp_path), "x"), **options), devices

    return make


def test_one_score_for_each_text_of_any_iterable(make):
    reranker, _ = make()
    assert reranker.score("q", (text for text in ("a", "b"))) == [1.0, 1.0]
    assert reranker.score("q", []) == []
    assert (reranker.info.name, reranker.info.window, reranker.info.unit) == ("x", 64, "logit")
    assert [place.index for place in reranker.rank("q", ["a", "b"])] == [0, 1]


def test_two_labels_that_only_the_output_shows_are_refused(make):
    with pytest.raises(ModelError, match="x is not a cross-encoder with one label: it returns 2 numbers for a pair"):
        make(2)[0].score("q", ["a"])


def test_the_device_goes_to_torch(make):
    assert make(gpu=True, device="cuda")[1] == ["cuda"]
    assert make(device="auto")[1] == [None]
    with pytest.raises(InvalidInput, match="torch finds no GPU"):
        make(device="cuda")
