"""Rules for the package as a whole."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

import shortlist

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "src" / "shortlist"
MODULES = sorted(PACKAGE.rglob("*.py"))
HEAVY = {"torch", "transformers", "sentence_transformers", "onnxruntime", "openvino", "qdrant_edge", "huggingface_hub"}
VAGUE_NAMES = {"one", "found", "held", "said", "asked", "made", "told", "wanted"}


def test_the_public_names_are_complete():
    assert sorted(shortlist.__all__) == shortlist.__all__
    assert sorted(shortlist._PLACES) == shortlist.__all__
    assert set(shortlist.__all__) <= set(dir(shortlist))
    assert all(hasattr(shortlist, name) for name in shortlist.__all__)


def loaded_by(code):
    code = f"import sys, importlib, shortlist.cli; {code}; print(' '.join(sys.modules))"
    return set(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split())


def test_importing_loads_nothing_heavy():
    every = "from shortlist.cli.command_table import NAMES; "
    every += "[importlib.import_module('shortlist.cli.commands.' + n) for n in NAMES]"
    loaded = loaded_by(every)
    assert "shortlist.cli.commands.tune" in loaded
    assert not HEAVY & loaded


def test_a_search_does_not_wait_for_the_imports_of_other_commands():
    loaded = loaded_by("import shortlist.cli.commands.search")
    assert not [name for name in loaded if name.startswith(("shortlist.evaluation", "shortlist.server", "pydantic"))]


def tree() -> str:
    """Return the tree of ARCHITECTURE.md."""
    text = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    return re.search(r"^src/shortlist/\n(.*?)^```", text, re.DOTALL | re.MULTILINE).group(1)


def rooms(lines: str) -> dict[str, str]:
    """Return the path of each line of a tree, with its description."""
    described: dict[str, str] = {}
    parents: list[str] = []
    for line in lines.splitlines():
        marks, name, text = re.fullmatch(r"((?:│   |    )*[├└]── )(\S+) +(\S.*)", line).groups()
        depth = len(marks) // 4
        parents[depth - 1 :] = [name]
        described["".join(parents)] = text
    return described


def folders_and_modules() -> set[str]:
    """Return the modules of the package, and its folders at every depth; the weights of models are no rooms."""
    modules = {path.name for path in PACKAGE.glob("*.py")}
    files = (path for path in PACKAGE.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    folders = {parent for path in files for parent in path.relative_to(PACKAGE).parents}
    weights = Path("models/packaged")
    return modules | {f"{folder.as_posix()}/" for folder in folders if folder.name and weights not in folder.parents}


def test_the_tree_of_the_architecture_is_that_of_the_folders():
    assert set(rooms(tree())) == folders_and_modules()


@pytest.mark.parametrize("place", range(len(tree().splitlines())))
def test_the_tree_without_a_line_differs(place):
    lines = tree().splitlines()
    room = list(rooms(tree()))[place]
    if not any(other != room and other.startswith(room) for other in rooms(tree())):
        del lines[place]
        assert folders_and_modules() - set(rooms("\n".join(lines))) == {room}


def test_the_tree_with_another_line_differs():
    lines = "├── cellar/    a room that does not exist\n" + tree()
    assert set(rooms(lines)) - folders_and_modules() == {"cellar/"}


def test_the_layers_of_the_architecture_are_those_of_the_linter():
    text = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    shown = re.search(r"^```\n(cli\n.*?)^```", text, re.DOTALL | re.MULTILINE).group(1).split("\n")[:-1]
    linted = re.search(
        r"^layers =\n((?:    .*\n)+)", (ROOT / ".importlinter").read_text(encoding="utf-8"), re.MULTILINE
    )
    assert shown == [line.strip() for line in linted.group(1).splitlines()]


def test_the_files_that_the_architecture_names_exist():
    text = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`((?:[a-z_]+/)+|(?:[a-z_]+/)*[a-z_]+\.py)`", text))
    assert "documents/formats.py" in named
    assert [path for path in named if not (PACKAGE / path).exists() and not (ROOT / path).exists()] == []


def name_of(path: Path) -> str:
    return path.relative_to(PACKAGE).as_posix()


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_files_and_functions_stay_small(path):
    source = path.read_text(encoding="utf-8")
    assert len(source.splitlines()) <= 300
    functions = [
        node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    assert [node.name for node in functions if code_lines(node) > 40] == []


def code_lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Return the length of a function without its signature and its docstring."""
    body = function.body[1:] if ast.get_docstring(function) is not None else function.body
    return body[-1].end_lineno - body[0].lineno + 1 if body else 0


def test_files_of_tests_have_different_names():
    """pytest imports a file by its name alone: two with one name stop a run that collects both."""
    names = [path.name for path in (ROOT / "tests").rglob("test_*.py")]
    assert sorted(names) == sorted(set(names))


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_names_are_nouns(path):
    nodes = list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
    bound = {node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    bound |= {node.arg for node in nodes if isinstance(node, ast.arg)}
    assert not bound & VAGUE_NAMES


def test_weights_have_a_licence_and_notice():
    folders = [folder for folder in (PACKAGE / "models" / "packaged").iterdir() if folder.is_dir()]
    assert folders
    for folder in folders:
        assert (folder / "LICENSE").is_file()
        assert (folder / "NOTICE").is_file()
