"""Characters of the fonts Symbol and Wingdings in slides and PDF files."""

from __future__ import annotations

import io

import pytest
from test_pdf import at, page

from shortlist.documents import pdf
from shortlist.documents.symbols import symbol, with_symbols


@pytest.mark.parametrize(
    ("font", "code", "sign"),
    [
        ("Symbol", "F061", "\u03b1"),
        ("Symbol", "00B3", "\u2265"),
        ("Wingdings", "F0FC", "\u2713"),
        ("Wingdings", "F001", ""),
        ("Arial", "00B0", "\u00b0"),
        ("Webdings", "F04A", ""),
        ("Symbol", "", ""),
        ("", "FFFFFFFF", ""),
    ],
)
def test_a_character_of_a_font(font, code, sign):
    assert symbol(font, code) == sign


def test_a_bullet_of_the_private_area_is_a_bullet_without_a_font():
    assert with_symbols("\uf0b7 one \uf0fc two \uf021") == "\u2022 one \u2713 two \uf021"
    assert with_symbols("a \uf061", "SYMBOL") == "a \u03b1"
    assert with_symbols("\ue000 as it is") == "\ue000 as it is"


def test_the_bullets_of_a_pdf_are_text(load, monkeypatch):
    monkeypatch.setattr(pdf, "page_text", lambda page, table: ("\uf0b7 First", None))
    assert load("a.pdf", page(at(72, 700, "First")))[0].text == "\u2022 First"


def test_an_arrow_of_a_slide_is_text(load):
    pptx = pytest.importorskip("pptx", reason="the extra files is not installed")
    deck = pptx.Presentation()
    box = deck.slides.add_slide(deck.slide_layouts[6]).shapes.add_textbox(0, 0, 9, 9)
    run = box.text_frame.paragraphs[0].add_run()
    run.text = "in \uf0e0 out"
    properties = run._r.get_or_add_rPr()
    sign = properties.makeelement(
        "{http://schemas.openxmlformats.org/drawingml/2006/main}sym", {"typeface": "Wingdings"}
    )
    properties.append(sign)
    data = io.BytesIO()
    deck.save(data)
    assert load("a.pptx", data.getvalue())[0].text == "in \u2192 out"
