"""Real pages: the READMEs of installed packages, the docstrings of the standard library, and pages of documentation."""

from __future__ import annotations

import ast
import re
import sys
import sysconfig
from collections.abc import Iterator
from importlib.metadata import distributions
from itertools import chain, islice
from pathlib import Path

import pytest

from shortlist.documents import Skipped, Source, read
from shortlist.text import Splitter
from shortlist.text.markdown import parse
from shortlist.text.outline import MARKDOWN_SOURCES
from shortlist.types import Document, Passage

ROOT = Path(__file__).resolve().parents[2]
PAGES = 200
SHORTEST, LONGEST = 2000, 60_000
OTHERS = {"site-packages", "dist-packages", "test", "tests", "idlelib", "lib2to3"}


def tokens(text: str) -> int:
    return len(re.findall(r"\w+|[^\w\s]", text))


def readmes() -> Iterator[Document]:
    for package in distributions():
        text = package.metadata.get_payload()
        form = "md" if "markdown" in (package.metadata.get("Description-Content-Type") or "") else "txt"
        if isinstance(text, str):
            yield Document(package.metadata["Name"], text, "", {"format": form})


def docstrings() -> Iterator[Document]:
    folder = Path(sysconfig.get_path("stdlib"))
    for path in sorted(folder.rglob("*.py")):
        if OTHERS.intersection(path.parts) or path.stat().st_size < SHORTEST:
            continue
        tree = ast.parse(path.read_bytes())
        texts = (ast.get_docstring(node) for node in tree.body if isinstance(node, ast.ClassDef | ast.FunctionDef))
        text = "\n\n".join(filter(None, [ast.get_docstring(tree), *texts]))
        yield Document(str(path), text, "", {"format": "txt"})


def files() -> Iterator[Document]:
    paths = [*ROOT.glob("*.md"), *ROOT.glob("*/*.md")]
    pages = [path for path in sorted(Path("/usr/share/doc").glob("*/**/*.html")) if path.is_file()]
    paths += [path for path in pages if SHORTEST < path.stat().st_size < LONGEST][:100]
    for path in paths:
        for item in read(Source(path.resolve(), "html" if path.suffix == ".html" else "md")):
            if not isinstance(item, Skipped):
                yield item


@pytest.fixture(scope="module")
def pages() -> list[tuple[Document, list[Passage]]]:
    sys.path.insert(0, str(ROOT / "benchmarks"))
    found = (page for page in chain(readmes(), files(), docstrings()) if SHORTEST <= len(page.text) <= LONGEST)
    every = list(islice(found, PAGES))
    if len(every) < PAGES:
        pytest.skip(f"this machine has {len(every)} pages of documentation, and the test needs {PAGES}")
    splitter = Splitter(tokens, 200)
    return [(page, splitter.split(page)) for page in every]


@pytest.mark.slow
def test_few_passages_of_real_pages_begin_in_the_middle_of_a_sentence(pages):
    from passage_cuts import ends_in_a_lead, starts

    total = sum(len(passages) for _, passages in pages)
    inside = [passage.id for page, passages in pages for passage, bad in starts(page, passages) if bad]
    leads = [passage.id for _, passages in pages for passage in passages[:-1] if ends_in_a_lead(passage)]
    assert total > 5 * PAGES
    assert len(inside) < total / 100, inside
    assert len(leads) < total / 100, leads


@pytest.mark.slow
def test_no_character_of_real_pages_is_lost(pages):
    for page, passages in pages:
        rest = list(page.text)
        markdown = parse(page.text) if page.metadata["format"] in MARKDOWN_SOURCES else None
        hidden = [(edit.start, edit.end) for edit in markdown.hidden] if markdown else []
        for start, end in [*hidden, *((passage.start, passage.end) for passage in passages)]:
            rest[start:end] = " " * (end - start)
        assert not "".join(rest).strip(" \t\n|:-"), "only the line below the header of a cut table may be in no passage"
        assert all(tokens(passage.content) <= 200 for passage in passages)
