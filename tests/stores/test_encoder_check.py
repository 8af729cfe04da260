"""The check that a store was made with the bi-encoder that searches it."""

from __future__ import annotations

import numpy as np
import pytest

from fake_store import FakeBackend
from shortlist import registry
from shortlist.encoders.hashed import HashedEncoder
from shortlist.errors import InvalidInput
from shortlist.stores.encoder_check import check_encoder
from shortlist.stores.open_store import OpenStore
from shortlist.types import Passage

ENCODER = HashedEncoder(64)
NOTES = [Passage("a", "the red cat", "a", "Cats"), Passage("b", "a dog", "b")]


class Shifted(HashedEncoder):
    """Another model with vectors of the same length."""

    def encode_queries(self, texts):
        return np.roll(super().encode_queries(texts), 7, axis=1)


def store(texts, encoder=ENCODER, passages=NOTES, noise=0.0):
    vectors = encoder.encode_passages(texts)
    vectors = vectors + noise * np.random.default_rng(0).standard_normal(vectors.shape).astype(np.float32)
    return OpenStore(FakeBackend(passages, vectors))


def test_the_right_encoder_passes_with_either_form_of_the_text():
    assert check_encoder(store(["the red cat", "a dog"]), ENCODER) == "text"
    assert check_encoder(store(["Cats\nthe red cat", "a dog"]), ENCODER) == "title and text"
    assert check_encoder(store(["a dog"], passages=NOTES[1:]), ENCODER) == "text"


def test_vectors_of_another_precision_pass():
    assert check_encoder(store(["the red cat", "a dog"], noise=0.02), ENCODER) == "text"


def test_an_empty_store_passes():
    assert check_encoder(OpenStore(FakeBackend([], np.zeros((0, 64), np.float32))), ENCODER) is None


@pytest.mark.parametrize("encoder", [Shifted(64), HashedEncoder(63)])
def test_the_wrong_encoder_is_named_with_the_remedy(encoder):
    with pytest.raises(InvalidInput, match=f"fake:notes .*not .*made with the bi-encoder {encoder.name}") as error:
        check_encoder(store(["the red cat", "a dog"]), encoder)
    message = str(error.value)
    assert "bi_encoder" in message
    assert "openai:MODEL@URL" in message
    assert "package.module:attribute" in message
    assert error.value.field == "bi_encoder"
    assert ("64 numbers" in message) is (encoder.dimension == 63)
    assert ("cosine 0.00 " in message and "'a'" in message) is (encoder.dimension == 64)


def test_a_cosine_just_below_the_limit_is_an_error():
    made = store(["the red cat", "a dog"], noise=0.05)
    assert 0.7 < float(ENCODER.encode_passages(["the red cat"])[0] @ made.vectors(["a"])[0]) < 0.98
    with pytest.raises(InvalidInput, match=r"at least 0\.98 is expected"):
        check_encoder(made, ENCODER)
    object.__setattr__(made._facts, "lossy", True)
    assert check_encoder(made, ENCODER) == "text"


def test_the_check_runs_before_the_first_search():
    with pytest.raises(InvalidInput, match="seems not to be made with"):
        registry.store_retriever(store(["the red cat", "a dog"]), Shifted(64))
