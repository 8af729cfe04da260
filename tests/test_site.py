"""The site of the documentation: a navigation with every page, and the files and anchors of the repository."""

from __future__ import annotations

import importlib
import re
import sys
from pathlib import Path

import pytest
import yaml

from test_docs import DOCS, MARKDOWN, NAMES, anchors

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def hook():
    sys.path.insert(0, str(ROOT / ".ci"))
    try:
        return importlib.import_module("site_hook")
    finally:
        sys.path.remove(str(ROOT / ".ci"))


def targets(entries) -> list[str]:
    """Return the pages of a navigation, in its order."""
    pages = []
    for entry in entries:
        for value in entry.values():
            pages += [value] if isinstance(value, str) else targets(value)
    return pages


def navigation() -> list[str]:
    return targets(yaml.safe_load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"))["nav"])


def test_every_page_is_in_the_navigation_once(hook):
    pages = navigation()
    assert sorted(pages) == sorted({*hook.PAGES, *(f"docs/{page.name}" for page in DOCS.glob("*.md"))})


def test_a_broken_link_stops_the_build():
    validation = yaml.safe_load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"))["validation"]
    assert set(validation) == {"omitted_files", "absolute_links", "unrecognized_links", "anchors"}
    assert set(validation.values()) == {"warn"}
    assert "mkdocs build --strict\n" in (ROOT / "Makefile").read_text(encoding="utf-8")


def test_the_site_has_every_file_that_a_page_links(hook):
    files = hook.site_files([ROOT / name for name in navigation()])
    names = {path.relative_to(ROOT).as_posix() for path in files}
    assert {"README.md", "docs/search.svg", "examples/spark_rerank.py", "tests/clients/README.md"} <= names
    assert not any(name.startswith("src/") for name in names)


def test_links_are_those_outside_code(hook, tmp_path):
    (tmp_path / "b.md").touch()
    (tmp_path / "c.md").touch()
    page = tmp_path / "a.md"
    page.write_text("[b](b.md#part) [web](https://host/c.md)\n```\n[c](c.md)\n```\n", encoding="utf-8")
    assert hook.linked(page) == {tmp_path / "b.md"}
    assert hook.site_files([page]) == {page, tmp_path / "b.md"}


@pytest.mark.parametrize("page", MARKDOWN, ids=NAMES.get)
def test_the_anchors_are_those_of_github(hook, page):
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    assert {hook.slug(heading, "-") for heading in headings} == anchors(page)


@pytest.mark.parametrize("page", MARKDOWN, ids=NAMES.get)
def test_lists_begin_after_an_empty_line(page):
    """GitHub shows a list right after a paragraph. MkDocs makes it a part of the paragraph."""
    text = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
    blocks = [block.strip("\n").splitlines() for block in re.split(r"\n\s*\n", text)]
    paragraphs = [lines for lines in blocks if lines and not re.match(r"- |\d+\. ", lines[0])]
    assert [line for lines in paragraphs for line in lines if re.match(r"- |\d+\. ", line)] == []
