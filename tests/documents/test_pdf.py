"""PDF: tables, passwords and OCR. The pages are drawn here, by operators of the PDF standard."""

from __future__ import annotations

import io
import sys

import pytest
from test_office_formats import pdf

from shortlist import SearchConfig
from shortlist import open as open_index
from shortlist.documents import ReadOptions, Skipped, Source, read
from shortlist.documents.source import Unreadable
from shortlist.errors import InvalidInput

SIZE = 10


def page(*operators: str, rotate: int = 0) -> bytes:
    """A PDF file with one page that the operators draw."""
    from pypdf import PdfWriter
    from pypdf.generic import DecodedStreamObject, DictionaryObject, NameObject, NumberObject

    writer = PdfWriter()
    sheet = writer.add_blank_page(612, 792)
    font = DictionaryObject({NameObject("/Type"): NameObject("/Font"), NameObject("/Subtype"): NameObject("/Type1")})
    font[NameObject("/BaseFont")] = NameObject("/Helvetica")
    sheet[NameObject("/Resources")] = DictionaryObject(
        {NameObject("/Font"): DictionaryObject({NameObject("/F"): font})}
    )
    stream = DecodedStreamObject()
    stream.set_data("\n".join(operators).encode("cp1252"))
    sheet[NameObject("/Contents")] = writer._add_object(stream)
    sheet[NameObject("/Rotate")] = NumberObject(rotate)
    data = io.BytesIO()
    writer.write(data)
    return data.getvalue()


def at(x: float, y: float, text: str) -> str:
    return f"BT /F {SIZE} Tf {x} {y} Td ({text}) Tj ET"


def line(x0: float, y0: float, x1: float, y1: float) -> str:
    return f"{x0} {y0} m {x1} {y1} l S"


def rows(cells: list[list[str]], xs: list[float], top: float = 700, step: float = 16) -> list[str]:
    return [
        at(x, top - number * step, text)
        for number, row in enumerate(cells)
        for x, text in zip(xs, row, strict=True)
        if text
    ]


def grid(xs: list[float], ys: list[float]) -> list[str]:
    return [line(x, ys[0], x, ys[-1]) for x in xs] + [line(xs[0], y, xs[-1], y) for y in ys]


CELLS = [["Rope", "Length", "Load", "Colour"], ["Alpine", "60", "8.2", ""], ["Static", "", "11", "white"]]
EXPECTED = "| Rope | Length | Load | Colour |\n|-|-|-|-|\n| Alpine | 60 | 8.2 |  |\n| Static |  | 11 | white |"
XS = [80, 160, 240, 320]
PROSE = [at(72, 740, "Ropes are tested each year. The table has the limits of each rope in use.")]
AFTER = [at(72, 600, "A rope without a number is not used.")]


@pytest.mark.parametrize(
    "operators",
    [
        rows(CELLS, XS) + grid([75, 155, 235, 315, 400], [712, 696, 680, 664]),
        grid([75, 155, 235, 315, 400], [712, 696, 680, 664]) + list(reversed(rows(CELLS, XS))),
        rows(CELLS, XS)
        + [f"{x} 664 0.5 48 re f" for x in (75, 155, 235, 315, 400)]
        + [f"75 {y} 325 0.5 re f" for y in (712, 696, 680, 664)],
        [operator for column in range(4) for operator in rows([[row[column]] for row in CELLS], [XS[column]])]
        + grid([75, 155, 235, 315, 400], [712, 696, 680, 664]),
        [*rows(CELLS, XS), line(75, 712, 400, 712), line(75, 696, 400, 696), line(75, 664, 400, 664)],
        rows(CELLS, XS),
        rows(CELLS, XS) + grid([75, 155, 235, 315, 400], [712, 696, 664]),
    ],
    ids=["lines", "lines, backwards", "thin boxes", "column by column", "lines between some rows", "none", "one line"],
)
def test_a_table_has_its_cells_in_rows_and_keeps_blank_cells(load, operators):
    [document] = load("a.pdf", page(*PROSE, *operators, *AFTER))
    assert document.text.split("\n\n") == [
        "Ropes are tested each year. The table has the limits of each rope in use.",
        EXPECTED,
        "A rope without a number is not used.",
    ]


def test_merged_cells_of_a_ruled_table_are_resolved(load):
    cells = [["Knot", "Strength", ""], ["", "wet", "dry"], ["Bowline", "60", "65"], ["", "61", "66"]]
    lines = [line(75, y, 300, y) for y in (712, 680, 648)]
    lines += [line(155, 696, 300, 696), line(155, 664, 300, 664)]  # none below "Knot" and "Bowline"
    lines += [line(x, 712, x, 648) for x in (75, 155, 300)] + [line(235, 696, 235, 648)]  # none below "Strength"
    [document] = load("a.pdf", page(*rows(cells, [80, 160, 240]), *lines))
    assert document.text == (
        "| Knot | Strength wet | Strength dry |\n|-|-|-|\n| Bowline | 60 | 65 |\n| Bowline | 61 | 66 |"
    )


def test_columns_that_no_line_divides_are_columns(load):
    head = [at(80, 700, "Rope"), at(180, 700, "Length in m and load in kN")]
    body = [["Alpine", "60", "8.2"], ["Static", "", "11"], ["Half", "40", "7"], ["Twin", "50", "6"], ["Cord", "5", "4"]]
    lines = grid([75, 155, 330], [712, 696, 680, 664, 648, 632, 616])
    [document] = load("a.pdf", page(*head, *rows(body, [80, 180, 260], 684), *lines))
    assert document.text.split("\n")[2:4] == ["| Alpine | 60 | 8.2 |", "| Static |  | 11 |"]


def test_rows_without_lines_below_a_ruled_header_are_rows(load):
    body = [
        [f"{name} {'. ' * 12}", f"{n}0", f"{n}.5"] for n, name in enumerate(["Alpine", "Static", "Half", "Twin"], 1)
    ]
    cells = [["Rope", "Length", "Load"], *body]
    lines = grid([75, 195, 295, 360], [712, 696, 632])
    [document] = load("a.pdf", page(*rows(cells, [80, 200, 300]), *lines))
    assert [line.count("|") for line in document.text.split("\n")] == [4] * 6
    assert document.text.endswith(". | 40 | 4.5 |")


def test_a_name_and_its_values_are_one_column_if_a_line_divides_them(load):
    cells = [["", "Length", "", "Load", ""], ["Alpine", "", "60", "", "8.2"], ["Static", "", "50", "", "11"]]
    xs = [75, 135, 195, 235, 295, 335]
    [document] = load("a.pdf", page(*rows(cells, [80, 140, 200, 240, 300]), *grid(xs, [712, 696, 680, 664])))
    assert document.text == "|  | Length | Load |\n|-|-|-|\n| Alpine | 60 | 8.2 |\n| Static | 50 | 11 |"


def test_a_cell_of_several_lines_is_one_cell(load):
    cells = [["Rope", "Use"], ["Alpine", "glaciers and"], ["", "easy ridges"], ["Static", "caves"]]
    lines = grid([75, 155, 300], [712, 696, 664, 648])
    [document] = load("a.pdf", page(*rows(cells, [80, 160]), *lines))
    assert document.text == "| Rope | Use |\n|-|-|\n| Alpine | glaciers and easy ridges |\n| Static | caves |"


def test_a_table_on_a_page_that_is_turned(load):
    turned = [
        "q 0 1 -1 0 612 0 cm",
        *rows(CELLS, XS, top=500),
        *grid([75, 155, 235, 315, 400], [512, 496, 480, 464]),
        "Q",
    ]
    [document] = load("a.pdf", page(*turned, rotate=90))
    assert document.text == EXPECTED


def joined(*pages: bytes) -> bytes:
    from pypdf import PdfReader, PdfWriter

    writer = PdfWriter()
    for content in pages:
        writer.add_page(PdfReader(io.BytesIO(content)).pages[0])
    data = io.BytesIO()
    writer.write(data)
    return data.getvalue()


BELOW = [["Half", "40", "7", "blue"], ["Twin", "50", "6", ""], ["Cord", "", "4", "red"]]
EDGES = [75, 155, 235, 315, 400]


@pytest.mark.parametrize("ruled", [True, False])
def test_a_table_that_continues_on_the_next_page_keeps_its_header(load, ruled):
    lines = grid(EDGES, [712, 696, 680, 664]) if ruled else []
    foot, head = at(300, 30, "Page 1 of 3"), at(300, 770, "Ropes 2024")
    first = page(*rows(CELLS, XS), *lines, foot)
    second = page(head, *rows(BELOW, XS), *lines)
    third = page(head, *rows(CELLS[:1] + BELOW[:2], XS), *lines, *AFTER, *AFTER, at(72, 500, "More text " * 12))
    one, two, three = load("a.pdf", joined(first, second, third))
    names = "| Rope | Length | Load | Colour |\n|-|-|-|-|\n"
    assert EXPECTED in one.text
    assert f"{names}| Half | 40 | 7 | blue |\n| Twin | 50 | 6 |  |\n| Cord |  | 4 | red |" in two.text
    assert three.text.count("Rope |") == 1


def test_another_table_on_the_next_page_keeps_its_own_header(load):
    other = [["Name", "Age"], ["Ann", "seven"], ["Bea", "nine"]]
    first = page(*rows(CELLS, XS), *grid(EDGES, [712, 696, 680, 664]))
    second = page(*rows(other, [80, 160]), *grid([75, 155, 235], [712, 696, 680, 664]))
    assert load("a.pdf", joined(first, second))[1].text.startswith("| Name | Age |\n|-|-|\n| Ann |")


def test_the_values_of_form_fields_are_read(load):
    from pypdf import PdfReader, PdfWriter
    from pypdf.annotations import FreeText

    writer = PdfWriter(clone_from=PdfReader(io.BytesIO(pdf("printed"))))
    writer.add_annotation(0, FreeText(text="typed onto the page", rect=(72, 500, 300, 540)))
    annotation = writer.pages[0]["/Annots"][0].get_object()
    from pypdf.generic import DecodedStreamObject, DictionaryObject, NameObject, RectangleObject

    look = DecodedStreamObject()
    look.set_data(b"BT /F1 12 Tf 5 10 Td (typed onto the page) Tj ET")
    look.update(
        {
            NameObject("/Type"): NameObject("/XObject"),
            NameObject("/Subtype"): NameObject("/Form"),
            NameObject("/BBox"): RectangleObject((0, 0, 228, 40)),
            NameObject("/Resources"): writer.pages[0]["/Resources"],
        }
    )
    annotation[NameObject("/AP")] = DictionaryObject({NameObject("/N"): writer._add_object(look)})
    data = io.BytesIO()
    writer.write(data)
    [document] = load("a.pdf", data.getvalue())
    assert document.text.split() == ["printed", "typed", "onto", "the", "page"]


def test_columns_of_prose_are_no_table(load):
    left = ["The harbour closes at nine when the", "wind is strong, and the pilots stay", "ashore until the morning."]
    right = ["Boats that arrive later wait at the", "buoys outside. Their crews may call", "the office by radio."]
    operators = [at(72, 700 - 14 * n, text) for n, text in enumerate(left)]
    operators += [at(320, 700 - 14 * n, text) for n, text in enumerate(right)]
    [document] = load("a.pdf", page(*operators))
    assert document.text == "\n".join(left + right)


def test_a_box_around_prose_is_no_table(load):
    [document] = load("a.pdf", page(*PROSE, *grid([60, 560], [760, 720])))
    assert "|" not in document.text


def encrypted(password: str, algorithm: str) -> bytes:
    from pypdf import PdfReader, PdfWriter

    writer = PdfWriter(clone_from=PdfReader(io.BytesIO(pdf("the secret page"))))
    writer.encrypt(user_password=password, owner_password="owner", algorithm=algorithm)
    data = io.BytesIO()
    writer.write(data)
    return data.getvalue()


def load_with(folder, content: bytes, options: ReadOptions):
    path = folder / "a.pdf"
    path.write_bytes(content)
    return list(read(Source(path, "pdf", folder, options)))


@pytest.mark.parametrize("algorithm", ["RC4-40", "RC4-128", "AES-128", "AES-256"])
def test_an_encrypted_pdf_is_read_with_its_password(tmp_path, algorithm):
    if algorithm.startswith("AES"):
        pytest.importorskip("cryptography", reason="pypdf writes AES with cryptography")
    content = encrypted("word", algorithm)
    [skipped] = load_with(tmp_path, content, ReadOptions(password=["wrong", "other"]))
    assert skipped.note.code == "encrypted"
    [document] = load_with(tmp_path, content, ReadOptions(password=["wrong", "word"]))
    assert document.text == "the secret page"
    [document] = load_with(tmp_path, encrypted("", algorithm), ReadOptions())
    assert document.text == "the secret page"


def test_passwords_are_not_shown():
    assert "word" not in repr(ReadOptions(password="word"))


def test_a_page_without_text_is_read_by_the_ocr_function(tmp_path):
    images = []

    def ocr(image: bytes) -> str:
        images.append(image)
        return "  read from the image \n"

    first, second = load_with(tmp_path, pdf("printed", None), ReadOptions(ocr=ocr))
    assert (first.text, "ocr" in first.metadata) == ("printed", False)
    assert (second.text, second.metadata["page"], second.metadata["ocr"]) == ("read from the image", 2, True)
    from PIL import Image

    with Image.open(io.BytesIO(images[0])) as image:
        assert image.size == (1700, 2200)
        assert image.convert("L").getextrema() == (255, 255)


def test_the_image_for_ocr_shows_the_page(tmp_path):
    from PIL import Image

    sizes = []

    def ocr(image: bytes) -> str:
        with Image.open(io.BytesIO(image)) as picture:
            sizes.append(picture.point(lambda value: 255 - value).getbbox())
        return "x"

    load_with(tmp_path, page("72 144 72 72 re f"), ReadOptions(ocr=ocr))
    [box] = sizes
    assert [round(edge * 72 / 200) for edge in box] == [72, 576, 144, 648]


@pytest.mark.parametrize("place", ["", " {}"])
def test_a_page_without_text_is_read_by_the_ocr_command(tmp_path, place):
    script = tmp_path / "ocr script.py"
    script.write_text("import sys\nprint('an image of type', open(sys.argv[1], 'rb').read()[1:4].decode())")
    options = ReadOptions(ocr=f"'{sys.executable}' '{script}'{place}")
    [document] = load_with(tmp_path, pdf(None), options)
    assert document.text == "an image of type PNG"


def fail(image: bytes) -> str:
    raise OSError("no model")


@pytest.mark.parametrize(
    ("ocr", "reason"),
    [
        (fail, "OCR failed: OSError: no model"),
        (lambda image: None, "OCR failed: the function returned NoneType, not a string"),
        ("no-such-command-at-all", "OCR failed: "),
        (f"'{sys.executable}' -c 'import sys; sys.exit(\"bad light\")'", "OCR failed: exit code 1: bad light"),
        ("'unclosed", "OCR failed: "),
    ],
)
def test_ocr_that_fails_is_reported_for_its_page(tmp_path, ocr, reason):
    document, skipped = load_with(tmp_path, pdf("printed", None), ReadOptions(ocr=ocr))
    assert document.text == "printed"
    assert (skipped.place, skipped.reason.startswith(reason)) == ("page 2", True)


def test_ocr_that_finds_nothing_leaves_the_page_out(tmp_path):
    [skipped] = load_with(tmp_path, pdf(None), ReadOptions(ocr=lambda image: " \n"))
    assert (skipped.note.code, skipped.place) == ("no_page_text", "")


@pytest.mark.parametrize(
    "options", [{"include": ["footers"]}, {"include": [1]}, {"password": [1]}, {"ocr": 7}, {"ocr": " "}]
)
def test_options_without_meaning_are_an_error(options):
    with pytest.raises(InvalidInput):
        ReadOptions(**options)


def test_a_later_run_reads_what_the_first_could_not(tmp_path):
    (tmp_path / "a.pdf").write_bytes(encrypted("word", "RC4-128"))
    (tmp_path / "b.pdf").write_bytes(pdf(None))
    config = SearchConfig(bi_encoder="hashed-64", rerank=False)
    with open_index(tmp_path / "index", create=True, config=config) as index:
        report = index.add([tmp_path / "a.pdf", tmp_path / "b.pdf"])
        assert [item.note.code for item in report.skipped] == ["encrypted", "no_page_text"]
        report = index.add([tmp_path / "a.pdf", tmp_path / "b.pdf"])
        assert (len(report.skipped), report.sources_empty, report.sources_unread) == (2, 0, 2)
        options = ReadOptions(password="word", ocr=lambda image: "by eye")
        report = index.add([tmp_path / "a.pdf", tmp_path / "b.pdf"], options=options)
        assert (report.documents_written, report.skipped) == (2, [])
        report = index.add([tmp_path / "a.pdf", tmp_path / "b.pdf"])
        assert (report.sources_unchanged, report.documents_removed) == (2, 0)
        with pytest.raises(InvalidInput, match="options are for files"):
            index.add([{"id": "a", "text": "b"}], options=options)


def test_a_damaged_table_page_never_raises(tmp_path):
    content = page(*PROSE, *rows(CELLS, XS), *grid([75, 155, 235, 315, 400], [712, 696, 680, 664]))
    for place in range(0, len(content), 29):
        for item in load_with(tmp_path, content[:place] + b"\xff9" + content[place + 2 :], ReadOptions()):
            assert isinstance(item, Skipped) or item.text.strip()


def test_lines_without_end_are_no_table(load):
    lines = [f"{n % 500} {n % 700} m {n % 300} {n % 200} l S" for n in range(7000)]
    [document] = load("a.pdf", page(*PROSE, *lines))
    assert document.text == "Ropes are tested each year. The table has the limits of each rope in use."


def test_the_error_of_ocr_is_one_of_content():
    assert issubclass(Unreadable, InvalidInput)


def test_words_that_are_broken_at_the_ends_of_lines_are_joined(load):
    lines = ["The new cata-", "logue has long-", "term loans and micro-", "fiche readers, and the Mont-", "Blanc maps."]
    [document] = load("a.pdf", page(*(at(72, 740 - 12 * place, text) for place, text in enumerate(lines))))
    assert " ".join(document.text.split()) == (
        "The new catalogue has long-term loans and microfiche readers, and the Mont-Blanc maps."
    )
