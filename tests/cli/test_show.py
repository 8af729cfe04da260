"""How a passage is cited: the place can be found in the file."""

from __future__ import annotations

import io
import re
from pathlib import Path

import pytest
from rich.console import Console

from shortlist.cli.render.ranking import move, source, table
from shortlist.documents import discover, read
from shortlist.text import Splitter
from shortlist.types import Document, Hit, Passage, Ranking

FRONT = "---\r\ntitle: Refunds\r\nyear: 2024\r\n---\r\n"
FILES = {
    "refunds.md": FRONT
    + "# Refunds\r\n\r\nMoney comes back within ten days.\r\n\r\n## Abroad\r\n\r\nIt takes twenty.\r\n",
    "plain.md": "# Plain\n\nA page without front matter.",
    "note.txt": "First line.\n\nSecond line.\n",
    "faq.csv": "question,page\nHow long?,12\nHow much?,13\n",
    "named.csv": "id,text\nq1,How long?\nq2,How much?\n",
    "faq.jsonl": '{"text": "one", "line": 40}\n\n{"text": "two"}\n',
    "page.html": "<title>T</title><p>Some words.</p>",
}


@pytest.fixture
def cited(tmp_path: Path) -> list[tuple[str, Passage]]:
    for name, content in FILES.items():
        (tmp_path / name).write_bytes(content.encode())
    sources, _ = discover([tmp_path])
    split = Splitter(limit=12, count_tokens=lambda text: len(text.split())).split
    documents = [item for file in sources for item in read(file) if isinstance(item, Document)]
    hits = [Hit(passage, 1.0, 1, 1.0, 1) for document in documents for passage in split(document)]
    return [(source(hit).removeprefix(f"{tmp_path.resolve().as_posix()}/"), hit.passage) for hit in hits]


def test_records_are_cited_by_row_line_or_id(cited):
    assert [place for place, _ in cited if place.split(" ")[0].endswith(("csv", "jsonl"))] == [
        "faq.csv row 1",
        "faq.csv row 2",
        "faq.jsonl line 1",
        "faq.jsonl line 3",
        "named.csv id q1",
        "named.csv id q2",
    ]


def test_characters_are_those_of_the_file_as_text(cited, tmp_path):
    matches = [(re.fullmatch(r"(\S+) chars (\d+)-(\d+)", place), passage.text) for place, passage in cited]
    places = [(*match.groups(), text) for match, text in matches if match]
    assert {name for name, *_ in places} == {"refunds.md", "plain.md", "note.txt"}
    assert sum(name == "refunds.md" for name, *_ in places) > 1
    for name, start, end, text in places:
        assert (tmp_path / name).read_text(encoding="utf-8")[int(start) : int(end)] == text


def test_characters_of_extracted_text_are_called_so(cited):
    (place,) = [place for place, _ in cited if place.startswith("page.html")]
    assert re.fullmatch(r"page\.html text chars \d+-\d+", place)


def test_a_move_counts_places_up():
    moves = [move(Hit(Passage("p", "text"), 1.0, rank, 1.0, before)) for rank, before in ((1, 4), (4, 1), (2, 2))]
    assert moves == ["+3", "-3", "="]


@pytest.mark.parametrize(
    ("form", "expected"), [("md", "Dates Due in April"), ("html", "Dates Due in April"), ("txt", "## Dates **Due** in")]
)
def test_snippets_have_no_marks_of_markdown_in_any_format_that_has_them(form, expected):
    hit = Hit.of("a", "## Dates\n\n**Due** in April", 1.0, metadata={"format": form})
    out = Console(file=io.StringIO(), width=200)
    table(out, Ranking("q", (hit,), "off", 1, 0, 0, 0, {}))
    assert expected in out.file.getvalue()
