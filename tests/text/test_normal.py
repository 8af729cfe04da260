"""The form of texts that BM25, models and filters read."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shortlist.text.normal import normalised


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The ﬂoor plan was ﬁled.", "The floor plan was filed."),
        ("\uff22\uff17 ﾊﾟﾝ", "B7 パン"),
        ("Ko\u0308ln", "K\u00f6ln"),
        ("Staub\u00adsauger", "Staubsauger"),
        ("min\u200bPool\u2060Size\ufeff", "minPoolSize"),
        ("10\u2076 cells", "10^6 cells"),
        ("m\u00b2 and H\u2082O", "m2 and H2O"),
        ("2\u00bd cups", "2 1\u20442 cups"),
        ("Acme\u2122 tools", "Acme tools"),
        ("12\u202f500 km", "12500 km"),
        ("\u21167", "No 7"),
        ("l\u00b4eau", "l'eau"),
        ("plain ASCII  stays\tas it is", "plain ASCII  stays\tas it is"),
        ("", ""),
    ],
)
def test_the_normal_form(text, expected):
    assert normalised(text) == expected


WRITTEN = st.text(st.characters(codec="utf-8"), max_size=40)


@given(WRITTEN)
def test_the_normal_form_of_the_normal_form_is_the_same(text):
    assert normalised(normalised(text)) == normalised(text)


@given(WRITTEN)
def test_texts_that_are_canonically_equal_have_one_normal_form(text):
    assert normalised(unicodedata.normalize("NFD", text)) == normalised(unicodedata.normalize("NFC", text))


@given(st.text(st.characters(codec="utf-8", categories=["L", "N", "P", "Z"]), max_size=40))
def test_no_ascii_letter_or_digit_is_lost(text):
    kept = [letter for letter in text if letter.isascii() and letter.isalnum()]
    rest = iter(normalised(text))
    assert all(letter in rest for letter in kept)
