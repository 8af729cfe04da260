"""What goes into a file comes out: every word is in a text, a title or the metadata, or is named in the report."""

from __future__ import annotations

import io
import json
import re
from email.message import EmailMessage
from html import escape, unescape
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from test_more_formats import epub, xlsx
from test_office_formats import saved, word

from shortlist.documents import Source, read
from shortlist.text import Splitter
from shortlist.types import Document

LOSS = settings(max_examples=25, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
WORD = st.text(st.characters(categories=["Ll", "Lu", "Nd"], max_codepoint=0x2FF), min_size=2, max_size=8)
TEXT = st.lists(WORD, min_size=1, max_size=6).map(" ".join)
ROWS = st.integers(2, 4).flatmap(
    lambda width: st.lists(st.lists(TEXT | st.just(""), min_size=width, max_size=width), min_size=2, max_size=5)
)
BLOCKS = st.lists(
    st.tuples(st.sampled_from(["heading", "text", "item"]), TEXT) | st.tuples(st.just("table"), ROWS), max_size=5
)
SPLITTER = Splitter(lambda text: len(text.split()), 12)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("loss")


def check(folder: Path, form: str, content: bytes, words: list[str], name: str = "file") -> None:
    """Read the content, split it, and look for every word in the passages, titles and metadata."""
    path = folder / name
    path.write_bytes(content)
    items = list(read(Source(path, form, folder)))
    documents = [item for item in items if isinstance(item, Document)]
    whole = " ".join(
        f"{item.title} {item.text} {json.dumps(dict(item.metadata), ensure_ascii=False)}" for item in documents
    )
    assert [word for word in words if word not in whole] == []
    passages = [passage for item in documents for passage in SPLITTER.split(item)]
    split = "".join("".join(f"{passage.title}{passage.text}" for passage in passages).split())
    for document in documents:
        assert [word for word in document.text.split() if word not in split and len(word) < 12] == []


def words_of(blocks) -> list[str]:
    return [
        word
        for kind, content in blocks
        for text in ([cell for row in content for cell in row] if kind == "table" else [content])
        for word in text.split()
    ]


@LOSS
@given(blocks=BLOCKS)
def test_word_files(folder, blocks):
    file = word()
    for kind, content in blocks:
        if kind == "table":
            table = file.add_table(len(content), len(content[0]))
            for number, row in enumerate(content):
                for place, text in enumerate(row):
                    table.cell(number, place).text = text
        elif kind == "heading":
            file.add_heading(content, 2)
        else:
            file.add_paragraph(content, style="List Number" if kind == "item" else None)
    check(folder, "docx", saved(file), words_of(blocks))


@LOSS
@given(blocks=BLOCKS, spans=st.lists(st.integers(0, 4), min_size=8, max_size=8), form=st.sampled_from(["html", "epub"]))
def test_pages(folder, blocks, spans, form):
    out = []
    for kind, content in blocks:
        if kind == "table":
            cells = [
                "".join(
                    f"<td rowspan={spans[place % 8]} colspan={spans[-place % 8]}>{escape(text)}"
                    for place, text in enumerate(row)
                )
                for row in content
            ]
            out.append(f"<table><tr>{'<tr>'.join(cells)}</table>")
        else:
            tag = {"heading": "h2", "item": "li", "text": "p"}[kind]
            out.append(f"<{tag}>{escape(content)}</{tag}>")
    page = "".join(out)
    check(folder, form, epub({"a.xhtml": page}) if form == "epub" else page.encode(), words_of(blocks))


NAMES = st.sampled_from(
    ("p", "para", "title", "a", "item", "list", "note", "section", "footnote", "emphasis", "pre", "rss")
)
TREES = st.recursive(TEXT, lambda children: st.lists(st.tuples(NAMES, children), max_size=4), max_leaves=12)


def xml_of(tree, before: str = "") -> str:
    """Return a tree of names and texts as XML, with a text before each element if it is given."""
    if isinstance(tree, str):
        return escape(tree)
    return "".join(f"{before}<{name}>{xml_of(inner, before)}</{name}>" for name, inner in tree)


@LOSS
@given(tree=TREES, rows=ROWS, root=st.sampled_from(["a", "book", "rss", "list"]), before=st.sampled_from(["", " x1 "]))
def test_xml_files(folder, tree, rows, root, before):
    cells = "".join(f"<row>{''.join(f'<entry>{escape(cell)}</entry>' for cell in row)}</row>" for row in rows)
    text = f"<{root}>{xml_of(tree, before)}<table><tbody>{cells}</tbody></table></{root}>"
    check(
        folder, "xml", text.encode(), [word for part in re.split("<[^<>]*>", text) for word in unescape(part).split()]
    )


@LOSS
@given(rows=ROWS, form=st.sampled_from(["csv", "json", "jsonl", "xlsx"]))
def test_records(folder, rows, form):
    names = [f"column{number}" for number in range(len(rows[0]))]
    if form == "csv":
        import csv

        out = io.StringIO()
        csv.writer(out).writerows([names, *rows])
        content = out.getvalue().encode()
    elif form == "xlsx":
        pytest.importorskip("python_calamine", reason="the extra files is not installed")
        content = xlsx({"A": [names, *[[escape(cell) for cell in row] for row in rows]]})
    elif form == "json":
        content = json.dumps([dict(zip(names, row, strict=True)) for row in rows]).encode()
    else:
        records = [{"text": row[0] or "x", **dict(zip(names, row, strict=True))} for row in rows]
        content = "\n".join(map(json.dumps, records)).encode()
    check(folder, form, content, [word for row in rows for cell in row for word in cell.split()])


@LOSS
@given(cells=st.lists(TEXT, max_size=5), subject=TEXT, outputs=st.lists(TEXT, max_size=3))
def test_mails_and_notebooks(folder, cells, subject, outputs):
    message = EmailMessage()
    message["Subject"] = subject
    message.set_content("\n".join(cells) or "x")
    for text in outputs:
        message.add_attachment(text, filename="a.txt")
    words = [word for text in (*cells, subject, *outputs) for word in text.split()]
    check(folder, "eml", message.as_bytes(), words)
    results = [{"output_type": "stream", "text": [text]} for text in outputs]
    book = {
        "cells": [
            {"cell_type": "markdown", "source": "\n".join(cells)},
            {"cell_type": "code", "source": subject, "outputs": results},
        ]
    }
    check(folder, "ipynb", json.dumps(book).encode(), words)


@LOSS
@given(rows=ROWS, ruled=st.booleans(), step=st.integers(14, 30))
def test_pdf_tables(folder, rows, ruled, step):
    from test_pdf import at, grid, page

    rows = [[cell.encode("cp1252", "ignore").decode("cp1252")[:18].strip() for cell in row] for row in rows]
    operators = [
        at(60 + 130 * place, 700 - step * number, text)
        for number, row in enumerate(rows)
        for place, text in enumerate(row)
        if text
    ]
    if ruled:
        xs = [55 + 130 * place for place in range(len(rows[0]) + 1)]
        operators += grid(xs, [700 + step * 0.7 - step * number for number in range(len(rows) + 1)])
    words = [word for row in rows for cell in row for word in cell.split() if word.isascii()]
    if words:
        check(folder, "pdf", page(*operators), words)
