"""Every reader on arbitrary content: documents or reasons, no other error, no endless loop."""

from __future__ import annotations

import io
import json
import random
import signal
import sys
import warnings
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from test_more_formats import epub, xlsx
from test_office_formats import pdf, saved, word

from note_codes import codes_of_table
from shortlist.documents import Skipped, Source, notes, read
from shortlist.documents.formats import READERS
from shortlist.text import Splitter
from shortlist.text.outline import MARKDOWN_SOURCES
from shortlist.types import Document

FUZZ = settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
SECONDS = 60
CODES = codes_of_table(notes)
FORMATS = sorted(READERS)
SPLITTER = Splitter(lambda text: len(text.split()), 40)


@contextmanager
def ends() -> Iterator[None]:
    """Raise TimeoutError if the block runs for a minute. A reader takes milliseconds."""
    if sys.platform == "win32":
        yield
        return

    def stop(*_: object) -> None:
        raise TimeoutError(f"not done after {SECONDS} s")

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(SECONDS)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def shown(text: str, form: str) -> str:
    """The text as passages store it: comments of Markdown are no text."""
    return text.split("-->")[-1] if form in MARKDOWN_SOURCES and "<!--" in text else text


def check(folder: Path, form: str, content: bytes) -> None:
    """Read the content as a file, and check what comes back as an ingest needs it."""
    path = folder / ("file.py" if form == "code" else "file")
    path.write_bytes(content)
    with ends(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        items = list(read(Source(path, form, folder)))
        ids = set()
        for item in items:
            if isinstance(item, Skipped):
                assert item.note.code in CODES
                assert item.reason != item.note.code
                json.dumps(item.to_dict())
                continue
            assert isinstance(item, Document)
            assert item.id not in ids
            ids.add(item.id)
            for text in (item.id, item.text, item.title, json.dumps(dict(item.metadata), ensure_ascii=False)):
                text.encode()
            assert item.text.strip()
            assert item.metadata["format"] == form
            for passage in SPLITTER.split(item):
                assert passage.text.endswith(shown(item.text[passage.start : passage.end], form))
    assert items


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("fuzz")


@pytest.mark.parametrize("form", FORMATS)
@FUZZ
@given(content=st.binary(max_size=300))
@example(content=b"")
@example(content=b"\xff\xfe")
@example(content=b"\xff\xfe\x00\x00\x00")
@example(content=b"\xef\xbb\xbf")
@example(content=b"\r" * 99)
def test_bytes(folder, form, content):
    check(folder, form, content)


PIECES = {
    "txt": ["\n", "# ", "word ", "\f", "\x85", "\u2028"],
    "md": [
        *(
            "---\n",
            "+++\n",
            "a: 1\n",
            "a = 1\n",
            "? ",
            "- x\n",
            "[",
            "{",
            "&a ",
            "*a",
            "!!python/name:os ",
            "%TAG\n",
            "'",
        ),
        *("# h\n", "h\n===\n", "```\n", "~~~", "> ", "1. ", "|", "\t", "<!--", "[a]: b\n", "\x85", "\n\n", "<<: 1\n"),
    ],
    "html": [
        *("<p>", "</p>", "<h1>", "</h1>", "<pre>", "</pre>", "<table>", "<tr>", "<td>", "</table>", "<li>", "<br>"),
        *("<title>", "</title>", "<svg>", "<script>", "<!--", "-->", "<![CDATA[", "]]>", "<?", "<!", "<", "&#x110000;"),
        *("&#0;", "&amp", "<meta charset=utf-16>", "<meta charset=hex>", "<footer>", "<img alt=x>", "\ue000", "\ue001"),
        *(
            "0",
            "<option>",
            "<div>",
            "</div>",
            "\ue002",
            "<p hidden>",
            "<td hidden>",
            "<li hidden>",
            "<b style=display:none>",
            "<dialog>",
            "\ue003",
            "#",
            "<a ",
            "='",
            '"',
        ),
    ],
    "csv": [
        ",",
        ";",
        "\t",
        "|",
        '"',
        '""',
        "\n",
        "\r",
        "\r\n",
        "id",
        "text",
        "title",
        "a",
        " ",
        "sep=;\n",
        "\x00",
        "_id",
    ],
    "jsonl": [
        *('{"id": 1, "text": "a"}\n', '{"text": ', '"', "{", "}", "[", "]", ":", ",", "null", "NaN", "1e999", "-0"),
        *('"id"', '"_id"', '"metadata"', "\\ud800", "\\u0000", "\n", "true", '"title"', '"text"', "9" * 30),
    ],
}
PIECES["beir"] = PIECES["jsonl"]
PIECES["json"] = ["{", "}", "[", "]", ":", ",", '"a"', '"id"', '"text"', "1", "null", '"\\ud800"', "[{}", '{"a": ']
PIECES["ipynb"] = [*PIECES["json"], '{"cells": [', '"cell_type": "code"', '"source": ["a"]', '"outputs": [{"text": 1}]']
PIECES["eml"] = [
    *("Subject: a\n", "\n", "From: x@y\n", "Content-Type: multipart/mixed; boundary=b\n", "--b\n", "--b--\n", "text "),
    *("Content-Type: message/rfc822\n", "Content-Type: text/html; charset=x\n", "=?utf-8?q?=zz?=", "<p>", "\x00"),
    *("Content-Transfer-Encoding: base64\n", "Content-Disposition: attachment; filename*=utf-8''%ff\n", "Date: 1\n"),
]
PIECES["mhtml"] = PIECES["eml"]
PIECES["xml"] = [
    *(
        "<a>",
        "</a>",
        "<p>",
        "</p>",
        "<a b='c'/>",
        "text",
        " ",
        "&amp;",
        "&eacute;",
        "&x;",
        "&#1;",
        "<!-- c -->",
        "<?p i?>",
    ),
    *(
        "<title>",
        "</title>",
        "<list><item>",
        "</item></list>",
        "<![CDATA[<b>]]>",
        "<table><row><entry>1</entry></row></table>",
    ),
    *("<!DOCTYPE a [<!ENTITY x 'y'>]>", "<rss>", "</rss>", "<description>&lt;p&gt;a</description>", "<pre>\n</pre>"),
]
PIECES["warc"] = [
    *("WARC/1.0\r\n", "WARC-Type: response\r\n", "Content-Length: 20\r\n", "\r\n", "HTTP/1.1 200 OK\r\n", "\r\n\r\n"),
    *("Content-Type: text/html\r\n", "<p>a", "Content-Length: -1\r\n", "WARC-Target-URI: x\r\n", "9" * 20),
]
PIECES["code"] = ["def f():\n", "class A:\n", "    ", "# c\n", "@d\n", "x = 1\n", '"""', "(", ")", "é", "\t", "if a:\n"]


@pytest.mark.parametrize("form", sorted(PIECES))
@FUZZ
@given(data=st.data())
def test_text_made_of_the_marks_of_the_format(folder, form, data):
    pieces = data.draw(st.lists(st.sampled_from(PIECES[form]) | st.text(max_size=6), max_size=40))
    check(folder, form, "".join(pieces).encode("utf-8", "surrogatepass"))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda children: st.lists(children, max_size=3) | st.dictionaries(st.text(max_size=5), children, max_size=3),
    max_leaves=6,
)
RECORDS = st.fixed_dictionaries({}, optional=dict.fromkeys(("id", "_id", "text", "title", "metadata", "other"), JSON))


@FUZZ
@given(rows=st.lists(RECORDS, max_size=5))
def test_records_of_any_types(folder, rows):
    check(folder, "jsonl", "\n".join(["{}", *map(json.dumps, rows)]).encode())


def word_file() -> bytes:
    file = word("Title")
    file.add_heading("Chapter", level=1)
    file.add_paragraph("some text")
    table = file.add_table(rows=1, cols=2)
    table.cell(0, 0).text = "cell"
    return saved(file)


def mutated(content: bytes, seed: int) -> bytes:
    """The content with a few bytes changed, a part removed, or a part repeated."""
    choice = random.Random(seed)
    data = bytearray(content)
    for _ in range(choice.randint(1, 4)):
        at = choice.randrange(len(data))
        length = choice.choice((1, 1, 2, 9, 60))
        kind = choice.randrange(4)
        if kind == 0:
            data[at : at + length] = choice.randbytes(length)
        elif kind == 1:
            del data[at : at + length]
        elif kind == 2:
            data[at:at] = data[at : at + length] * choice.choice((1, 3))
        else:
            data[at : at + 1] = choice.choice(
                (b"\xff" * 4, b"0", b"9" * 12, b"/", b"<<", b">>", b"[", b"endobj", b"-1")
            )
        if not data:
            return b""
    return bytes(data)


@pytest.mark.parametrize("seed", range(120))
def test_a_damaged_pdf(tmp_path, seed):
    check(tmp_path, "pdf", mutated(pdf("Hello page", None, "Second", title="T"), seed))


def repacked(content: bytes, seed: int) -> bytes:
    """The Word file with a damaged part inside a sound zip file."""
    choice = random.Random(seed)
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as archive, zipfile.ZipFile(out, "w") as copy:
        names = archive.namelist()
        damaged = choice.choice([name for name in names if name.endswith((".xml", ".rels", ".opf", ".xhtml"))])
        for name in names:
            part = archive.read(name)
            copy.writestr(name, mutated(part, seed) if name == damaged else part)
    return out.getvalue()


@pytest.mark.parametrize("seed", range(60))
def test_a_damaged_word_file(tmp_path, seed):
    content = word_file()
    check(tmp_path, "docx", mutated(content, seed))
    check(tmp_path, "docx", repacked(content, seed))


def lesser_files() -> dict[str, bytes]:
    """A sound file of each format that is a zip archive, as far as its library is installed."""
    files = {"epub": epub({"a.xhtml": "<h1>A</h1><p>text", "b.xhtml": "<table><tr><td>1<td>2</table>"})}
    if find_spec("python_calamine"):
        files["xlsx"] = xlsx({"A": [["a", "b"], ["1", 2]], "B": [["c", None], ["d", True]]}, {"B": "A1:B1"})
    if find_spec("pptx"):
        import pptx

        deck = pptx.Presentation()
        slide = deck.slides.add_slide(deck.slide_layouts[1])
        slide.shapes.title.text = "Title"
        data = io.BytesIO()
        deck.save(data)
        files["pptx"] = data.getvalue()
    return files


@pytest.mark.parametrize("seed", range(40))
@pytest.mark.parametrize("form", sorted(lesser_files()))
def test_damaged_archives(tmp_path, form, seed):
    content = lesser_files()[form]
    check(tmp_path, form, mutated(content, seed))
    check(tmp_path, form, repacked(content, seed))


@pytest.mark.parametrize("form", ["md", "html", "txt"])
@pytest.mark.parametrize(
    "unit",
    [
        "<div>",
        "<table><tr><td>",
        "<pre>",
        "<h1>",
        "&#",
        "---\n",
        "a: ",
        "[",
        "{a: ",
        "- ",
        "> ",
        "`",
        "*a",
        "|",
        "# a\n",
    ],
)
def test_long_repetitions_end(tmp_path, form, unit):
    check(tmp_path, form, (f"{unit}" * 3000 + " x").encode())
