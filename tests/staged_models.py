"""A tiny cross-encoder in stages on each runtime, with its scores by hand."""

from __future__ import annotations

from importlib.util import find_spec

import pytest

import tiny
from shortlist import CrossEncoder
from shortlist.inference.runtimes import Runtime
from shortlist.rerankers import cross_encoder

TEXTS = ["cat", "green " * 9, "the dog sat", "", "red blue", "server local file " * 5]

RUNTIMES = [
    pytest.param(Runtime("onnxruntime", "fp32", "for a test"), id="onnxruntime"),
    pytest.param(
        Runtime("openvino", "fp32", "for a test"),
        id="openvino",
        marks=pytest.mark.skipif(find_spec("openvino") is None, reason="OpenVINO has no wheel for this platform"),
    ),
]


def staged_model(folder, runtime, monkeypatch, **options):
    monkeypatch.setattr(cross_encoder, "choose", lambda *_: runtime)
    return CrossEncoder(str(tiny.staged(folder)), **options)


def mean_state(query, text):
    """The logit of the first stage. Each later stage doubles it."""
    words = {word: i for i, word in enumerate(tiny.WORDS)}
    ids = [2, *(words[w] for w in query.split()), 3, *(words[w] for w in text.split()), 3]
    return float(tiny.table()[ids].mean())
