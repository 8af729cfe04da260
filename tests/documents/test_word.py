"""Word: merged cells, equations, boxes, numbers, notes, and the Strict form."""

from __future__ import annotations

import io
import re
import zipfile

import pytest
from test_office_formats import saved, word

from shortlist.documents import ReadOptions, Skipped, Source, read
from shortlist.text import Splitter

W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
M = "http://schemas.openxmlformats.org/officeDocument/2006/math"
V = "urn:schemas-microsoft-com:vml"
NAMES = f'xmlns:w="{W}" xmlns:m="{M}" xmlns:v="{V}"'
TYPES = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
WORD_TYPE = "application/vnd.openxmlformats-officedocument.wordprocessingml"


def changed(content: bytes, body: str = "", parts: dict[str, str] | None = None, strict: bool = False) -> bytes:
    """The Word file with another body, with further parts, or in the Strict form."""
    parts = parts or {}
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as archive, zipfile.ZipFile(out, "w") as copy:
        for name in archive.namelist():
            part = archive.read(name).decode("utf-8") if name.endswith((".xml", ".rels")) else archive.read(name)
            if isinstance(part, str):
                if name == "word/document.xml" and body:
                    part = re.sub("<w:body>.*</w:body>", lambda _: f"<w:body>{body}</w:body>", part, flags=re.S)
                if name == "word/_rels/document.xml.rels":
                    links = "".join(
                        f'<Relationship Id="x{kind}" Type="{TYPES}/{kind}" Target="{kind}.xml"/>' for kind in parts
                    )
                    part = part.replace("</Relationships>", f"{links}</Relationships>")
                if name == "[Content_Types].xml":
                    kinds = "".join(
                        f'<Override PartName="/word/{kind}.xml" ContentType="{WORD_TYPE}.{kind}+xml"/>'
                        for kind in parts
                    )
                    part = part.replace("</Types>", f"{kinds}</Types>")
                if strict:
                    part = re.sub(
                        r"http://schemas\.openxmlformats\.org/(officeDocument|wordprocessingml|drawingml)/2006/",
                        r"http://purl.oclc.org/ooxml/\1/",
                        part,
                    )
            copy.writestr(name, part)
        for kind, part in parts.items():
            copy.writestr(f"word/{kind}.xml", f"<w:{kind} {NAMES}>{part}</w:{kind}>")
    return out.getvalue()


def p(text: str, properties: str = "") -> str:
    return f"<w:p><w:pPr>{properties}</w:pPr><w:r><w:t xml:space='preserve'>{text}</w:t></w:r></w:p>"


def item(text: str, list_id: int, level: int = 0) -> str:
    return p(text, f'<w:numPr><w:ilvl w:val="{level}"/><w:numId w:val="{list_id}"/></w:numPr>')


def text_of(load, body: str, **options) -> str:
    return load("a.docx", changed(saved(word()), body, **options))[0].text


def r(text: str) -> str:
    return f"<m:r><m:t>{text}</m:t></m:r>"


@pytest.mark.parametrize(
    ("omml", "expected"),
    [
        (f"<m:f><m:num>{r('a+b')}</m:num><m:den>{r('2')}</m:den></m:f>", "(a+b)/2"),
        (f"{r('v=')}<m:f><m:num>{r('2m')}</m:num><m:den>{r('kt')}</m:den></m:f>{r('x')}", "v=2m/(kt) x"),
        (f"<m:sSup><m:e>{r('x')}</m:e><m:sup>{r('2')}</m:sup></m:sSup>{r('+1')}", "x²+1"),
        (f"<m:sSup><m:e>{r('e')}</m:e><m:sup>{r('-kt')}</m:sup></m:sSup>", "e^(-kt)"),
        (f"<m:sSub><m:e>{r('p')}</m:e><m:sub>{r('max')}</m:sub></m:sSub>", "p_(max)"),
        (f"<m:sSubSup><m:e>{r('a')}</m:e><m:sub>{r('10')}</m:sub><m:sup>{r('3')}</m:sup></m:sSubSup>", "a₁₀³"),
        (f"<m:rad><m:radPr><m:degHide m:val='1'/></m:radPr><m:deg/><m:e>{r('b-c')}</m:e></m:rad>", "√(b-c)"),
        (f"<m:rad><m:deg>{r('3')}</m:deg><m:e>{r('y')}</m:e></m:rad>", "³√y"),
        (
            f"<m:nary><m:naryPr><m:chr m:val='∑'/></m:naryPr><m:sub>{r('i=1')}</m:sub><m:sup>{r('n')}</m:sup>"
            f"<m:e>{r('i')}</m:e></m:nary>",
            "∑_(i=1)^n i",
        ),
        (f"<m:nary><m:sub>{r('0')}</m:sub><m:sup>{r('1')}</m:sup><m:e>{r('f dx')}</m:e></m:nary>", "∫_0^1 f dx"),
        (f"<m:d><m:dPr><m:begChr m:val='['/><m:endChr m:val=')'/></m:dPr><m:e>{r('0')}</m:e></m:d>", "[0)"),
        (f"<m:func><m:fName>{r('sin')}</m:fName><m:e>{r('θ')}</m:e></m:func>", "sin θ"),
        (
            f"<m:func><m:fName><m:limLow><m:e>{r('lim')}</m:e><m:lim>{r('t→0')}</m:lim></m:limLow></m:fName>"
            f"<m:e>{r('g')}</m:e></m:func>",
            "lim_(t→0) g",
        ),
        (f"<m:acc><m:accPr><m:chr m:val='\u0307'/></m:accPr><m:e>{r('m')}</m:e></m:acc>", "m\u0307"),
        (
            f"<m:m><m:mr><m:e>{r('1')}</m:e><m:e>{r('0')}</m:e></m:mr><m:mr><m:e>{r('0')}</m:e><m:e>{r('1')}</m:e></m:mr>"
            "</m:m>",
            "[1, 0; 0, 1]",
        ),
        (f"<m:eqArr><m:e>{r('x=1')}</m:e><m:e>{r('y=2')}</m:e></m:eqArr>", "x=1; y=2"),
        (f"<m:unknown><m:e>{r('kept')}</m:e></m:unknown>", "kept"),
    ],
)
def test_equations_are_one_line_of_text(load, omml, expected):
    body = f"<w:p><w:r><w:t>See </w:t></w:r><m:oMath xmlns:m='{M}'>{omml}</m:oMath><w:r><w:t>.</w:t></w:r></w:p>"
    assert text_of(load, body) == f"See{expected}." or text_of(load, body) == f"See {expected}."


LEVELS = """<w:abstractNum w:abstractNumId="50">
<w:lvl w:ilvl="0"><w:start w:val="1"/><w:numFmt w:val="decimal"/><w:lvlText w:val="%1."/></w:lvl>
<w:lvl w:ilvl="1"><w:start w:val="1"/><w:numFmt w:val="lowerLetter"/><w:lvlText w:val="(%2)"/></w:lvl>
<w:lvl w:ilvl="2"><w:start w:val="1"/><w:numFmt w:val="upperRoman"/><w:isLgl/><w:lvlText w:val="%1.%2.%3"/></w:lvl>
</w:abstractNum>
<w:abstractNum w:abstractNumId="51"><w:lvl w:ilvl="0"><w:numFmt w:val="bullet"/><w:lvlText w:val="o"/></w:lvl>
</w:abstractNum>
<w:abstractNum w:abstractNumId="52"><w:lvl w:ilvl="0"><w:start w:val="3"/><w:numFmt w:val="lowerRoman"/>
<w:lvlText w:val="%1)"/></w:lvl></w:abstractNum>
<w:num w:numId="60"><w:abstractNumId w:val="50"/></w:num>
<w:num w:numId="61"><w:abstractNumId w:val="51"/></w:num>
<w:num w:numId="62"><w:abstractNumId w:val="52"/></w:num>
<w:num w:numId="63"><w:abstractNumId w:val="50"/>
<w:lvlOverride w:ilvl="0"><w:startOverride w:val="7"/></w:lvlOverride></w:num>"""


def numbered(body: str) -> bytes:
    """A Word file with the lists of LEVELS."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(changed(saved(word()), body))) as archive, zipfile.ZipFile(out, "w") as copy:
        for name in archive.namelist():
            part = archive.read(name)
            if name == "word/numbering.xml":
                part = f"<w:numbering {NAMES}>{LEVELS}</w:numbering>".encode()
            copy.writestr(name, part)
    return out.getvalue()


def test_the_numbers_of_lists_are_those_that_word_shows(load):
    body = item("one", 60) + item("sub", 60, 1) + item("sub", 60, 1) + item("deep", 60, 2) + item("two", 60)
    body += p("Between.") + item("sub", 60, 1) + item("three", 60) + item("dot", 61) + item("late", 62)
    body += item("later", 62) + item("again", 63) + item("next", 63) + item("none", 0) + item("gone", 99)
    [document] = load("a.docx", numbered(body))
    assert document.text == (
        "1. one\n(a) sub\n(b) sub\n1.2.1 deep\n2. two\n\nBetween.\n\n(a) sub\n3. three\n- dot\niii) late\niv) later\n"
        "7. again\n8. next\n\nnone\n\n- gone"
    )


def test_headings_have_their_numbers(load):
    numbering = '<w:numPr><w:ilvl w:val="0"/><w:numId w:val="60"/></w:numPr>'
    body = p("Scope", f'<w:pStyle w:val="Heading1"/>{numbering}') + p("Text.")
    body += p("Terms", f'<w:pStyle w:val="Heading1"/>{numbering}') + p("Level", '<w:outlineLvl w:val="2"/>')
    [document] = load("a.docx", numbered(body))
    assert document.text == "# 1. Scope\n\nText.\n\n# 2. Terms\n\n### Level"


def tc(text: str, properties: str = "") -> str:
    return f"<w:tc><w:tcPr>{properties}</w:tcPr>{p(text)}</w:tc>"


def test_merged_cells_are_resolved(load):
    down, more = '<w:vMerge w:val="restart"/>', "<w:vMerge/>"
    rows = [
        tc("Shift", down) + tc("Crew", '<w:gridSpan w:val="2"/>'),
        tc("", more) + tc("lead") + tc("second"),
        tc("Early", down) + tc("Ida") + tc("Jon"),
        tc("", more) + tc("Kai") + tc(""),
        tc("Late") + tc("Lea", '<w:hMerge w:val="restart"/>') + tc("", "<w:hMerge/>"),
    ]
    table = "<w:tbl>" + "".join(f"<w:tr>{row}</w:tr>" for row in rows) + "</w:tbl>"
    assert text_of(load, table) == (
        "| Shift | Crew lead | Crew second |\n|-|-|-|\n| Early | Ida | Jon |\n| Early | Kai |  |\n| Late | Lea | Lea |"
    )


def test_rows_that_the_file_marks_as_header_are_the_header(load):
    header = "<w:trPr><w:tblHeader/></w:trPr>"
    rows = [header + tc("2023") + tc("2024"), header + tc("7") + tc("8"), tc("a") + tc("b")]
    rows[2] = '<w:trPr><w:gridBefore w:val="0"/></w:trPr>' + rows[2]
    table = "<w:tbl>" + "".join(f"<w:tr>{row}</w:tr>" for row in rows) + "</w:tbl>"
    assert text_of(load, table) == "| 2023 7 | 2024 8 |\n|-|-|\n| a | b |"


def test_a_table_that_only_arranges_the_page_is_its_paragraphs(load):
    head = p("Note", '<w:pStyle w:val="Heading2"/>')
    table = f"<w:tbl><w:tr><w:tc>{head}{p('Text.')}</w:tc></w:tr></w:tbl>"
    assert text_of(load, table) == "## Note\n\nText."


def tbl(*rows: str) -> str:
    return "<w:tbl>" + "".join(f"<w:tr>{row}</w:tr>" for row in rows) + "</w:tbl>"


TOOLS = tbl(tc("Tool") + tc("Count"), *(tc(f"saw{number}") + tc(str(number)) for number in range(30)))


def holder(*blocks: str) -> str:
    return f"<w:tc>{''.join(blocks)}{p('')}</w:tc>"


def test_a_table_in_a_cell_follows_with_the_key_and_the_column_of_the_cell(load):
    kept = holder(p("few"), TOOLS, p("more"))
    text = text_of(load, tbl(tc("Site") + tc("Stock"), tc("North") + kept, tc("South") + tc("none")))
    outer, label, inner = text.split("\n\n")
    assert outer == "| Site | Stock |\n|-|-|\n| North | few more |\n| South | none |"
    assert label == "North, Stock:"
    assert inner.startswith("| Tool | Count |\n|-|-|\n| saw0 | 0 |\n")
    [document] = load("a.docx", changed(saved(word()), tbl(tc("Site") + tc("Stock"), tc("North") + kept)))
    passages = Splitter(lambda words: len(words.split()), 40).split(document)
    assert len(passages) > 3
    assert all("| Tool | Count |" in passage.text or "| Site | Stock |" in passage.text for passage in passages)
    shown = "\n".join(passage.text for passage in passages)
    assert [shown.count(f"| saw{number} |") for number in range(30)] == [1] * 30


def test_tables_in_cells_without_a_header_and_in_each_other(load):
    small = tbl(tc("Tool") + tc("Count"), tc("saw") + tc("3"))
    middle = tbl(tc("Part") + tc("Details"), tc("top") + holder(small))
    text = text_of(load, tbl(tc("Weight") + holder(middle), holder(small) + tc("7 kg")))
    assert text.split("\n\n") == [
        "Weight |\n| 7 kg",
        *("Weight:", "| Part | Details |\n|-|-|\n| top |  |", "top, Details:", "| Tool | Count |\n|-|-|\n| saw | 3 |"),
        "| Tool | Count |\n|-|-|\n| saw | 3 |",
    ]


def test_a_layout_with_a_table_in_a_cell_keeps_its_order_and_its_headings(load):
    small = tbl(tc("Tool") + tc("Count"), tc("saw") + tc("3"))
    frame = tbl(holder(p("Before"), small, p("After")))
    assert text_of(load, frame) == "Before\n\n| Tool | Count |\n|-|-|\n| saw | 3 |\n\nAfter"
    heading = p("Skills", '<w:pStyle w:val="Heading2"/>')
    assert text_of(load, tbl(tc("Ann") + holder(heading, small))).startswith("Ann\n\n## Skills\n\n| Tool")


def test_a_name_above_a_number_is_the_header_of_a_column(load):
    stacked = "".join(tbl(tc(name), tc(number)) + p("") for name, number in [("Users", "120"), ("Errors", "7 %")])
    assert text_of(load, stacked) == "| Users |\n|-|\n| 120 |\n\n| Errors |\n|-|\n| 7 % |"
    assert text_of(load, tbl(tc("Users"), tc("many people"))) == "Users\n\nmany people"


def test_the_text_of_a_box_stands_apart(load):
    content = f"<w:txbxContent>{p('Warning')}{p('Hot')}</w:txbxContent>"
    box = f"<w:r><w:pict><v:shape><v:textbox>{content}</v:textbox></v:shape></w:pict></w:r>"
    body = f"<w:p><w:r><w:t>Open the</w:t></w:r>{box}<w:r><w:t> lid.</w:t></w:r></w:p>"
    assert text_of(load, body) == "Open the lid.\n\nWarning\n\nHot"


NOTES = {
    "footnotes": f'<w:footnote w:type="separator" w:id="0">{p("no")}</w:footnote>'
    f'<w:footnote w:id="2">{p("By the old method.")}</w:footnote>',
    "comments": f'<w:comment w:id="4" w:author="Ann">{p("Is this right?")}</w:comment>',
}
NOTED = (
    '<w:p><w:r><w:t>Measured twice</w:t></w:r><w:r><w:footnoteReference w:id="2"/></w:r><w:r><w:t>.</w:t></w:r>'
    '<w:r><w:commentReference w:id="4"/></w:r></w:p>'
)


def load_with(folder, content: bytes, include: list[str]):
    path = folder / "a.docx"
    path.write_bytes(content)
    return list(read(Source(path, "docx", folder, ReadOptions(include=include))))


def test_footnotes_are_read_and_comments_are_counted_or_read(tmp_path):
    content = changed(saved(word()), NOTED, NOTES)
    document, skipped = load_with(tmp_path, content, [])
    assert document.text == "Measured twice[1].\n\n[1] By the old method."
    assert skipped.reason == "1 comment left out: to read them, include 'comments'"
    [document] = load_with(tmp_path, content, ["comments"])
    assert document.text.endswith("[1] By the old method.\n\n[Comment by Ann: Is this right?]")


def test_headers_and_footers_are_counted_or_read(tmp_path):
    file = word()
    file.add_paragraph("Body.")
    file.sections[0].header.paragraphs[0].text = "Harbour\trules"
    file.sections[0].header.add_paragraph("of 2024")
    file.sections[0].footer.paragraphs[0].text = "2 / 7"
    document, skipped = load_with(tmp_path, saved(file), [])
    assert document.text == "Body."
    assert (skipped.note.code, skipped.note.values["count"]) == ("part_left_out", 1)
    [document] = load_with(tmp_path, saved(file), ["headers"])
    assert document.text == "Harbour rules of 2024\n\nBody."


def test_a_raised_number_is_no_part_of_the_number_before_it(load):
    up = "<w:r><w:rPr><w:vertAlign w:val='superscript'/></w:rPr><w:t>{}</w:t></w:r>"
    body = f"<w:p><w:r><w:t>10</w:t></w:r>{up.format(6)}<w:r><w:t> cells, 1</w:t></w:r>{up.format('st')}</w:p>"
    assert text_of(load, body) == "10^6 cells, 1st"


def test_what_cannot_be_read_is_counted(load):
    ole = '<w:object><o:OLEObject xmlns:o="urn:schemas-microsoft-com:office:office" ProgID="{}"/></w:object>'
    body = p("Text.") + "".join(f"<w:p><w:r>{ole.format(name)}</w:r></w:p>" for name in ("Equation.3", "Excel.Sheet.8"))
    _, *skipped = load("a.docx", changed(saved(word()), body))
    assert [item.reason for item in skipped] == ["1 old equation object left out", "1 embedded file left out"]


def test_the_strict_form_is_read(load):
    file = word("The title")
    file.add_heading("Chapter", level=1)
    file.add_paragraph("one", style="List Number")
    content = changed(saved(file), strict=True)
    [document] = load("a.docx", content)
    assert (document.title, document.text) == ("The title", "# Chapter\n\n1. one")


def test_boxes_in_boxes_end(load):
    body = p("deep")
    for _ in range(30):
        body = f"<w:p><w:r><w:pict><v:textbox><w:txbxContent>{body}</w:txbxContent></v:textbox></w:pict></w:r></w:p>"
    assert text_of(load, body) == "deep"


def test_damaged_parts_are_reported(load):
    [skipped] = load("a.docx", changed(saved(word()), NOTED, {"footnotes": "<w:footnote>"}))
    assert isinstance(skipped, Skipped)
    assert skipped.note.code == "broken"


def run_of(text: str) -> str:
    return f"<w:r><w:t xml:space='preserve'>{text}</w:t></w:r>"


def sym(font: str, code: str) -> str:
    return f'<w:r><w:sym w:font="{font}" w:char="{code}"/></w:r>'


def test_signs_of_the_fonts_symbol_and_wingdings_are_text(load):
    signs = (
        run_of("5 ")
        + sym("Symbol", "F0B1")
        + run_of(" 2 ")
        + sym("Symbol", "F06D")
        + run_of("m ")
        + sym("Wingdings", "F0E0")
    )
    private = '<w:r><w:rPr><w:rFonts w:ascii="Symbol"/></w:rPr><w:t>\uf0a3\uf057</w:t></w:r>' + run_of("\uf0b7")
    assert text_of(load, f"<w:p>{signs}{private}</w:p>") == "5 \u00b1 2 \u03bcm \u2192\u2264\u03a9\u2022"
    content = changed(saved(word()), f"<w:p>{run_of('text')}{sym('Webdings', 'F021')}</w:p>")
    document, note = load("a.docx", content)
    assert document.text == "text"
    assert note.note.values["part"] == "symbols of an unknown font"


def test_hidden_text_and_documents_inside_are_left_out_and_counted(load):
    run = "<w:r><w:rPr><w:vanish{}/></w:rPr><w:t>{}</w:t></w:r>"
    hidden = run.format("", "secret") + run.format(' w:val="0"', "B")
    content = changed(saved(word()), f'<w:p>{run_of("A")}{hidden}</w:p><w:altChunk w:id="x"/>')
    document, *notes = load("a.docx", content)
    assert document.text == "AB"
    assert [note.note.values["part"] for note in notes] == ["hidden texts", "documents inside the document"]


def test_how_characters_are_pronounced_does_not_break_words(load):
    ruby = "<w:r><w:ruby><w:rt>{1}</w:rt><w:rubyBase>{0}</w:rubyBase></w:ruby></w:r>"
    body = ruby.format(run_of("\u6771"), run_of("\u3068\u3046")) + ruby.format(run_of("\u4eac"), run_of("\u304d\u3087"))
    assert text_of(load, f"<w:p>{body}</w:p>") == "\u6771\u4eac"


@pytest.mark.parametrize(
    ("name", "form"),
    [
        ("a.docm", "ms-word.document.macroEnabled"),
        ("a.dotx", "openxmlformats-officedocument.wordprocessingml.template"),
        ("a.dotm", "ms-word.template.macroEnabledTemplate"),
    ],
)
def test_templates_and_documents_with_macros_are_read(load, name, form):
    out = io.BytesIO()
    content = io.BytesIO(changed(saved(word()), p("Order form")))
    with zipfile.ZipFile(content) as archive, zipfile.ZipFile(out, "w") as copy:
        for part in archive.namelist():
            own = b"application/vnd.openxmlformats-officedocument.wordprocessingml.document.main"
            copy.writestr(part, archive.read(part).replace(own, f"application/vnd.{form}.main".encode()))
    [document] = load(name, out.getvalue())
    assert (document.text, document.metadata["format"]) == ("Order form", "docx")
