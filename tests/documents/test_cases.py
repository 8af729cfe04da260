"""Small real inputs, each with the right value. The files are next to the checkout, and not in it."""

from __future__ import annotations

import gzip
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from test_pdf import at, page

import shortlist as sl
from hashed import HASHED, passages_in
from shortlist.evaluation.query_sets.files.trec import read_run
from shortlist.text.markdown import read_form

WORDS_ONLY = sl.SearchConfig(bi_encoder=HASHED, retriever="bm25", rerank=False)
README = "README"

Find = Callable[..., set[str]]
Texts = Callable[[str], list[str]]


def of(name: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("case", [name], indirect=True, ids=[name])


def files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.name != README)


@pytest.fixture
def find(tmp_path: Path) -> Iterator[Callable[[Path], Find]]:
    """Indexes the files of a folder, and searches them by words: the names of the documents."""
    opened: list[sl.OpenIndex] = []

    def index(folder: Path) -> Find:
        opened.append(sl.open(tmp_path / "ix", create=True, config=WORDS_ONLY))
        opened[0].add(files(folder))

        def search(query: str, **options: object) -> set[str]:
            hits = opened[0].search(query, **options)
            return {hit.passage.document_id.rsplit("/", 1)[-1] for hit in hits}

        return search

    yield index
    for each in opened:
        each.close()


@pytest.fixture
def texts(find: Callable[[Path], Find], tmp_path: Path) -> Callable[[Path], Texts]:
    """Indexes the files of a folder, and returns the texts of the passages of a file in order."""

    def index(folder: Path) -> Texts:
        with sl.open(tmp_path / "texts", create=True, config=WORDS_ONLY) as opened:
            opened.add(files(folder))
        passages = passages_in(tmp_path / "texts")
        return lambda name: [text for key, text in passages if f"/{name}#" in f"/{key}"]

    return index


def test_every_case_has_a_test(cases):
    files = [Path(__file__), Path(__file__).parents[1] / "server" / "test_case_requests.py"]
    marks = re.findall(r'^@of\("(.+)"\)$', "\n".join(file.read_text("utf-8") for file in files), re.MULTILINE)
    assert sorted(folder.name for folder in cases.iterdir() if folder.is_dir()) == sorted(marks)


@of("01-ligatures-nfkc")
def test_ligatures_and_full_width_letters(case, find):
    search = find(case)
    assert [search(word) for word in ("workflow", "office", "configuration", "finance")] == [{"e-lig.txt"}] * 4
    assert [search(word) for word in ("ABC123", "500", "\uff21\uff22\uff23\uff11\uff12\uff13")] == [{"f-fw.txt"}] * 3


@of("02-nfd-soft-hyphen-zwsp")
def test_accents_soft_hyphens_and_zero_width_spaces(case, find):
    search = find(case)
    assert [search(word) for word in ("Zürich", "Größl", "Vergütung", "zurich")] == [{"a-nfd.md"}] * 4
    assert [search(word) for word in ("Wertpapierindex", "Indexfonds")] == [{"c-shy.html"}] * 2
    assert [search(word) for word in ("kubeconfig", "maximumPoolSize")] == [{"d-zwsp.html"}] * 2


@of("03-line-end-hyphens-pdf")
def test_words_that_are_broken_at_line_ends(case, find, tmp_path):
    """The file of the case is not stored. These are lines of it, and lines with a compound."""
    (tmp_path / "in").mkdir()
    lines = [
        "Lorem ipsum dolor sit amet, con-",
        "sectetuer adipiscing elit. A long-",
        "term state-of-the-",
        "art plan.",
    ]
    drawn = [at(72, 740 - 12 * number, text) for number, text in enumerate(lines)]
    (tmp_path / "in" / "latin.pdf").write_bytes(page(*drawn))
    search = find(tmp_path / "in")
    assert [search(word) for word in ("consectetuer", "long-term", "term", "state-of-the-art")] == [
        {"latin.pdf#page=1"}
    ] * 4
    assert [search(word) for word in ("con", "sectetuer", "longterm")] == [set(), set(), {"latin.pdf#page=1"}]


@of("04-camelcase")
def test_identifiers_numbers_and_symbols(case, find):
    search = find(case)
    for query, name in {
        "user profile": "auth.md",
        "getUserProfileById": "auth.md",
        "HTML response": "auth.md",
        "PX500": "codes.md",
        "80070005": "codes.md",
        "conn reset": "codes.md",
        "5 GB": "sizes.md",
        "1250000": "sizes.md",
        "AT&T": "att.md",
        "USA": "att.md",
        "The Who": "att.md",
    }.items():
        assert name in search(query), query


@of("05-docx-equation")
def test_an_equation_of_word(case, texts):
    assert "The required head is H=Q 8λL/(gπ²D⁵) for pipe loss." in texts(case)("pump.docx")[0]


@of("06-docx-merged-cells")
def test_merged_cells_of_word(case, texts):
    [text] = texts(case)("pump.docx")
    assert "| Morning shift | Morning shift | Noon | Night |\n|-|-|-|-|\n| Ana | Ben | Cy | Dov |" in text
    assert "| Zone | Adult Single | Adult Return |\n|-|-|-|\n| North | 4.10 | 7.90 |" in text


@of("09-docx-list-numbers")
def test_the_numbers_of_a_list_of_word(case, texts):
    assert (
        "1. Scope of delivery\n2. Payment within thirty days\n3. Warranty of two years" in texts(case)("pump.docx")[0]
    )


@of("10-html-spans")
def test_rows_and_columns_that_cells_span(case, texts):
    [text] = texts(case)("span.html")
    assert text.split("\n")[2:] == [
        "| Zone | Adult Single | Adult Return | Child Single | Child Return |",
        "|-|-|-|-|-|",
        "| North | 4.10 | 7.90 | 2.05 | 3.95 |",
        "| North | 4.20 | 8.10 | 2.10 | 4.05 |",
        "| South |  | 6.60 | 1.70 | 3.30 |",
    ]


@of("11-table-header-lost")
def test_every_passage_with_rows_names_the_columns(case, texts):
    of_file = texts(case)
    for name in ("spec.md", "spec.html"):
        passages = of_file(name)
        assert len(passages) > 4
        assert all("| Machine | Max pressure (bar) | Noise (dB) | Weight |" in text for text in passages)
        rows = [line for text in passages for line in text.split("\n") if line.startswith("| Model ")]
        assert len(rows) == len(set(rows)) == 80


@of("12-csv-long-row")
def test_every_passage_of_a_row_names_its_key(case, texts):
    passages = texts(case)("wide.csv#row=1")
    assert len(passages) > 4
    assert all("ZX-9" in text for text in passages)
    assert [text for text in passages if "warranty_months: 36" in text] == passages[-1:]


@of("13-legacy-encodings")
def test_texts_that_are_not_utf8(case, find):
    search = find(case)
    assert search("Schraube", where={"Größe": "groß"}) == {"excel-ansi.csv#row=1"}
    assert search("価格表") == {"notes-sjis.txt"}
    assert search("倉庫") == {"notes-sjis.txt"}
    assert search("drawer") == {"utf16nobom.txt"}


@of("15-run-rank-constant")
def test_runs_are_read_as_trec_eval_reads_them(case, tmp_path):
    assert {path.name: read_run(path) for path in files(case)} == {
        "j.txt": {"1": {"a": 3.0, "b": 2.0}},
        "k.txt": {"1": {"a": 3.0}},
        "o.txt": {"1": {"a": 3.0}},
        "p.txt": {"1": {"a": 3.0}},
    }
    packed = tmp_path / "j.txt.gz"
    packed.write_bytes(gzip.compress((case / "j.txt").read_bytes()))
    assert list(read_run(packed)["1"]) == ["a", "b"]


@of("18-md-entities-comments")
def test_entities_and_comments_of_markdown(case, texts, find):
    [text] = texts(case)("fence.md")
    read = read_form(text)
    assert "Body & more <tag>" in read
    assert "text café." in read
    assert "secret" not in text
    assert "hidden heading" not in text
    assert "```sh\n# fake heading in code\nrun it\n```" in text
    search = find(case)
    assert [search(word) for word in ("secret", "nbsp", "eacute", "café", "Footnote")] == [
        set(), set(), set(), {"fence.md"}, {"fence.md"}
    ]  # fmt: skip


@of("19-filter-nfc-range")
@pytest.mark.parametrize(
    ("where", "ids"),
    [
        ("city=Zürich", "p0 p1"),
        ("city=Zu\u0308rich", "p0 p1"),
        ("price<100", "p0 p2"),
        ("price>=89.5", "p0 p1"),
        ("status!=retired", "p0 p2 p3"),
        ("dims.w=10", "p0"),
        ("city~=BERN", "p2 p3"),
        ("city^=Z", "p0 p1"),
        ("date>=2024-02", "p1 p3"),
        ("tags=sale", "p1 p3"),
    ],
)
def test_filters(case, find, where, ids):
    assert find(case)("lamp", where=[where]) == set(ids.split())
