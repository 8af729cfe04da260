"""Spreadsheets, presentations, books, notebooks, mails, web archives and JSON files."""

from __future__ import annotations

import gzip
import io
import json
import zipfile
from email.message import EmailMessage

import pytest

from shortlist.documents import Skipped, Source, discover, read
from shortlist.text import Splitter
from shortlist.types import Note
from shortlist.wording import describe

XLSX_TYPES = """<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">
<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>
<Default Extension="xml" ContentType="application/xml"/>
<Override PartName="/xl/workbook.xml"
 ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/>{sheets}</Types>"""
MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
RELS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006/relationships"


def xlsx(sheets: dict[str, list[list[object]]], merged: dict[str, str] | None = None) -> bytes:
    """A workbook with the values of some sheets, and one merged area for some of them."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        overrides, entries, links = "", "", ""
        for number, (name, rows) in enumerate(sheets.items(), start=1):
            kind = "application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"
            overrides += f'<Override PartName="/xl/worksheets/sheet{number}.xml" ContentType="{kind}"/>'
            entries += f'<sheet name="{name}" sheetId="{number}" r:id="r{number}"/>'
            links += f'<Relationship Id="r{number}" Type="{RELS}/worksheet" Target="worksheets/sheet{number}.xml"/>'
            body = ""
            for place, row in enumerate(rows, start=1):
                cells = "".join(cell(f"{chr(65 + column)}{place}", value) for column, value in enumerate(row))
                body += f'<row r="{place}">{cells}</row>'
            area = (merged or {}).get(name)
            merges = f'<mergeCells count="1"><mergeCell ref="{area}"/></mergeCells>' if area else ""
            archive.writestr(
                f"xl/worksheets/sheet{number}.xml",
                f'<worksheet xmlns="{MAIN}"><sheetData>{body}</sheetData>{merges}</worksheet>',
            )
        archive.writestr("[Content_Types].xml", XLSX_TYPES.format(sheets=overrides))
        archive.writestr(
            "_rels/.rels",
            f'<Relationships xmlns="{PACKAGE}"><Relationship Id="r" Type="{RELS}/officeDocument" '
            'Target="xl/workbook.xml"/></Relationships>',
        )
        archive.writestr(
            "xl/workbook.xml", f'<workbook xmlns="{MAIN}" xmlns:r="{RELS}"><sheets>{entries}</sheets></workbook>'
        )
        archive.writestr("xl/_rels/workbook.xml.rels", f'<Relationships xmlns="{PACKAGE}">{links}</Relationships>')
    return out.getvalue()


def cell(place: str, value: object) -> str:
    if value is None or value == "":
        return ""
    if isinstance(value, bool):
        return f'<c r="{place}" t="b"><v>{int(value)}</v></c>'
    if isinstance(value, int | float):
        return f'<c r="{place}"><v>{value}</v></c>'
    return f'<c r="{place}" t="inlineStr"><is><t>{value}</t></is></c>'


class TestSpreadsheets:
    @pytest.fixture(autouse=True)
    def library(self):
        pytest.importorskip("python_calamine", reason="the extra files is not installed")

    def test_a_list_has_a_document_for_each_row(self, load):
        rows = [
            ["part", "stock", "price"],
            ["Q-8", 12, 4.5],
            ["Q-9", None, 3],
            [None, None, None],
            ["Q-10", 0, 1.2345e20],
        ]
        first, second, third = load("a.xlsx", xlsx({"Parts": rows}))
        assert first.text == "part: Q-8\nstock: 12\nprice: 4.5"
        assert first.id.endswith("a.xlsx#sheet=Parts&row=1")
        assert (first.metadata["sheet"], first.metadata["stock"], first.columns) == (
            "Parts",
            "12",
            ("part", "stock", "price"),
        )
        assert second.text == "part: Q-9\nprice: 3"
        assert third.text == "part: Q-10\nstock: 0\nprice: 123450000000000000000"

    def test_a_sheet_with_merged_cells_is_a_table(self, load):
        rows = [["Zone", "Adult", None], [None, "single", "return"], ["North", 4.1, 7.9], ["South", None, 6.6]]
        [document] = load("a.xlsx", xlsx({"Fares": rows}, {"Fares": "B1:C1"}))
        assert document.text == (
            "| Zone | Adult single | Adult return |\n|-|-|-|\n| North | 4.1 | 7.9 |\n| South |  | 6.6 |"
        )
        assert (document.title, document.metadata["sheet"]) == ("a: Fares", "Fares")

    def test_lines_above_a_table_and_tables_below_each_other_are_apart(self, load):
        rows = [
            ["Prices"],
            ["from March"],
            [],
            ["SKU", "Price"],
            ["a", 1],
            [],
            ["Depot", "City", "Phone"],
            ["D", "Oslo", 5],
        ]
        [document] = load("a.xlsx", xlsx({"S": [*rows, [], ["The end"]]}, {"S": "A1:C1"}))
        tables = "| SKU | Price |\n|-|-|\n| a | 1 |\n\n| Depot | City | Phone |\n|-|-|-|\n| D | Oslo | 5 |"
        assert document.text == f"Prices\nfrom March\n\n{tables}\n\nThe end"
        rows = [["Name", "2023", "2024"], ["Ann", 1, 2], [], ["Team", "Size", "Rank"], ["X", 3, 4]]
        [document] = load("a.xlsx", xlsx({"S": rows}))
        assert document.text.endswith("| Ann | 1 | 2 |\n\n| Team | Size | Rank |\n|-|-|-|\n| X | 3 | 4 |")

    @pytest.mark.parametrize("row", [["Bob", 2], ["Bob", "none"], ["Bob"]])
    def test_an_empty_row_does_not_end_a_list(self, load, row):
        documents = load("a.xlsx", xlsx({"S": [["Name", "Value"], ["Ann", 1], [], row, ["Cy", 3]]}))
        assert [document.metadata["Name"] for document in documents] == ["Ann", "Bob", "Cy"]

    def test_every_sheet_is_read_and_an_empty_one_is_reported(self, load):
        sheets = {"One": [["Note"], ["text"]], "None": [], "Two": [["a", "b"], ["1", "yes"]]}
        one, empty, two = load("a.xlsx", xlsx(sheets))
        assert (one.text, two.text) == ("Note\ntext", "a: 1\nb: yes")
        assert (empty.place, empty.note.code) == ("sheet 'None'", "empty")

    def test_a_damaged_workbook_is_reported(self, load):
        for content in (
            b"",
            b"not a zip",
            xlsx({"A": [["a"]]})[:400],
            b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600,
        ):
            [skipped] = load("a.xlsx", content)
            assert isinstance(skipped, Skipped)

    def test_too_many_cells_are_reported(self, load, monkeypatch):
        from shortlist.documents import sheets

        monkeypatch.setattr(sheets, "_MOST_CELLS", 5)
        [skipped] = load("a.xlsx", xlsx({"A": [["a", "b"], ["c", "d"], ["e", "f"]]}))
        assert skipped.reason == "6 cells, and the limit is 5: split the sheet"


class TestPresentations:
    @pytest.fixture
    def deck(self):
        return pytest.importorskip("pptx", reason="the extra files is not installed").Presentation()

    def saved(self, deck) -> bytes:
        data = io.BytesIO()
        deck.save(data)
        return data.getvalue()

    def test_a_slide_is_a_document(self, load, deck):
        from pptx.chart.data import CategoryChartData
        from pptx.enum.chart import XL_CHART_TYPE
        from pptx.util import Inches

        slide = deck.slides.add_slide(deck.slide_layouts[5])
        slide.shapes.title.text = "Harbour plan"
        table = slide.shapes.add_table(3, 3, Inches(1), Inches(3), Inches(5), Inches(1)).table
        for number, text in enumerate(["Berth", "Depth", "", "", "low", "high", "A", "3", ""]):
            table.cell(number // 3, number % 3).text = text
        table.cell(0, 1).merge(table.cell(0, 2))
        box = slide.shapes.add_textbox(Inches(1), Inches(2), Inches(5), Inches(1)).text_frame
        box.text = "Above the table"
        box.add_paragraph().text = "second line"
        slide.notes_slide.notes_text_frame.text = "Say hello."
        data = CategoryChartData()
        data.categories = ["May", "June"]
        data.add_series("Boats", (7, 9.5))
        second = deck.slides.add_slide(deck.slide_layouts[6])
        second.shapes.add_chart(XL_CHART_TYPE.COLUMN_CLUSTERED, Inches(1), Inches(1), Inches(4), Inches(3), data)
        first, chart = load("a.pptx", self.saved(deck))
        assert first.text.split("\n\n") == [
            "# Harbour plan",
            "Above the table\nsecond line",
            "| Berth | Depth low | Depth high |\n|-|-|-|\n| A | 3 |  |",
            "Notes: Say hello.",
        ]
        assert (first.title, first.metadata["slide"]) == ("a", 1)
        assert "| May | 7 |\n| June | 9.5 |" in chart.text

    def test_a_slide_without_text_is_reported(self, load, deck):
        deck.slides.add_slide(deck.slide_layouts[6])
        [skipped] = load("a.pptx", self.saved(deck))
        assert (skipped.place, skipped.note.code) == ("slide 1", "empty")

    def test_a_damaged_presentation_is_reported(self, load):
        pytest.importorskip("pptx", reason="the extra files is not installed")
        for content in (b"", b"PK\x03\x04", xlsx({"A": [["a"]]})):
            [skipped] = load("a.pptx", content)
            assert skipped.note.code == "broken"


def epub(pages: dict[str, str], more: dict[str, str] | None = None) -> bytes:
    items = "".join(
        f'<item id="i{n}" href="{name}" media-type="application/xhtml+xml"/>' for n, name in enumerate(pages)
    )
    spine = "".join(f'<itemref idref="i{n}"/>' for n in range(len(pages)))
    package = (
        '<package xmlns="http://www.idpf.org/2007/opf" xmlns:dc="http://purl.org/dc/elements/1.1/"><metadata>'
        "<dc:title>The  Sea</dc:title><dc:creator>Ann Berg</dc:creator></metadata>"
        f'<manifest>{items}<item id="x" href="a.png" media-type="image/png"/></manifest>'
        f"<spine>{spine}</spine></package>"
    )
    container = (
        '<container xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles>'
        '<rootfile full-path="OEBPS/book.opf"/></rootfiles></container>'
    )
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("META-INF/container.xml", container)
        archive.writestr("OEBPS/book.opf", package)
        for name, text in pages.items():
            archive.writestr(f"OEBPS/{name.replace('%20', ' ')}", text)
        for name, text in (more or {}).items():
            archive.writestr(name, text)
    return out.getvalue()


def test_a_part_of_a_book_is_a_document(load):
    pages = {"one.xhtml": "<h1>Tides</h1><p>High.</p>", "text%20two.xhtml": "<h1>Winds</h1><p>Low.</p>"}
    first, second = load("a.epub", epub(pages))
    assert (first.title, first.text, first.metadata["author"]) == ("The Sea", "# Tides\n\nHigh.", "Ann Berg")
    assert second.id.endswith("a.epub#part=2")
    [passage] = Splitter(lambda text: len(text.split()), 50).split(second)
    assert passage.title == "The Sea > Winds" or "# Winds" in passage.text


def test_a_locked_book_and_damaged_ones_are_reported(load):
    lock = (
        '<encryption><EncryptedData xmlns="http://www.w3.org/2001/04/xmlenc#">'
        '<EncryptionMethod Algorithm="http://www.w3.org/2001/04/xmlenc#aes128-cbc"/></EncryptedData></encryption>'
    )
    [skipped] = load("a.epub", epub({"a.xhtml": "x"}, {"META-INF/encryption.xml": lock}))
    assert skipped.note.code == "encrypted"
    for content in (b"", b"no zip", epub({})[:300]):
        assert load("b.epub", content)[0].note.code == "broken"
    assert load("c.epub", epub({}))[0].note.code == "empty"
    page, skipped = load("d.epub", epub({"a.xhtml": "<p>text", "b.xhtml": "a\0b"}))
    assert (page.text, skipped.place, skipped.note.code) == ("text", "part 2", "not_text")


def test_a_notebook_is_markdown_with_its_code_and_text_outputs(load):
    cells = [
        {"cell_type": "markdown", "source": ["# Waves\n", "\n", "The model."]},
        {
            "cell_type": "code",
            "source": "run()",
            "outputs": [
                {"output_type": "stream", "text": ["3 waves\n"]},
                {"output_type": "display_data", "data": {"image/png": "iVBOR"}},
                {"output_type": "execute_result", "data": {"text/plain": ["x" * 5000]}},
                {"output_type": "error", "ename": "ValueError", "evalue": "no wind"},
            ],
        },
        {"cell_type": "code", "source": "", "outputs": []},
        {"cell_type": "raw", "source": "raw ``` text"},
    ]
    book = {"cells": cells, "metadata": {"kernelspec": {"language": "python"}}, "nbformat": 4}
    document, *skipped = load("a.ipynb", json.dumps(book))
    assert document.title == "Waves"
    assert document.text == (
        "# Waves\n\nThe model.\n\n```python\nrun()\n```\n\n```\n3 waves\n```\n\n"
        "```\nValueError: no wind\n```\n\nraw ``` text"
    )
    assert document.metadata["language"] == "python"
    assert [item.reason for item in skipped] == ["1 long output left out", "1 output without text left out"]


@pytest.mark.parametrize(
    ("content", "code"),
    [("{", "bad_json"), ("[]", "broken"), ("{}", "empty"), ('{"cells": 3}', "empty"), ("[" * 90_000, "deep_json")],
)
def test_a_damaged_notebook_is_reported(load, content, code):
    [skipped] = load("a.ipynb", content)
    assert skipped.note.code in (code, "bad_json")


def mail() -> EmailMessage:
    message = EmailMessage()
    message["Subject"] = "Berth für Freitag"
    message["From"] = "Ann <ann@example.org>"
    message["To"] = "harbour@example.org"
    message["Date"] = "Fri, 05 Jan 2024 10:00:00 +0100"
    message.set_content("Is berth 7 free?\n")
    message.add_alternative("<p>Is <b>berth 7</b> free?</p>", subtype="html")
    return message


def test_a_mail_is_a_document_with_its_attachments(load):
    message = mail()
    message.add_attachment("depth,3\n", filename="depth.csv", subtype="csv")
    message.add_attachment(b"%PDF-1.4", maintype="application", subtype="pdf", filename="plan.pdf")
    inner = EmailMessage()
    inner["Subject"] = "Before"
    inner.set_content("An older mail.")
    message.add_attachment(inner)
    document, skipped, older = load("a.eml", message.as_bytes())
    assert document.title == "Berth für Freitag"
    assert document.text == (
        "From: Ann <ann@example.org>\nTo: harbour@example.org\nDate: Fri, 05 Jan 2024 10:00:00 +0100\n\n"
        "Is berth 7 free?\n\ndepth.csv\n\ndepth,3"
    )
    assert document.metadata["date"] == "2024-01-05T10:00:00+01:00"
    assert (skipped.place, skipped.note.values["type"]) == ("plan.pdf", "application/pdf")
    assert (older.title, older.text, older.id.endswith("a.eml#mail=1")) == ("Before", "An older mail.", True)


def test_a_mail_with_html_alone_is_read_as_a_page(load):
    message = EmailMessage()
    message["Subject"] = "x"
    page = "<table><tr><th>Tag<th>Tide<tr><td>Fr<td>h\xf6chste</table>"
    message.set_content(page.encode("latin-1"), maintype="text", subtype="html", params={"charset": "iso-8859-1"})
    assert load("a.eml", message.as_bytes())[0].text == "| Tag | Tide |\n|-|-|\n| Fr | h\xf6chste |"


def test_a_damaged_mail_is_reported(load):
    assert load("a.eml", b"")[0].note.code == "broken"
    assert load("b.eml", b"no header at all")[0].note.code == "broken"
    odd = b"Subject: =?utf-8?b?broken\nDate: never\nContent-Type: text/plain; charset=nonsense\n\nt\xe9xt"
    document, note = load("c.eml", odd)
    assert document.text.endswith("t\xe9xt")
    assert note.note.code == "guessed_encoding"


def test_a_web_archive_of_a_browser_is_its_page(load):
    content = (
        b"From: <Saved by a browser>\nSnapshot-Content-Location: https://example.org/a\nMIME-Version: 1.0\n"
        b'Content-Type: multipart/related; type="text/html"; boundary="b"\n\n'
        b"--b\nContent-Type: text/html\nContent-Transfer-Encoding: quoted-printable\n"
        b"Content-Location: https://example.org/a\n\n<title>Tides</title><p>High=20water</p>\n"
        b"--b\nContent-Type: image/png\nContent-Transfer-Encoding: base64\n\niVBORw0=\n"
        b"--b\nContent-Type: text/html\n\n<p>frame</p>\n--b--\n"
    )
    document, skipped = load("a.mhtml", content)
    assert (document.title, document.text, document.metadata["url"]) == (
        "Tides",
        "High water",
        "https://example.org/a",
    )
    assert skipped.reason == "1 frame left out"
    assert load("b.mht", b"Subject: x\n\ntext")[0].note.code == "broken"


def warc(*answers: tuple[str, str, bytes], status: str = "200 OK", pack=bytes) -> bytes:
    """An archive with some answers, each packed on its own."""
    out = b""
    for number, (url, kind, body) in enumerate(answers):
        http = f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body
        head = (
            f"WARC/1.0\r\nWARC-Type: response\r\nWARC-Target-URI: {url}\r\nWARC-Date: 2024-01-05T00:00:00Z\r\n"
            f"WARC-Record-ID: <urn:uuid:{number}>\r\nContent-Type: application/http; msgtype=response\r\n"
            f"Content-Length: {len(http)}\r\n\r\n"
        )
        out += pack(head.encode() + http + b"\r\n\r\n")
    return out


@pytest.mark.parametrize("name", ["a.warc", "a.warc.gz"])
def test_a_page_of_a_web_archive_is_a_document(tmp_path, name):
    pytest.importorskip("warcio", reason="the extra files is not installed")
    pack = gzip.compress if name.endswith(".gz") else bytes
    content = warc(
        ("https://example.org/a", "text/html; charset=iso-8859-1", "<title>Tides</title><p>Fl\xf3".encode("latin-1")),
        ("https://example.org/p.png", "image/png", b"\x89PNG"),
        ("https://example.org/t", "text/plain", b"plain text"),
        pack=pack,
    )
    content += warc(("https://example.org/gone", "text/html", b"<p>Not found"), status="404 Not Found", pack=pack)
    (tmp_path / name).write_bytes(content)
    [source], unread = discover([tmp_path / name])
    page, plain, skipped = read(source)
    assert unread == []
    assert (page.title, page.text, page.metadata["url"]) == ("Tides", "Fl\xf3", "https://example.org/a")
    assert (plain.title, plain.text) == ("https://example.org/t", "plain text")
    assert skipped.reason == "1 answer of type image/png left out"


def test_a_list_in_json_has_a_document_for_each_object(load):
    items = [
        {"name": "Gull", "size": {"wing": 140, "unit": "cm"}, "seen": ["May", "June"], "none": None, "wild": True},
        {"id": 7, "text": "A whole text.", "year": 2024},
        {"text": "also", "title": 3},
    ]
    for content in (items, {"count": 3, "birds": items}):
        first, second, wrong, *rest = load("a.json", json.dumps(content))
        assert first.text == "name: Gull\nsize.wing: 140\nsize.unit: cm\nseen: May, June\nwild: true"
        assert first.id.endswith("a.json#item=1")
        assert first.metadata["wild"] is True
        assert (second.id, second.text, second.metadata["year"]) == ("7", "A whole text.", 2024)
        assert (wrong.place, wrong.note.code) == ("item 3", "wrong_type")
        assert [item.text for item in rest] == ([] if content is items else ["count: 3"])


def test_a_json_value_is_one_document_whose_passages_name_their_values(load):
    content = {"id": "cfg-9", "limits": {"cpu": 2, "notes": "many words " * 80}, "hosts": [{"ip": "10.0.0.1"}]}
    [document] = load("a.json", json.dumps(content))
    passages = Splitter(lambda text: len(text.split()), 40).split(document)
    assert len(passages) > 3
    assert all(passage.text.startswith("id: cfg-9\n") for passage in passages)
    assert "limits.notes: " in passages[2].text
    assert "hosts.1.ip: 10.0.0.1" in passages[-1].text


@pytest.mark.parametrize(
    ("content", "code"),
    [("", "empty"), ("{", "bad_json"), ("[]", "empty"), ("null", "empty"), ('["a", "b"]', ""), ('"text"', "")],
)
def test_json_of_any_kind_is_read_or_reported(load, content, code):
    [item] = load("a.json", content)
    assert (item.note.code if isinstance(item, Skipped) else "") == code


def test_a_format_without_its_package_is_reported(tmp_path, monkeypatch):
    import sys

    for name, file in (("python_calamine", "a.xlsx"), ("pptx", "a.pptx"), ("warcio.archiveiterator", "a.warc")):
        monkeypatch.setitem(sys.modules, name, None)
        path = tmp_path / file
        path.write_bytes(xlsx({"A": [["a"]]}))
        [skipped] = read(Source(path, file[2:], tmp_path))
        assert skipped.note.code == "missing_extra"
        assert "pip install 'shortlist[files]'" in skipped.reason


def test_objects_on_lines_of_a_json_file_are_records(load):
    first, second = load("a.json", '{"name": "Bolt", "price": 2}\n\n{"text": "A nut.", "id": "n"}\n')
    assert (first.text, first.id[-7:]) == ("name: Bolt\nprice: 2", "#item=1")
    assert (second.text, second.id) == ("A nut.", "n")


@pytest.mark.parametrize("content", ['{"a": 1}\n[2]\n', '{"a": 1}\nno json\n', '{"a": 1} {"b": 2}'])
def test_other_lines_are_no_json(load, content):
    [skipped] = load("a.json", content)
    assert skipped.note.code == "bad_json"


def test_an_empty_json_file_is_empty(load):
    assert [item.note.code for item in load("a.json", " \n")] == ["empty"]


@pytest.mark.parametrize(
    ("part", "one"),
    [
        ("outputs without text", "1 output without text left out"),
        ("slides with comments", "1 slide with comments left out"),
        ("answers of type image/png", "1 answer of type image/png left out"),
        ("headers or footers", "1 header or footer left out"),
        ("long outputs", "1 long output left out"),
    ],
)
def test_one_part_is_singular(part, one):
    assert describe(Note("part_left_out", part=part, count=1, include="")) == one
