"""Texts as models read them."""

from __future__ import annotations

import numpy as np
import pytest

from shortlist.encoders.hashed import HashedEncoder
from shortlist.errors import InvalidInput
from shortlist.text.validation import model_text, model_texts


def test_models_read_the_normal_form():
    assert model_texts(["\ufb01lm", "a\ud800b", "caf\u0065\u0301"]) == ["film", "a\ufffdb", "caf\u00e9"]


def test_a_text_of_invisible_characters_stays():
    assert model_text("\u200b\u00ad") == "\u200b\u00ad"


def test_texts_are_checked():
    with pytest.raises(InvalidInput, match="text 2 of 2 is of type int"):
        model_texts(["a", 3])
    assert model_texts([]) == []


def test_two_forms_of_a_text_have_one_vector():
    encoder = HashedEncoder(64)
    composed, other = encoder.encode_passages(["Z\u00fcrich o\ufb03ce", "Zu\u0308rich of\u00adfice"])
    assert np.array_equal(composed, other)
