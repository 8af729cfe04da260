"""What every encoder must do. An encoder joins by one entry in ENCODERS."""

from __future__ import annotations

import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import tiny
from shortlist.encoders.hashed import HashedEncoder
from shortlist.encoders.onnx import OnnxEncoder
from shortlist.encoders.sentence_transformer import SentenceTransformerEncoder
from shortlist.errors import InvalidInput
from shortlist.models.folder import read_encoder
from shortlist.protocols import CountsTokens, Encoder
from shortlist.registry import load_encoder


def onnx(folder: Path) -> Encoder:
    return OnnxEncoder(read_encoder(tiny.encoder(folder), "tiny"), precision="exact", device="cpu")


def onnx_with_prompts(folder: Path) -> Encoder:
    return OnnxEncoder(read_encoder(tiny.encoder(folder), "e5-small"), precision="exact", device="cpu")


def torch(folder: Path) -> Encoder:
    """The encoder under torch, with the hashed encoder in place of sentence-transformers."""

    def encode(texts: list[str], **_: Any) -> Any:
        return HashedEncoder(tiny.WIDTH).encode_passages(texts)

    fake = SimpleNamespace(SentenceTransformer=lambda *_, **__: SimpleNamespace(encode=encode))
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "torch", SimpleNamespace())
        patch.setitem(sys.modules, "sentence_transformers", fake)
        return SentenceTransformerEncoder(read_encoder(tiny.encoder(folder), "tiny"))


ENCODERS: dict[str, Callable[[Path], Encoder]] = {
    "hashed": lambda _: HashedEncoder(64),
    "onnx": onnx,
    "onnx with prompts": onnx_with_prompts,
    "packaged": lambda _: load_encoder(device="cpu"),
    "torch": torch,
    "attribute": lambda _: load_encoder("attribute_parts:make_encoder"),
}

TEXTS = ["cat dog", "the server runs", "red", "a local file sat not", "blue green " * 40]


@pytest.fixture(scope="module", params=ENCODERS)
def encoder(request, tmp_path_factory):
    return ENCODERS[request.param](tmp_path_factory.mktemp("encoder"))


@pytest.fixture(params=["encode_queries", "encode_passages"])
def encode(request, encoder):
    return getattr(encoder, request.param)


def cosines(rows, others):
    return np.einsum("ij,ij->i", rows, others)


def test_it_has_a_name_and_a_dimension(encoder):
    assert isinstance(encoder.name, str)
    assert encoder.name
    assert isinstance(encoder.dimension, int)
    assert encoder.dimension >= 1


def test_rows_are_unit_float32(encoder, encode):
    rows = encode(TEXTS)
    assert rows.dtype == np.float32
    assert rows.shape == (len(TEXTS), encoder.dimension)
    assert np.linalg.norm(rows, axis=1) == pytest.approx(1.0, abs=1e-5)


def test_no_texts_give_no_rows(encoder, encode):
    rows = encode([])
    assert rows.dtype == np.float32
    assert rows.shape == (0, encoder.dimension)


def test_a_row_does_not_depend_on_the_other_texts_or_on_their_order(encode):
    rows = encode(TEXTS)
    alone = np.concatenate([encode([text]) for text in TEXTS])
    backwards = encode(TEXTS[::-1])[::-1]
    assert cosines(rows, alone).min() > 0.999
    assert cosines(rows, backwards).min() > 0.999


def test_different_texts_have_different_rows(encode):
    first, second = encode(["cat dog", "server file"])
    assert first @ second < 0.999


def test_any_iterable_is_read(encode):
    rows = encode(TEXTS[:2])
    for texts in ((text for text in TEXTS[:2]), map(str, TEXTS[:2]), dict(enumerate(TEXTS[:2])).values()):
        assert cosines(encode(texts), rows).min() > 0.999


@pytest.mark.parametrize(
    ("texts", "message"), [("cats", "a string"), ({"text": "cats"}, "a dict"), (None, "a NoneType"), ([1], "int")]
)
def test_what_is_not_a_list_of_texts_is_refused(encode, texts, message):
    with pytest.raises(InvalidInput, match=message):
        encode(texts)


def test_half_a_surrogate_pair_reads_as_the_replacement_character(encode):
    assert cosines(encode(["cat \ud800"]), encode(["cat \ufffd"])).min() > 0.999


def test_several_threads_may_call_it(encode):
    rows = encode(TEXTS)
    with ThreadPoolExecutor(4) as pool:
        for other in pool.map(lambda _: encode(TEXTS), range(8)):
            assert cosines(other, rows).min() > 0.999


def test_token_counts_tell_what_it_reads(encoder):
    if not isinstance(encoder, CountsTokens):
        pytest.skip("it does not count tokens")
    for query in (False, True):
        counts, cut = encoder.token_counts(["cat", "cat " * 2000], query=query)
        assert 0 < counts[0] < counts[1] == encoder.window
        assert cut == [False, True]
        assert encoder.token_counts([], query=query) == ([], [])
