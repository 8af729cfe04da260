"""The documentation is true: its commands parse, its links lead somewhere, its tables are complete."""

from __future__ import annotations

import re
import shlex
import sys
import tokenize
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", *sorted(DOCS.glob("*.md"))]
MARKDOWN = [*PAGES, *(ROOT / name for name in ("ARCHITECTURE.md", "CHANGELOG.md", "CONTRIBUTING.md")),
            ROOT / "benchmarks" / "README.md", *sorted((ROOT / "examples").glob("*.md"))]  # fmt: skip
NAMES = {page: page.relative_to(ROOT).as_posix() for page in MARKDOWN}
FOREIGN_OPTIONS = {
    "--filter", "--torch", "--save", "--bi-encoder", "--cache", "--kept", "--weights", "--infinity", "--add-host",
    "--compare", "--sets", "--strict", "--require-hashes",
}  # fmt: skip
"""Options of other programs: the benchmarks, Docker, pip."""


def blocks(page: Path, *languages: str) -> list[str]:
    """Return the fenced blocks of a page in these languages."""
    text = page.read_text(encoding="utf-8")
    return [
        body for kind, body in re.findall(r"^```(\w+)\n(.*?)^```", text, re.DOTALL | re.MULTILINE) if kind in languages
    ]


def prose(page: Path) -> str:
    """Return the page without its fenced blocks."""
    return re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)


def commands(page: Path) -> list[str]:
    """Return the `shortlist` commands in the blocks of a page, with continued lines joined."""
    text = "\n".join(blocks(page, "console", "bash", "sh")).replace("\\\n", " ")
    lines = [re.sub(r"^\$ ", "", line.strip()) for line in text.splitlines()]
    return [line for line in lines if re.match(r"(\w+=\S+ )*(\.venv/bin/)?shortlist\b", line)]


def parse(words: list[str]) -> Any:
    """Parse the words as the command line does, without running the command."""
    import typer

    from shortlist.cli.app import app

    command = typer.main.get_command(app)
    context = command.make_context("shortlist", list(words))
    while hasattr(context.command, "commands") or hasattr(context.command, "resolve_command"):
        rest = [*getattr(context, "_protected_args", []), *context.args]
        name, command, rest = context.command.resolve_command(context, rest)
        context = command.make_context(name, rest, parent=context)
    return context


def every_command(command: Any, context: Any):
    """Yield the command and its sub-commands."""
    yield command
    if hasattr(command, "list_commands"):
        for name in command.list_commands(context):
            yield from every_command(command.get_command(context, name), context)


def options() -> set[str]:
    """Return every option of every command."""
    import typer

    from shortlist.cli.app import app

    root = typer.main.get_command(app)
    names = {"--help"}
    for command in every_command(root, root.context_class(root)):
        for parameter in command.params:
            names |= {name for name in [*parameter.opts, *parameter.secondary_opts] if name.startswith("--")}
    return names


@pytest.mark.parametrize(("page", "line"), [(NAMES[page], line) for page in MARKDOWN for line in commands(page)])
def test_commands_parse(page, line):
    words = shlex.split(re.sub(r"\s#.*$", "", line))  # an id has a "#", too
    while "=" in words[0]:
        words.pop(0)
    context = parse(words[1:])
    assert context.command.name == words[1] or context.parent.command.name == words[1]


SET_UPS = [text for page in MARKDOWN for line in commands(page) for text in re.findall(r"--set-up (\S+)", line)]


@pytest.mark.parametrize("text", SET_UPS)
def test_set_ups_parse(text):
    from shortlist.cli.setups import PlaceOptions, set_ups

    assert [set_up.name for set_up in set_ups({}, [text], PlaceOptions(Path("my-index")))] == [text.partition(":")[0]]


def test_a_wrong_option_does_not_parse():
    with pytest.raises(Exception, match="No such option"):
        parse(["search", "words", "--no-such-option"])


@pytest.mark.parametrize("page", MARKDOWN, ids=NAMES.get)
def test_options_in_the_text_exist(page):
    named = set(re.findall(r"`(?:[^`\n]*\s)?(--[a-z][a-z-]+)", prose(page)))
    if page.name == "CHANGELOG.md":  # names old options
        named -= set(re.findall(r"`(--[a-z-]+)`(?= \|)", prose(page)))
    assert named - FOREIGN_OPTIONS <= options()


@pytest.mark.parametrize("page", MARKDOWN, ids=NAMES.get)
def test_links_lead_to_files_and_headings(page):
    broken = []
    for target in re.findall(r"\]\(([^)\s]+)\)|src=\"([^\"]+)\"", prose(page)):
        path, _, anchor = "".join(target).partition("#")
        if path.startswith(("http:", "https:")):
            continue
        file = (page.parent / path).resolve() if path else page
        if not file.exists() or (anchor and anchor not in anchors(file)):
            broken.append("".join(target))
    assert not broken


def anchors(page: Path) -> set[str]:
    """Return the anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_every_example_is_in_their_list():
    text = (ROOT / "examples" / "README.md").read_text(encoding="utf-8")
    files = [path for path in (ROOT / "examples").iterdir() if path.is_file() and path.name != "README.md"]
    assert files
    assert [path.name for path in files if f"]({path.name})" not in text] == []


def test_every_page_is_linked_from_the_readme():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert [page.name for page in PAGES[1:] if f"docs/{page.name}" not in text] == []


def rows(page: Path, heading: str) -> list[str]:
    """Return the first cells of the table whose header begins with `heading`, without code marks."""
    lines = page.read_text(encoding="utf-8").splitlines()
    start = next(place for place, line in enumerate(lines) if line.startswith(f"| {heading} |")) + 2
    cells = []
    for line in lines[start:]:
        if not line.startswith("|"):
            break
        cells.append(line.split("|")[1].strip().strip("`"))
    return cells


def test_the_settings_page_has_every_setting():
    from shortlist.config import SearchConfig

    assert sorted(rows(DOCS / "settings.md", "name")) == sorted(field.name for field in fields(SearchConfig))


def test_the_python_page_has_every_public_name():
    import shortlist

    names = [name.strip(" `") for row in rows(DOCS / "python.md", "name") for name in row.split(",")]
    assert sorted(names) == sorted(shortlist.__all__)


def test_the_glossary_has_26_terms_in_order():
    terms = rows(DOCS / "glossary.md", "term")
    assert len(terms) == 26
    assert terms == sorted(terms, key=str.lower)


def test_the_tables_of_the_results_are_those_of_the_files():
    sys.path.insert(0, str(ROOT / "benchmarks"))
    try:
        import table
    finally:
        sys.path.pop(0)
    for name in table.TABLES:
        assert table.filled(name) == (table.PAGES / name).read_text(encoding="utf-8")


def test_the_readme_is_short():
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= 150


VAGUE = (
    "is told", "are told", "says so", "say so", "said so", "stands beside", "lies in", "lie in", "goes on", "go on",
    "has a say", "takes no harm", "is asked", "are asked", "let in", "in the box", "of its own accord",
)  # fmt: skip


@pytest.mark.parametrize("page", MARKDOWN, ids=NAMES.get)
def test_the_english_is_plain(page):
    text = " ".join(prose(page).split())
    assert [phrase for phrase in VAGUE if re.search(rf"\b{phrase}\b", text)] == []
    assert re.findall(r"(?<![\w.*/`])\.\d+\b", text) == [], "a decimal has no leading zero"


SOURCES = [*sorted((ROOT / "src").rglob("*.py")), *sorted((ROOT / "benchmarks").glob("*.py"))]


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_the_english_of_the_code_is_plain(path):
    with path.open("rb") as file:
        tokens = [
            token for token in tokenize.tokenize(file.readline) if token.type in (tokenize.STRING, tokenize.COMMENT)
        ]
    text = " ".join(" ".join(token.string for token in tokens).split())
    assert [phrase for phrase in VAGUE if re.search(rf"\b{phrase}\b", text)] == []
