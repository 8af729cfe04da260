"""BM25 as sparse vectors."""

from __future__ import annotations

import pytest

from shortlist.text.terms.bm25 import Bm25, mean_length


def test_the_weights_are_those_of_the_formula():
    bm25 = Bm25("none", 4.0)
    vector = bm25.passage("tide tide sea")
    norm = 1.2 * (0.25 + 0.75 * 3 / 4)
    assert sorted(vector.values) == pytest.approx([2.2 / (1 + norm), 2 * 2.2 / (2 + norm)])
    assert bm25.query("tide tide sea").indices == vector.indices
    assert sorted(bm25.query("tide tide sea").values) == [1.0, 2.0]


def test_the_dimensions_are_the_same_in_every_process():
    assert Bm25("none").query("tide").indices == [3193316108]


def test_indices_ascend_and_are_distinct():
    indices = Bm25("english").passage("a sea of words with many tides and waves, PX-500").indices
    assert indices == sorted(set(indices))
    assert all(0 <= index < 2**32 for index in indices)


def test_a_text_without_words_gives_an_empty_vector():
    assert Bm25("english").passage("... !?") == Bm25("english").query("") == ([], [])


def test_the_mean_length():
    bm25 = Bm25("english")
    assert mean_length(bm25, ["the tide", "a tide and a wave"]) == 1.5
    assert mean_length(bm25, []) == mean_length(bm25, ["of the"]) == 1.0
