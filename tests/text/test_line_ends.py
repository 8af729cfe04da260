"""Words that are broken at the ends of lines."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shortlist.models.vocabulary import known_words
from shortlist.text.line_ends import BREAK, LineEnds


@pytest.mark.parametrize(
    ("broken", "expected"),
    [
        ("gov-\nernment", "government"),
        ("an infor-  \n   mation", "an information"),
        ("well-\nknown", "well-known"),
        ("a long-\nterm plan", "a long-term plan"),
        ("Smith-\nJones", "Smith-Jones"),
        ("GOV-\nERNMENT", "GOVERNMENT"),
        ("an X-\nray and a T-\nshirt", "an X-ray and a T-shirt"),
        ("loremi-\npsumque", "loremipsumque"),
        ("re-\ncompiling", "recompiling"),
        ("sub-\ndirectory", "subdirectory"),
        ("sweet-\nness", "sweetness"),
        ("state-of-the-\nart", "state-of-the-art"),
        ("a well-docu-\nmented case", "a well-documented case"),
        ("Wert\u00ad\npapier", "Wertpapier"),
        ("two-\n2 parts", "two-\n2 parts"),
        ("SARS-2-\nb", "SARS-2-\nb"),
        ("see http://a.org/blue-\nsky", "see http://a.org/blue-sky"),
        ("- one\n- two", "- one\n- two"),
        ("a dash -\nhere", "a dash -\nhere"),
        ("fin\u2010\nished", "finished"),
    ],
)
def test_a_broken_word_is_joined_and_a_compound_stays(broken, expected):
    assert LineEnds(known_words()).rejoined(broken) == expected
    marked = broken.replace("-  \n   ", BREAK).replace("-\n", BREAK)
    expected = expected.replace("-\n2", "-2").replace("-\nb", "-b").replace("-\nhere", f"-{BREAK}here")
    if " -\n" not in broken:
        assert LineEnds(known_words()).rejoined(marked) == expected


def test_the_form_that_the_document_uses_decides():
    text = "A re-\nsort is near. The {} is far."
    assert LineEnds(known_words()).rejoined(text.format("re-sort")).startswith("A re-sort is")
    assert LineEnds(known_words()).rejoined(text.format("resort")).startswith("A resort is")
    assert LineEnds(frozenset()).rejoined("zorp-\ngleb. The zorp, the gleb.").startswith("zorp-gleb")
    assert LineEnds(frozenset()).rejoined("zorp-\ngleb. The zorpgleb.").startswith("zorpgleb")


def test_the_pages_before_count_too():
    pages = LineEnds(frozenset())
    assert pages.rejoined("The quux-blat is red.") == "The quux-blat is red."
    assert pages.rejoined("A quux-\nblat") == "A quux-blat"


def test_a_broken_word_is_no_evidence_for_itself():
    text = "zorp-\ngleb and zorp-\ngleb and zorp-\ngleb"
    assert LineEnds(frozenset()).rejoined(text) == "zorpgleb and zorpgleb and zorpgleb"


@given(st.text(st.sampled_from("ab -\n\u00ad\u2010" + BREAK), max_size=40))
def test_only_hyphens_and_line_ends_change(text):
    rejoined = LineEnds(frozenset({"ab"})).rejoined(text)
    assert BREAK not in rejoined
    assert [letter for letter in rejoined if letter in "ab"] == [letter for letter in text if letter in "ab"]
