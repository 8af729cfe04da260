"""The language of a text."""
# ruff: noqa: RUF001 - sentences in many scripts

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shortlist.text.terms import LANGUAGES, language_of, language_of_most

SENTENCES = {
    "english": "The boat left the harbour before the storm, and nobody knew where it would be in the morning.",
    "german": "Das Boot verließ den Hafen vor dem Sturm, und niemand wusste, wo es am Morgen sein würde.",
    "french": "Le bateau a quitté le port avant la tempête, et personne ne savait où il serait le matin.",
    "spanish": "El barco salió del puerto antes de la tormenta, y nadie sabía dónde estaría por la mañana.",
    "italian": "La barca ha lasciato il porto prima della tempesta, e nessuno sapeva dove sarebbe stata al mattino.",
    "portuguese": "O barco saiu do porto antes da tempestade, e ninguém sabia onde ele estaria de manhã.",
    "dutch": "De boot verliet de haven voor de storm, en niemand wist waar hij in de ochtend zou zijn.",
    "danish": "Båden forlod havnen før stormen, og ingen vidste, hvor den ville være om morgenen, og det sker.",
    "norwegian": "Båten forlot havnen før stormen, og ingen visste hvor den ville være om morgenen, eller hva noen så.",
    "swedish": "Båten lämnade hamnen före stormen, och ingen visste var den skulle vara på morgonen.",
    "finnish": "Vene lähti satamasta ennen myrskyä, eikä kukaan tiennyt missä se olisi aamulla, mutta he olivat.",
    "polish": "Łódź opuściła port przed burzą i nikt nie wiedział, gdzie ona jest, ale to już nie jest ważne.",
    "czech": "Loď opustila přístav před bouří a nikdo nevěděl, kde bude ráno, ale už to není tak důležité.",
    "russian": "Лодка вышла из гавани до бури, и никто не знал, где она будет утром, но это уже не важно.",
    "ukrainian": "Човен вийшов із гавані до бурі, і ніхто не знав, де він буде вранці, але це вже не важливо.",
    "turkish": "Tekne fırtınadan önce limandan ayrıldı ve kimse sabah nerede olacağını bilmiyordu, çünkü zor.",
    "greek": "Το σκάφος έφυγε από το λιμάνι πριν από την καταιγίδα και κανείς δεν ήξερε πού θα είναι το πρωί.",
    "hindi": "नाव तूफान से पहले बंदरगाह से निकल गई और किसी को नहीं पता था कि वह सुबह कहाँ होगी।",
    "arabic": "غادر القارب الميناء قبل العاصفة ولم يكن أحد يعرف أين هو في الصباح أو ما الذي كان على متنه.",
    "chinese": "暴风雨来临之前，船离开了港口，没有人知道早上它会在哪里。",
    "japanese": "嵐の前に船は港を出て、朝どこにいるのか誰も知らなかった。",
    "korean": "폭풍우가 오기 전에 배가 항구를 떠났고, 아침에 어디에 있을지 아무도 몰랐다.",
    "thai": "เรือออกจากท่าเรือก่อนพายุ และไม่มีใครรู้ว่าตอนเช้าจะอยู่ที่ไหน",
}


@pytest.mark.parametrize("language", sorted(SENTENCES))
def test_the_language_of_a_sentence(language):
    assert language in LANGUAGES
    assert language_of(SENTENCES[language]) == language


@pytest.mark.parametrize(
    "text",
    [
        "",
        "42",
        "Invoice 2024-001",
        "x = a + b; y = a * b; le = la - l; for (i = 0; i < n; i++) { s += t[i]; }",
        "SELECT id, name FROM users WHERE id = 7",
        "ქართული ენა არის ქართველების დედაენა",
        "On: do. No: to.",
        "po/da.po | 2 +- po/ga.po | 2 +- po/ja.po | 4 ++-- po/vi.po | 2 +-",
        "man 5 login, man 8 su, man 1 po, and man 7 man",
        "col le in: column formatter, less or equal, input. col col col le le le in in",
        "PUMP MI-20 LI-5 DO-3 TO-92 NO-NC SU-8 DA-14",
    ],
)
def test_the_language_is_unknown(text):
    assert language_of(text) == ""


def test_english_with_a_foreign_name_is_english():
    assert language_of(SENTENCES["english"] + " The captain of the Straße der Freiheit was there.") == "english"
    assert language_of(SENTENCES["english"] + " 東京") == "english"


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Насосы требуют регулярного обслуживания", "russian"),
        ("Насоси потребують обслуговування її", "ukrainian"),
        ("Βιβλιοθήκη της πόλης", "greek"),
        ("ספריה עירונית", "hebrew"),
        ("المكتبة مفتوحة كل يوم", "arabic"),
        ("Насосы и café, помпы и ўсё", ""),
        ("Помпите изискват поддръжка и смяна на уплътненията", ""),
        ("کتابخانه هر روز باز است", ""),
    ],
)
def test_letters_tell_the_language_of_a_short_text(text, language):
    assert language_of(text) == language


def test_short_texts_tell_their_language_together():
    rows = [
        "Pumpe für den Keller",
        "Schlauch mit Ventil",
        "Dichtung für die Pumpe",
        "Filter und Sieb",
        "Ventil aus Messing",
    ]
    assert {language_of(row) for row in rows} == {""}
    assert language_of_most(rows) == "german"
    assert language_of_most([*rows, SENTENCES["english"] * 9]) == "english"


def test_most_texts_decide():
    texts = [SENTENCES["german"], SENTENCES["english"], SENTENCES["german"], "42"]
    assert language_of_most(texts) == "german"
    assert language_of_most([]) == language_of_most(["42", ""]) == ""


@given(st.text(max_size=80))
def test_every_text_has_a_known_language_or_none(text):
    assert language_of(text) in (*LANGUAGES, "")


ENGLISH_PAGES = [
    "Do not press NO. Turn the pump on. To do: drain the tank.",
    "Pump MI-20. Flow to 30 l/min. Do not run dry. Power on, then set DO 3 to ON. Valve NC or NO.",
    "Install: pip install po-tool. Usage: po --to da --from ja. No options. See man po.",
    "Type: ga, li, mi, po. Turn on DHCP to use IP. Do a reset if no link is up.",
]


@pytest.mark.parametrize("text", ENGLISH_PAGES)
def test_a_short_technical_page_is_english_or_unknown(text):
    assert language_of(text) in ("english", "")


def test_a_repeated_word_alone_tells_nothing():
    text = SENTENCES["english"].replace("boat", "man") + " po man po" * 30
    assert language_of(text) in ("english", "")
