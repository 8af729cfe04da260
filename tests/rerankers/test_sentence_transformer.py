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
        devices, batches, types = [], [], []

        def predict(pairs, *, batch_size, **_):
            batches.append((len(pairs), batch_size))
            return np.array([np.full(shape, float(len(text))) for _, text in pairs])

        def load(folder, *, device, trust_remote_code):
            assert trust_remote_code is False
            devices.append(device)
            kind = "cuda" if (device or "cpu").startswith("cuda") else "cpu"
            to = types.append
            return SimpleNamespace(
                predict=predict,
                device=SimpleNamespace(type=kind),
                to=lambda dtype: to(dtype),
                batches=batches,
                types=types,
            )

        torch = SimpleNamespace(
            nn=SimpleNamespace(Identity=lambda: None),
            cuda=SimpleNamespace(is_available=lambda: gpu),
            empty=lambda *_, **__: None,
            float32="float32",
            float16="float16",
            bfloat16="bfloat16",
        )
        monkeypatch.setitem(sys.modules, "torch", torch)
        monkeypatch.setitem(sys.modules, "sentence_transformers", SimpleNamespace(CrossEncoder=load))
        return SentenceTransformerReranker(read_cross_encoder(tiny.cross_encoder(tmp_path), "x"), **options), devices

    return make


def test_one_score_for_each_text_of_any_iterable(make):
    reranker, _ = make()
    assert reranker.score("q", (text for text in ("a", "bc"))) == [1.0, 2.0]
    assert reranker.score("q", []) == []
    assert (reranker.info.name, reranker.info.window, reranker.info.unit) == ("x", 64, "logit")
    assert [place.index for place in reranker.rank("q", ["ab", "b"])] == [0, 1]
    assert reranker._model.batches == [(2, 32), (2, 32)]


def test_two_labels_that_only_the_output_shows_are_refused(make):
    with pytest.raises(ModelError, match="x is not a cross-encoder with one label: it returns 2 numbers for a pair"):
        make(2)[0].score("q", ["a"])


def test_the_device_goes_to_torch(make):
    assert make(gpu=True, device="cuda")[1] == ["cuda"]
    assert make(device="auto")[1] == [None]
    with pytest.raises(InvalidInput, match="torch finds no GPU"):
        make(device="cuda")


def test_a_gpu_gets_batches_with_a_budget_of_tokens(make):
    reranker, _ = make(gpu=True, device="torch:cuda:1")
    texts = ["cat " * 40] * 700 + ["cat"] * 300
    assert reranker.score("a query", texts) == [float(len(text)) for text in texts]
    assert reranker._model.batches == [(512, 512), (488, 488)]


@pytest.mark.parametrize(
    ("device", "precision", "types"),
    [
        ("torch:cuda", "auto", ["float16"]),
        ("cuda", "auto", []),
        ("cuda", "bf16", ["bfloat16"]),
        ("torch:cuda", "exact", ["float32"]),
        ("auto", "fast", []),
    ],
)
def test_the_precision(make, device, precision, types):
    assert make(gpu=True, device=device, precision=precision)[0]._model.types == types
