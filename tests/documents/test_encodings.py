# ruff: noqa: RUF001 - the texts are in other scripts
"""Texts in other encodings than UTF-8: read in the encoding that they name, that the user names, or that is guessed."""

from __future__ import annotations

import json
from contextlib import suppress
from email.message import EmailMessage

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shortlist.documents import ReadOptions, Skipped, Source, decoding, encodings, read
from shortlist.documents.decoding import decode
from shortlist.documents.source import Unreadable
from shortlist.errors import InvalidInput
from shortlist.types import Note

GERMAN = "Die Dichtung der Pumpe ist undicht; prüfen Sie den Öldruck und die Länge der Schläuche."
TEXTS = {
    "cp1252": GERMAN + " Preis: 45 €",
    "cp932": "ポンプの圧力が高すぎます。弁を確認してください。",
    "koi8-r": "Давление насоса слишком высокое. Проверьте клапан.",
    "cp1251": "Давление насоса слишком высокое. Проверьте клапан.",
    "iso8859-2": "Ciśnienie pompy jest zbyt wysokie. Sprawdź zawór, a także źródło zasilania.",
    "cp1250": "Tlak čerpadla je příliš vysoký, zkontrolujte ventil. Šroub, těsnění a žárovka.",
    "euc_jp": "ポンプの圧力が高すぎます。弁を確認してください。",
    "iso2022_jp": "ポンプの圧力が高すぎます。弁を確認してください。",
    "gb18030": "泵的压力太高了，请检查阀门和管道。",
    "big5": "泵的壓力太高了，請檢查閥門和管道。",
    "cp949": "펌프의 압력이 너무 높습니다. 밸브를 점검하십시오.",
    "cp1253": "Η πίεση της αντλίας είναι πολύ υψηλή. Ελέγξτε τη βαλβίδα.",
    "utf-16-le": "The pump needs a new seal.\nCheck the oil.",
    "utf-16-be": GERMAN,
}


def load_with(folder, name: str, content: bytes, encoding: str = ""):
    path = folder / name
    path.write_bytes(content)
    form = path.suffix[1:]
    return list(read(Source(path, form, folder, ReadOptions(encoding=encoding))))


@pytest.mark.parametrize("encoding", TEXTS)
@pytest.mark.parametrize("name", ["a.txt", "a.md"])
def test_the_encoding_of_a_text_is_guessed_and_reported(load, encoding, name):
    note, document = load(name, TEXTS[encoding].encode(encoding))
    assert document.text == TEXTS[encoding]
    assert "replaced_bytes" not in document.metadata
    assert (note.place, note.note.code) == ("", "guessed_encoding")
    assert TEXTS[encoding].encode(note.note.values["encoding"]).decode(encoding) == TEXTS[encoding]


@pytest.mark.parametrize(
    "text",
    [
        *("café", "Copyright © 2024 Ann Smith.\n", "Total: 45 €\n", "Don’t – or “maybe” do."),
        *("name;city\nSørensen;Århus\n", "Ça va très bien, mon garçon", "Perché la città è così", "°C und µm"),
        *("Le café est servi à midi.", "naïve approach – résumé", "São Paulo não é a capital"),
    ],
)
def test_few_letters_outside_ascii_are_enough(text):
    decoded = decode(text.encode("cp1252"))
    assert decoded.text == text
    assert decoded.guessed


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        ("cp850", "Grüße aus Köln, schöne Straße"),
        ("cp850", "Le café est servi à midi"),
        ("mac_roman", "Über die Brücke gehen"),
        ("mac_roman", "L'été arrive, «enfin» – déjà."),
        ("iso8859-2", "Příliš žluťoučký kůň úpěl"),
        ("iso8859-2", "--%s vyžaduje právě jeden parametr"),
        ("iso8859-2", "_Přidat mezi záložky"),
        ("iso8859-2", "Prikaži možnosti za razvrščanje"),
        ("iso8859-2", "Nie można odczytać pliku: są błędy"),
        ("cp1250", "ignorujú sa argumenty, ktoré nie sú voľbami"),
        ("cp1250", "Viditeľný kurzor"),
        ("cp1250", "Nie można odczytać pliku: są błędy"),
        ("cp1250", "Árvíztűrő tükörfúrógép"),
        ("cp1250", "Čerpadlo; Řezačka"),
        ("cp1254", "İstanbul'da güneşli bir gün, şehir ışıl ışıl"),
        ("cp1251", "Имя;Цена\nНасос;5"),
        ("cp1255", "שלום עולם"),
        ("cp1256", "مرحبا بالعالم"),
        ("cp1257", "Žmonės ir šalys: ąžuolas, ėmė"),
        ("euc_jp", "倉庫の在庫"),
        ("euc_jp", "ありがとうございます"),
        ("euc_jp", "GTK ビルダーのインターフェイス"),
        ("euc_jp", "オーディオとビデオ"),
        ("euc_jp", "  タグを異なるcaseで使用します!"),
        ("cp1254", "Toplantı odası kapalı"),
        ("cp1254", "Teşekkür ederiz, hoş geldiniz"),
        ("cp1257", "Siurblys per dideliu slėgiu, ėmė ūžti"),
        ("cp1257", "Kainų sąrašas pakeistas šiandien"),
        ("cp1257", "Pasūtījums nosūtīts uz Rīgu"),
        ("cp1257", "Maksājums veikts, paldies jums ļoti"),
        ("cp1252", "Verðskrá fyrir Þórshöfn"),
        ("cp1252", "Patiënten met hygiëne"),
        ("cp949", "ㅋㅋㅋ 재고 목록"),
        ("big5", "中文資料不可用"),
        ("gb18030", "价格表"),
        ("cp949", "재고 목록"),
    ],
)
def test_few_letters_in_other_encodings_are_not_taken_for_those_of_another_alphabet(encoding, text):
    assert decode(text.encode(encoding)).text == text


@pytest.mark.parametrize("encoding", ["cp1252", "cp932", "utf-16-le"])
def test_rows_in_another_encoding_have_their_names_of_columns(load, encoding):
    names = ["Größe", "Länge"] if encoding != "cp932" else ["大きさ", "長さ"]
    rows = f"{names[0]};{names[1]}\n" + "".join(f"{names[0]} {number};{number} mm\n" for number in range(9))
    note, *documents = load("a.csv", rows.encode(encoding))
    assert note.note == Note("guessed_encoding", encoding=encoding)
    assert len(documents) == 9
    assert documents[3].metadata[names[0]] == f"{names[0]} 3"
    assert documents[3].metadata[names[1]] == "3 mm"


def test_lines_of_json_may_be_in_another_encoding(load):
    rows = "".join(json.dumps({"text": f"{GERMAN} {number}"}, ensure_ascii=False) + "\n" for number in range(3))
    note, *documents = load("a.jsonl", rows.encode("cp1252"))
    assert note.note.code == "guessed_encoding"
    assert [document.text for document in documents] == [f"{GERMAN} {number}" for number in range(3)]


def test_a_byte_far_down_in_a_table_decides(load, monkeypatch):
    monkeypatch.setattr(decoding, "_BLOCK", 1000)
    rows = ["name,city", *(f"Ann {number},Rome" for number in range(3000)), "Björn,Malmö", "Zoë,Göteborg"]
    note, *documents = load("a.csv", "\n".join(rows).encode("cp1252"))
    assert note.note.code == "guessed_encoding"
    assert documents[-1].metadata["city"] == "Göteborg"
    assert decode("\n".join(rows).encode("cp1252")).text.endswith("Göteborg")


def test_a_cut_character_at_the_end_of_lines_is_no_utf8(load):
    note, document = load("a.csv", b"place\ncaf\xe9")
    assert (note.note.code, document.metadata["place"]) == ("guessed_encoding", "café")


def test_utf8_stays_utf8_whatever_the_user_names(tmp_path):
    for name in ("cp1252", "shift_jis", "utf-16"):
        [document] = load_with(tmp_path, "a.txt", GERMAN.encode(), name)
        assert document.text == GERMAN


def test_a_plain_text_asks_no_library(monkeypatch):
    monkeypatch.setattr(encodings, "_detected", lambda sample: pytest.fail("the library is asked"))
    assert decode(GERMAN.encode()) == (GERMAN, 0, "")


@pytest.mark.parametrize(
    ("name", "encoding"), [("cp866", "cp866"), ("latin1", "cp1252"), ("Shift-JIS", "cp932"), ("IBM037", "cp037")]
)
def test_the_user_may_name_the_encoding(tmp_path, name, encoding):
    text = {"cp866": TEXTS["koi8-r"], "cp932": TEXTS["cp932"], "cp1252": GERMAN, "cp037": "Öl and Öl"}[encoding]
    [document] = load_with(tmp_path, "a.txt", text.encode(encoding), name)
    assert document.text == text
    [row] = load_with(tmp_path, "a.csv", f"text\n{text}".encode(encoding), name) if encoding != "cp037" else [document]
    assert row.text == text


@pytest.mark.parametrize("name", ["koi9", "hex", "idna", " "])
def test_a_name_of_no_encoding_is_an_error(name):
    with pytest.raises(InvalidInput, match="give a name such as cp1252"):
        ReadOptions(encoding=name)


def test_options_change_the_record_of_what_was_read():
    options = ReadOptions(encoding="latin1")
    assert options.marks("csv") == " encoding=cp1252"
    assert options.marks("pdf") == ""
    assert options.may_read("undecodable")
    assert not ReadOptions().may_read("undecodable")


NOISE = b"\xff\xd8\xff\xe0 JFIF \x01\x02\x80\x81\x8d\x8f" + bytes(range(128, 256)) * 3


@pytest.mark.parametrize("name", ["a.txt", "a.md", "a.html", "a.csv", "a.jsonl", "a.json"])
def test_what_cannot_be_decoded_is_named_and_not_read(load, name):
    [skipped] = load(name, NOISE)
    assert isinstance(skipped, Skipped)
    assert skipped.note == Note("undecodable", encoding="")
    assert "no encoding fits: give the encoding" in skipped.reason


@pytest.mark.parametrize("line", [b"hello\x00world about giraffes\n", b"key\x00value;another\x00one here\n"])
def test_lines_with_a_nul_are_no_chinese(load, line):
    [skipped] = load("a.txt", line * 5)
    assert isinstance(skipped, Skipped)
    assert skipped.note.code in ("not_text", "undecodable")


def test_a_wrong_name_of_the_user_gives_no_noise(tmp_path):
    for name in ("utf-8", "euc_jp"):
        [skipped] = load_with(tmp_path, "a.txt", TEXTS["koi8-r"].encode("koi8-r"), name)
        assert skipped.note == Note("undecodable", encoding=name)
        assert f"not text in the encoding {name}: give the encoding" in skipped.reason


def test_a_page_is_read_as_it_declares_and_otherwise_as_guessed(load, tmp_path):
    page = f"<title>Größe</title><p>{GERMAN}"
    declared = f'<meta charset="koi8-r"><p>{TEXTS["koi8-r"]}'
    [document] = load_with(tmp_path, "a.html", declared.encode("koi8-r"), "cp1252")
    assert document.text == TEXTS["koi8-r"]
    note, document = load("b.html", page.encode("cp1252"))
    assert (note.note.code, document.title, document.text) == ("guessed_encoding", "Größe", GERMAN)
    [document] = load("d.html", f'<meta charset="iso-2022-jp">{page}'.encode())
    assert document.text == GERMAN
    note, document = load("c.html", f'<meta charset="utf-8">{page}'.encode("cp1252"))
    assert (note.note.code, document.text) == ("guessed_encoding", GERMAN)


def test_the_parts_of_a_mail_have_their_own_encodings(load):
    message = EmailMessage()
    message["Subject"] = "Pump"
    message.set_content(TEXTS["koi8-r"], charset="koi8-r")
    message.add_attachment(GERMAN.encode("cp1252"), maintype="text", subtype="plain", filename="a.txt")
    document, note = load("a.eml", message.as_bytes())
    assert TEXTS["koi8-r"] in document.text
    assert GERMAN in document.text
    assert (note.place, note.note.code) == ("a.txt", "guessed_encoding")


ALPHABETS = st.sampled_from(
    [("cp1252", "äöüßéèñ"), ("koi8-r", "абвгдежз"), ("iso8859-2", "ąćęłńóśźż"), ("cp1253", "αβγδεζηθ")]
)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(alphabet=ALPHABETS, data=st.data())
def test_the_named_encoding_loses_nothing(alphabet, data):
    encoding, letters = alphabet
    words = data.draw(st.lists(st.text(letters + "abcdefghij ", min_size=1, max_size=12), min_size=1, max_size=30))
    text = " ".join(words)
    assert decode(text.encode(encoding), encoding).text == text
    decoded = decode(text.encode(encoding), given=encoding)
    assert decoded.text == text


@settings(max_examples=150, deadline=None, derandomize=True)
@given(content=st.binary(max_size=400), named=st.sampled_from(["", "cp1252", "cp932", "utf-16-le", "koi8-r", "utf-7"]))
def test_any_bytes_are_text_or_named_as_no_text(content, named):
    with suppress(Unreadable):
        decoded = decode(content, given=named)
        decoded.text.encode()
        assert decoded.replaced <= decoded.text.count("\ufffd")


@settings(max_examples=60, deadline=None, derandomize=True)
@given(text=st.text(max_size=200), block=st.integers(1, 50))
def test_lines_and_whole_files_have_the_same_encoding(tmp_path_factory, text, block):
    path = tmp_path_factory.mktemp("lines") / "a.txt"
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    source = Source(path, "txt", path.parent)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(decoding, "_BLOCK", block)
        try:
            whole = decode(path.read_bytes())
        except Unreadable:
            with pytest.raises(Unreadable):
                decoding.line_encoding(source)
            return
        encoding = decoding.line_encoding(source)
        rows = "".join(line or "" for _, line, _ in decoding.lines(path, encoding))
    assert rows.replace("\r\n", "\n").replace("\r", "\n") == whole.text
