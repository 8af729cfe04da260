"""Titles that programs and templates write are not those of a document."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_office_formats import pdf, saved, word

from shortlist.documents import ReadOptions, Source, discover, read
from shortlist.documents.titles import best_title, is_placeholder

PLACEHOLDERS = [
    *(
        "untitled",
        "Untitled Document",
        "UNTITLED-3",
        "(anonymous)",
        "Document1",
        "New Page 2",
        "Slide 1",
        " ",
        "---",
        "7",
    ),
    *("Microsoft Word - Handbook draft.doc", "Microsoft PowerPoint - talk", "Normal.dotm", "Report.dotx", "thesis.dvi"),
    *("C:\\Users\\ann\\Desktop\\plan.doc", "/home/ann/x.tex", "file:a.pdf", "leaflet_v3.indd", "Sans titre 1"),
    *(
        "Loading...",
        "Home",
        "Page 1",
        "Layout 1",
        "Presentation1",
        "Book1",
        "Doc1",
        "undefined",
        "Unnamed",
        "%%title%%",
    ),
    *("Scan_20240305_101500", "IMG 0042", "Startseite"),
    *("index.html", "page_2.HTM", "http://x.org/help/start.php", "scan 3.gif", "Model.odg", "a/b/Default.aspx"),
    *("無題のドキュメント", "Без имени", "{{ page.title }}", "<%= title %>", "${title}", "[Document title]", "%TITLE%"),
    *(
        "Vite + React + TS",
        "Create Next App",
        "HTML5 Template",
        "Insert title here",
        "Page Title",
        "Presentación de PowerPoint",
    ),
]
NAMES = [
    *(
        "Pump handbook",
        "Node.js",
        "2024",
        "Document API",
        "Normal distributions",
        "Untitled Goose Game",
        "Word",
        "A",
        "C++",
    ),
    *(
        "Page layout",
        "Templates",
        "README.md",
        "/etc/fstab",
        "robots.txt",
        "Editing index.html",
        "ASP.NET",
        "package.json",
        "Microsoft Word tips",
        "Title IX",
        "Chapter 1",
        "Null",
    ),
    *("How to open a file", "The untitled works of Ann", "Slides of the talk", "GPT-4", "{Curly} names", "50 % of all"),
]


@pytest.mark.parametrize("title", PLACEHOLDERS)
def test_a_placeholder_is_no_title(title):
    assert is_placeholder(title)


@pytest.mark.parametrize("title", NAMES)
def test_a_name_is_a_title(title):
    assert not is_placeholder(title)


@given(title=st.text(max_size=60))
def test_every_document_gets_a_title(title):
    source = Source(Path("/a/pump.html"), "html", common_title="Site")
    for headings in ([], [title], ["Site", title]):
        best = best_title(source, title, headings)
        assert best in (title, "pump")
        assert best != "Site" or title == "Site"


@pytest.mark.parametrize("title", ["Untitled", "Microsoft Word - valves.doc", "React App", ""])
def test_a_page_with_a_placeholder_is_called_by_its_heading_or_its_file(load, title):
    head = f"<title>{title}</title>"
    assert load("valves.html", f"{head}<h1>Ball valves</h1><p>text")[0].title == "Ball valves"
    assert load("valves.html", f"{head}<h2>Gate valves</h2><p>text")[0].title == "Gate valves"
    assert load("valves.html", f"{head}<p>text")[0].title == "valves"


def test_a_pdf_with_a_placeholder_is_called_by_its_file(load):
    for title in ("(anonymous)", "Microsoft Word - x.doc", "untitled"):
        assert load("pump.pdf", pdf("text", title=title))[0].title == "pump"
    assert load("pump.pdf", pdf("text", title="Pump handbook"))[0].title == "Pump handbook"


def test_a_word_file_with_the_title_of_its_template_is_called_by_its_heading(load):
    file = word("Report template.dotx")
    file.add_heading("Seals", level=1)
    file.add_paragraph("text")
    assert load("a.docx", saved(file))[0].title == "Seals"


def test_front_matter_without_a_real_title_gives_the_heading(load):
    assert load("a.md", "---\ntitle: Untitled\n---\n# Seals\n\ntext\n")[0].title == "Seals"


def titles_of(folder: Path) -> list[str]:
    """Read a folder and return the titles of its documents."""
    sources, _ = discover([folder])
    return [item.title for source in sources for item in read(source)]


def test_the_title_that_all_files_of_a_folder_have_is_none_of_theirs(tmp_path):
    for name in ("a", "b", "c", "d", "e", "f"):
        page = (
            f"<title>Pump &amp; Co</title><h1>Part {name}</h1>text" if name < "e" else "<title> Pump & Co </title>text"
        )
        (tmp_path / f"{name}.html").write_text(page)
    assert titles_of(tmp_path) == ["Part a", "Part b", "Part c", "Part d", "e", "f"]
    [source], _ = discover([tmp_path / "b.html"])
    assert [item.title for item in read(source)] == ["Part b"]
    (tmp_path / "f.html").write_text("<title>Imprint</title>text")
    assert titles_of(tmp_path)[0] == "Pump & Co"


def test_two_files_may_have_the_same_title(tmp_path):
    for name in ("a", "b"):
        (tmp_path / f"{name}.html").write_text("<title>Pumps</title>text")
    assert titles_of(tmp_path) == ["Pumps", "Pumps"]


@pytest.mark.parametrize("form", ["pdf", "docx"])
def test_other_formats_may_have_a_common_title_too(tmp_path, form):
    for name in ("a", "b", "c"):
        file = word("Series of leaflets")
        file.add_paragraph("text")
        content = saved(file) if form == "docx" else pdf("text", title="Series of leaflets")
        (tmp_path / f"{name}.{form}").write_bytes(content)
    assert titles_of(tmp_path) == ["a", "b", "c"]
    (tmp_path / f"c.{form}").write_bytes(b"broken")
    sources, _ = discover([tmp_path / f"a.{form}"])
    assert [item.title for item in read(sources[0])] == ["Series of leaflets"]


def test_options_and_common_titles_stay_together(tmp_path):
    source = Source(tmp_path / "a.html", "html", tmp_path, ReadOptions(), "Site")
    source.path.write_text("<title>Site</title>text")
    assert [item.title for item in read(source)] == ["a"]
