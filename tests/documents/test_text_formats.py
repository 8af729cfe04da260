from __future__ import annotations

import codecs

import pytest

from shortlist.documents import Skipped, Source, decoding, discover, read, reading
from shortlist.errors import InvalidInput
from shortlist.text import Splitter
from shortlist.types import Note


def test_plain_text_is_one_document(load, tmp_path):
    [document] = load("notes.txt", "First line.\r\nSecond line.\n")
    name = (tmp_path.resolve() / "notes.txt").as_posix()
    assert (document.id, document.title) == (name, "notes")
    assert document.text == "First line.\nSecond line.\n"
    assert document.metadata == {"source": name, "format": "txt"}


@pytest.mark.parametrize("name", ["a.org", "a.tex", "a.sql", "a.yaml", "a.YML"])
def test_markup_and_settings_are_read_as_plain_text(tmp_path, name):
    (tmp_path / name).write_text("key: value  # a note\n", encoding="utf-8")
    sources, skipped = discover([tmp_path])
    assert ([(source.path.name, source.format) for source in sources], skipped) == ([(name, "txt")], [])


@pytest.mark.parametrize(
    ("mark", "encoding"),
    [
        (codecs.BOM_UTF8, "utf-8"),
        (codecs.BOM_UTF16_LE, "utf-16-le"),
        (codecs.BOM_UTF16_BE, "utf-16-be"),
        (codecs.BOM_UTF32_LE, "utf-32-le"),
    ],
)
def test_a_byte_order_mark_decides(load, mark, encoding):
    [document] = load("a.txt", mark + "Grüße, 世界".encode(encoding))
    assert document.text == "Grüße, 世界"
    assert "replaced_bytes" not in document.metadata


def test_bytes_that_are_no_text_are_replaced_and_counted(load):
    [document] = load("a.txt", "Grüße, Café, größer: ".encode() + b"\xff\xfe end")
    assert document.text == "Grüße, Café, größer: \ufffd\ufffd end"
    assert document.metadata["replaced_bytes"] == 2


@pytest.mark.parametrize("name", ["a.txt", "a.md", "a.html", "a.jsonl", "a.csv"])
def test_binary_content_is_skipped(load, name):
    [skipped] = load(name, b"\x7fELF\0\0\1\2text")
    assert isinstance(skipped, Skipped)
    assert (skipped.place, skipped.note) == ("", Note("not_text"))


@pytest.mark.parametrize("name", ["a.txt", "a.md", "a.html", "a.csv", "a.jsonl"])
def test_an_empty_file_is_skipped(load, name):
    [skipped] = load(name, b" \n\n")
    assert isinstance(skipped, Skipped)
    assert skipped.reason.startswith("empty")


def test_a_file_that_is_gone_is_skipped(tmp_path):
    assert list(read(Source(tmp_path / "a.txt", "txt"))) == [
        Skipped((tmp_path / "a.txt").as_posix(), "", Note("unreadable", error="No such file or directory"))
    ]


@pytest.mark.parametrize("error", [UnicodeError("no such bytes"), LookupError("no such codec")])
def test_a_reader_that_fails_on_odd_content_ends_that_source_only(load, monkeypatch, error):
    def fail(source):
        raise error

    monkeypatch.setattr(reading, "READERS", {**reading.READERS, "txt": fail})
    (skipped,) = load("a.txt", "words")
    assert "not readable as txt" in skipped.reason
    assert str(error) in skipped.reason


def test_a_format_without_reader_is_an_error(tmp_path):
    with pytest.raises(InvalidInput, match="'xyz'"):
        read(Source(tmp_path / "a.xyz", "xyz"))


def test_a_file_that_is_too_large_is_skipped(load, monkeypatch):
    monkeypatch.setattr(decoding, "LARGEST_FILE", 1000)
    [skipped] = load("a.txt", "x" * 1001)
    assert "larger than" in skipped.reason


def test_markdown_is_titled_by_its_first_heading(load):
    [document] = load("a.md", "Intro.\n\n```\n# code\n```\n\n## The *title* ##\n\n# Later\n")
    assert document.title == "The *title*"
    assert document.text.startswith("Intro.")
    assert load("b.md", "no heading")[0].title == "b"


HTML = """<!DOCTYPE html><html><head><title> The  page </title><style>p{}</style></head><body>
<header>Site name</header><nav><a href="/">Home</a></nav>
<main><header><h1>Main &amp; title</h1></header><p>First <b>bold</b>
 paragraph.<br>New line</p><script>var x = "no";</script><template>no</template>
<h2>Part</h2><ul><li>one</li><li><p>two</p></li></ul>
<table><tr><th>Name</th><th>Age</th></tr><tr><td><p>Ann</p></td><td>7</td></tr></table>
<pre>
  keep   this
# not a heading
</pre><!-- comment --></main><footer>Imprint</footer></body></html>"""


def test_html_becomes_light_markdown(load):
    [document] = load("a.html", HTML)
    assert document.title == "The page"
    assert document.text == (
        "Site name\n\n# Main & title\n\nFirst bold paragraph.\nNew line\n\n## Part\n\n- one\n- two\n\n"
        "| Name | Age |\n|-|-|\n| Ann | 7 |\n\n```\n  keep   this\n# not a heading\n```"
    )


GRID = "| A | B |\n|-|-|\n| 1 | 2 |"


@pytest.mark.parametrize(
    ("markup", "title", "text"),
    [
        ("<html><head><title>T</title><meta charset=utf-8><body><h1>Hello</h1><p>walrus", "T", "# Hello\n\nwalrus"),
        ("<title>T</title><main><p>one<p>two<br>three</main>", "T", "one\n\ntwo\nthree"),
        ("<table><tr><th>A</th><th>B</th></tr><tr><td>1<td>2<tr><td>3<td>4</table>", "a", GRID + "\n| 3 | 4 |"),
        ("<table><caption>C<thead><tr><th>A<th>B<tbody><tr><td><p>1<td><p>2</table>x", "a", f"C\n\n{GRID}\n\nx"),
        ("<table><tr><td>1<td><table><tr><td>2<td>3</table><td>4</table>", "a", "1 |\n\n2 | 3\n\n| 4"),
        ("<ul><li>one<li>two</ul><dl><dt>a<dd>b<dt>c<dd>d</dl>", "a", "- one\n- two\n\na\n: b\n\nc\n: d"),
        ("<select><option>one<option>two</select>three", "a", "one\ntwo\n\nthree"),
    ],
)
def test_html_may_leave_out_optional_tags(load, markup, title, text):
    [document] = load("a.html", markup)
    assert (document.title, document.text) == (title, text)


@pytest.mark.parametrize(
    ("markup", "expected"),
    [
        (  # a cell of a header row ends with its group, and an empty cell keeps its place
            "<table><thead><tr><th rowspan=3>Tide<th colspan=2>Port<tbody><tr><td>low<td><td>2"
            "<tr><td>high<td>3<td>4</table>",
            "| Tide | Port | Port |\n|-|-|-|\n| low |  | 2 |\n| high | 3 | 4 |",
        ),
        (
            "<table><tr><th rowspan=2>Dose<th colspan=2>Effect</tr><tr><th>low<th>high</tr>"
            "<tr><td rowspan=0>5 mg<td>a<td>b<tr><td>c<td>d</table>",
            "| Dose | Effect low | Effect high |\n|-|-|-|\n| 5 mg | a | b |\n| 5 mg | c | d |",
        ),
        (
            "<table><tr><th>Name<td>Ann</tr><tr><th>Skills<td><ul><li>rowing<li>knots</ul></table>",
            "Name | Ann\nSkills | - rowing - knots",
        ),
        (
            "<table><tr><td>a|b<td><img alt='the flag'><td><script>no</script>c<tr><td>1<td>2<td>3</table>",
            "| a\\|b | the flag | c |\n|-|-|-|\n| 1 | 2 | 3 |",
        ),
        ("<table role=presentation><tr><td>menu<td>body<tr><td>1<td>2</table>", "menu | body\n1 | 2"),
        ("<table><tr><td>menu<td><h2>Head</h2>text<tr><td>1<td>2</table>", "menu |\n\n## Head\n\ntext\n1 | 2"),
        ("<table><tr><td>only</table>", "only"),
    ],
)
def test_tables_of_html(load, markup, expected):
    assert load("a.html", markup)[0].text == expected


@pytest.mark.parametrize(
    ("markup", "expected"),
    [
        ("2<sup>48</sup> bytes, 10<sup>-6</sup> m, x<sup>n</sup>", "2^48 bytes, 10^-6 m, x^n"),
        ("the 1<sup>st</sup> of May, H<sub>2</sub>O<sup>[1]</sup>, a <sup>2</sup>", "the 1st of May, H2O[1], a 2"),
        ("<table><tr><td>a<td>area<tr><td>b<td>3 m<sup>2</sup></table>", "| a | area |\n|-|-|\n| b | 3 m^2 |"),
    ],
)
def test_a_raised_number_is_no_part_of_the_number_before_it(load, markup, expected):
    assert load("a.html", f"<p>{markup}")[0].text == expected


@pytest.mark.parametrize(
    ("markup", "expected"),
    [
        (
            "<header><nav>Home</nav><h1>Handbook</h1>Of 2024</header>Leave<footer>x</footer>",
            "# Handbook\n\nOf 2024\n\nLeave",
        ),
        ("<article>a<footer>by Ann</footer></article><footer>Imprint</footer>", "a\n\nby Ann"),
        ('<p>The<img alt="tides\n chart">shows<img src="x.png"><img alt="">it</p>', "The tides chart shows it"),
        ('<h1><img alt="Logo"> Head</h1>x', "# Logo Head\n\nx"),
    ],
)
def test_headers_and_alternative_texts_are_content_of_html(load, markup, expected):
    assert load("a.html", markup)[0].text == expected


def test_the_title_of_a_drawing_is_not_that_of_the_page(load):
    markup = "<body><svg><title>Icon</title></svg><h1>Head</h1></body>"
    assert load("a.html", markup)[0].title == "Head"
    assert load("b.html", f"{markup}<title>Pumps</title>")[0].title == "Pumps"


def test_html_without_title_takes_the_first_heading_then_the_file_name(load):
    assert load("a.html", "<h1>Head <i>line</i></h1>text")[0].title == "Head line"
    assert load("b.html", "text")[0].title == "b"


def test_html_that_declares_its_encoding(load):
    markup = '<meta http-equiv="Content-Type" content="text/html; charset=iso-8859-1"><p>Grüße</p>'
    assert load("a.html", markup.encode("latin-1"))[0].text == "Grüße"
    assert load("b.html", '<meta charset="no-such"><p>Grüße</p>')[0].text == "Grüße"


@pytest.mark.parametrize(
    ("declared", "written"),
    [
        ("iso-8859-1", "cp1252"),
        ("us-ascii", "cp1252"),
        ("windows-1252", "cp1252"),
        ("utf-16", "utf-8"),
        ("UTF-16LE", "utf-8"),
        ("utf-8", "utf-8"),
    ],
)
def test_html_is_read_in_the_encoding_that_browsers_take(load, declared, written):
    (document,) = load("a.html", f'<meta charset="{declared}"><p>\u201cGrüße\u201d it\u2019s</p>'.encode(written))
    assert (document.text, document.metadata.get("replaced_bytes")) == ("\u201cGrüße\u201d it\u2019s", None)


@pytest.mark.parametrize(("declared", "written"), [("gb2312", "gbk"), ("shift_jis", "cp932"), ("euc-kr", "cp949")])
def test_html_may_use_what_its_declared_encoding_lacks(load, declared, written):
    text = {"gbk": "\u9555", "cp932": "\u2460", "cp949": "\ub620"}[written]
    with pytest.raises(UnicodeDecodeError):
        text.encode(written).decode(declared)
    (document,) = load("a.html", f'<meta charset="{declared}"><p>{text}</p>'.encode(written))
    assert document.text == text


@pytest.mark.parametrize(
    ("markup", "expected"),
    [
        ("<h2><div>Install</div></h2><p>x</p>", "## Install\n\nx"),
        ("<h2>Foo<br>Bar</h2><p>x<br>y</p>", "## Foo Bar\n\nx\ny"),
        ("<h2>H<sub>2</sub>O <svg><title>Link</title></svg></h2>x", "## H2O\n\nx"),
        ("<h2><a name='x'></a></h2><p>x</p>", "x"),
        ("<h2> <h3>Inner</h3></h2><p>x</p>", "### Inner\n\nx"),
        ("<h2>Open<p>x</p><p>y</p>", "## Open\n\nx\n\ny"),
        ("<h2><pre># code</pre></h2>", "```\n# code\n```"),
        ("<p>\ue002#\ue003 \ue0000\ue001</p>", "# 0"),
    ],
)
def test_headings_of_html_are_one_line(load, markup, expected):
    assert load("a.html", markup)[0].text == expected


@pytest.mark.parametrize("name", ["hex", "base64", "rot13", "idna", "undefined", "punycode"])
def test_html_that_declares_what_is_no_encoding_of_text_is_utf8(load, name):
    (document,) = load("a.html", f'<meta charset="{name}"><p>Grüße</p>'.encode() + b"<p>\xff</p>")
    assert (document.text, document.metadata["replaced_bytes"]) == ("Grüße\n\n\ufffd", 1)


@pytest.mark.parametrize(
    "markup",
    [
        "<div>" * 3000 + "deep",
        "<![if x]><p>deep</p>",
        "<?xml version='1.0'?><html><body>deep</body></html>",
        "http://deep",
        "<p>deep<",
    ],
    ids=["nested", "declaration", "xhtml", "locator", "cut off"],
)
def test_odd_html_is_read(load, markup):
    [document] = load("a.html", markup)
    assert "deep" in document.text


def test_a_name_above_values_is_the_header_of_a_column(load):
    rows = [("Users", 120), ("Errors", "7 %")]
    stacked = "".join(f"<table><tr><td>{name}</td></tr><tr><td>{number}</td></tr></table>" for name, number in rows)
    assert load("a.html", stacked)[0].text == "| Users |\n|-|\n| 120 |\n\n| Errors |\n|-|\n| 7 % |"
    marked = "<table><tr><th>Site</th></tr><tr><td>North</td></tr><tr><td>South</td></tr></table>"
    assert load("b.html", marked)[0].text == "| Site |\n|-|\n| North |\n| South |"
    assert load("c.html", marked.replace("th>", "td>"))[0].text == "Site\nNorth\nSouth"
    many = marked.replace("North", "</td></tr><tr><td>".join(f"place {number}" for number in range(40)))
    passages = Splitter(lambda text: len(text.split()), 30).split(load("d.html", many)[0])
    assert len(passages) > 3
    assert all(passage.text.startswith("| Site |") for passage in passages)


def test_years_and_marked_cells_name_the_columns_of_a_table(load):
    def table(names, mark):
        head = "".join(f"<{mark}>{name}</{mark}>" for name in names)
        return load("a.html", f"<table><tr>{head}</tr><tr><td>Pump</td><td>10</td><td>12</td></tr></table>")[0].text

    assert table(["Item", "2023", "2024"], "td") == "| Item | 2023 | 2024 |\n|-|-|-|\n| Pump | 10 | 12 |"
    assert table(["Item", "2024", "2023"], "td").startswith("| Item | 2024 | 2023 |\n|-|")
    assert table(["Item", "10", "20"], "th").startswith("| Item | 10 | 20 |\n|-|")
    assert table(["Item", "10", "20"], "td").startswith("Item | 10 | 20\n")
    assert table(["Bolt", "2023", "2023"], "td").startswith("Bolt | 2023 | 2023\n")


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        ("<mi>E</mi><mo>=</mo><mi>m</mi><msup><mi>c</mi><mn>2</mn></msup>", "E=mc^2"),
        ("<mfrac><mn>1</mn><mn>2</mn></mfrac>", "1/2"),
        ("<mfrac><mrow><mi>a</mi><mo>+</mo><mi>b</mi></mrow><msqrt><mi>x</mi></msqrt></mfrac>", "(a+b)/(\u221ax)"),
        (
            "<munderover><mo>\u2211</mo><mi>i</mi><mi>n</mi></munderover><msub><mi>x</mi><mi>i</mi></msub>",
            "\u2211_i^n x_i",
        ),
        ("<mroot><mi>x</mi><mn>3</mn></mroot>", "x^(1/3)"),
        ("<mtable><mtr><mtd>1</mtd><mtd>0</mtd></mtr><mtr><mtd>0</mtd><mtd>1</mtd></mtr></mtable>", "[1, 0; 0, 1]"),
        ("<semantics><mi>x</mi><annotation encoding='application/x-tex'>x</annotation></semantics>", "x"),
        ("<mrow>" * 200 + "<mi>a</mi>", "a"),
        ("plain", "plain"),
    ],
)
def test_an_equation_of_a_page_is_one_line_of_text(load, markup, text):
    assert load("a.html", f"<p>With <math>{markup}</math>.</p>")[0].text == f"With {text}."
    row = f"<tr><td><math>{markup}</math></td><td>2</td></tr>"
    assert load("a.html", f"<table><tr><th>a</th><th>b</th></tr>{row}</table>")[0].text.endswith(f"| {text} | 2 |")
