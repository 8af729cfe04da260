"""The bi-encoder under torch, with a stand-in for sentence-transformers."""

import sys
from types import SimpleNamespace

import numpy as np
import pytest

import tiny
from shortlist.encoders.sentence_transformer import SentenceTransformerEncoder
from shortlist.errors import InvalidInput, MissingExtra, ModelError
from shortlist.models.folder import read_encoder


@pytest.fixture
def make(tmp_path, monkeypatch):
    def make(vectors, *, gpu=False, **options):
        calls = []

        def encode(texts, *, prompt, **_):
            calls.append((texts, prompt))
            return np.array([vectors] * len(texts), dtype=np.float64)

        def load(folder, *, device, trust_remote_code):
            assert trust_remote_code is False
            calls.append(device)
            return SimpleNamespace(encode=encode)

        torch = SimpleNamespace(cuda=SimpleNamespace(is_available=lambda: gpu))
        monkeypatch.setitem(sys.modules, "torch", torch)
        monkeypatch.setitem(sys.modules, "sentence_transformers", SimpleNamespace(SentenceTransformer=load))
        spec = read_encoder(tiny.encoder(tmp_path), "intfloat/e5-small-v2")
        return SentenceTransformerEncoder(spec, **options), calls

    return make


def test_rows_are_unit_float32_with_the_models_prompts(make):
    encoder, calls = make([3.0, 4.0])
    rows = encoder.encode_queries(text for text in ("a", "b"))
    assert rows.dtype == np.float32
    assert rows.tolist() == [[pytest.approx(0.6), pytest.approx(0.8)]] * 2
    encoder.encode_passages(["c"])
    assert calls[1:] == [(["a", "b"], "query: "), (["c"], "passage: ")]
    assert encoder.encode_queries([]).shape == (0, tiny.WIDTH)


def test_nan_is_refused(make):
    with pytest.raises(ModelError, match="returned NaN or infinity"):
        make([np.nan, 1.0])[0].encode_queries(["a"])


@pytest.mark.parametrize(("device", "expected"), [("auto", None), ("cpu", "cpu"), ("cuda", "cuda"), ("CUDA", "cuda")])
def test_the_device_goes_to_torch(make, device, expected):
    assert make([1.0], gpu=True, device=device)[1] == [expected]


@pytest.mark.parametrize(
    ("device", "message"),
    [
        ("cuda", "device cuda is not available: torch finds no GPU"),
        ("openvino:GPU", "intfloat/e5-small-v2 has no ONNX file that OpenVINO can run on openvino:GPU"),
        ("tpu", "device must be auto, cpu, cuda"),
    ],
)
def test_an_absent_device_is_an_error(make, device, message):
    with pytest.raises(InvalidInput, match=message) as caught:
        make([1.0], device=device)
    assert caught.value.field == "device"


def test_without_the_extra_the_pip_line_is_shown(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "sentence_transformers", None)
    with pytest.raises(MissingExtra, match=r"pip install 'shortlist\[torch\]'"):
        SentenceTransformerEncoder(read_encoder(tiny.encoder(tmp_path), "x"))
